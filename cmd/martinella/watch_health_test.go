package main

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
)

func TestHealthIsReadFromTheNumbers(t *testing.T) {
	for what, c := range map[string]struct {
		metrics string
		want    []string
	}{
		"all is well": {"# HELP martinella_redis_durable x\nmartinella_redis_durable 1\nmartinella_dead_letters{channel=\"sms\"} 0\nmartinella_token_expiry_seconds{channel=\"sms\"} +Inf\n", nil},
		"the worst comes first": {"martinella_dead_letters{channel=\"sms\"} 3\nmartinella_redis_durable 0\n",
			[]string{"what is accepted may be lost: Redis does not write every change to disk", "sms: 3 jobs were given up and wait for a person"}},
		"lanes have their own patience": {"martinella_queue_oldest_seconds{channel=\"sms\",lane=\"normal\"} 60\nmartinella_queue_oldest_seconds{channel=\"sms\",lane=\"urgent\"} 60\n",
			[]string{"sms: the oldest urgent message waits for 1m0s"}},
		"a channel": {"martinella_breaker_open{channel=\"sms\"} 1\nmartinella_channel_check_ok{channel=\"sms\"} 0\n",
			[]string{"sms: holds back, the platform does not answer or refuses the credentials", "sms: the check of the credentials has not passed"}},
		"ages and ends": {"martinella_certificate_expiry_seconds{name=\"tls\"} 7200\nmartinella_backup_age_seconds{place=\"nas\"} 1.44e+04\nmartinella_mirror_age_seconds{mirror=\"web2\"} 901\nmartinella_token_expiry_seconds{channel=\"facebook\"} -3600\n",
			[]string{"nas: the last good backup is 4h0m0s old", "tls: the certificate ends in 2h0m0s", "facebook: the access ends in -1h0m0s", "web2: the copy of the pages is 15m1s old"}},
		"what is no number": {"martinella_redis_durable NaN\nnonsense\n\nmartinella_dead_letters{channel=\"sms\"} many\n", nil},
	} {
		t.Run(what, func(t *testing.T) {
			if got := health(c.metrics); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// The exit code of --once says how the gateway is.
func TestWatchOnceEndsByTheState(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	s := open(t, dir, config)
	key := s.key(t, "reader", "--can", "submit")
	once := func(admin string) (int, string, string) {
		return command(t, "watch", "--once", "--url", s.Public, "--admin-url", admin, "--key-file", key)
	}
	eventually(t, "all is well", func() bool { // the first measure of the store is on its way
		code, out, _ := once(s.Admin)
		return code == exitDone && strings.Contains(out, "health: all is well")
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	if code, out, errOut := once(closed); code != exitUnreachable || !strings.Contains(out, "health: not known") || !strings.Contains(errOut, "admin_listen") {
		t.Errorf("without the port: %d\n%s%s", code, out, errOut)
	}
}

// Something that is wrong is told, and is no success.
func TestWatchOnceSaysWhatIsWrong(t *testing.T) {
	unwell := sight{troubles: []string{"sms: holds back"}}
	var f *failure
	if err := unwell.verdict(false); !errors.As(err, &f) || f.code != exitRefused || unwell.wellness() != "health: sms: holds back" {
		t.Errorf("got %v, %s", err, unwell.wellness())
	}
	unseen := sight{unseen: true}
	if err := unseen.verdict(false); err != nil {
		t.Errorf("a port that nobody named is missed: %v", err)
	}
}
