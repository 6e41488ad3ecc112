package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"martinella/broadcast"
)

// A gateway is declared live when every check is right or excepted by an
// administrator; else each that is not is named, and nothing is written.
func TestLiveIsDeclaredWhenDoctorIsContentOrExceptionsAreSigned(t *testing.T) {
	needRedis(t)
	dir := t.TempDir()
	var works atomic.Bool
	press := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if !works.Load() {
			panic(http.ErrAbortHandler) // cuts the connection
		}
	}))
	t.Cleanup(press.Close)
	secret := write(t, filepath.Join(dir, "secret"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
	dir, config := settle(t, fmt.Sprintf("  - {name: press, kind: webhook, url: %q, secret_file: %s}\n  - {name: box, kind: outbox, exercise: true}\n", press.URL, secret))
	s := open(t, dir, config)
	signedInAs(t, s, "Anna Rossi", "anna", "administrator")
	signedIn(t, s) // piera, no administrator
	day := func(days int) string { return time.Now().AddDate(0, 0, days).Format(time.DateOnly) }

	for name, c := range map[string]struct {
		args []string
		code int
		want []string
	}{
		"nobody signs":                 {nil, exitUsage, []string{"--by is missing", "staff list"}},
		"nobody is called that":        {[]string{"--by", "zeno"}, exitRefused, []string{`nobody is called "zeno"`}},
		"no administrator signs":       {[]string{"--by", "piera"}, exitRefused, []string{"piera is no administrator"}},
		"a check is not right":         {[]string{"--by", "anna"}, exitRefused, []string{"BAD   channel press", "[channel:press]", "the platform cannot be reached", "1 of 7 checks failed: channel:press", "--except CODE"}},
		"an exception is in part":      {[]string{"--by", "anna", "--except", "channel:press", "--until", day(9)}, exitUsage, []string{"1 --except, 0 --reason, 1 --until"}},
		"everything is wrong with one": {[]string{"--by", "anna", "--except", "durability", "--reason", " ", "--until", "tomorrow"}, exitUsage, []string{"cannot be excepted: an alert that was accepted could be lost", "--reason needs one line", "is no day"}},
		"the key file is excepted":     {[]string{"--by", "anna", "--except", "key", "--reason", "lost", "--until", day(9)}, exitUsage, []string{"cannot be excepted"}},
		"a reason has lines":           {[]string{"--by", "anna", "--except", "channel:press", "--reason", "a\nb", "--until", day(9)}, exitUsage, []string{"--reason needs one line"}},
		"an exception is over":         {[]string{"--by", "anna", "--except", "channel:press", "--reason", "x", "--until", day(-2)}, exitUsage, []string{"is over"}},
		"an exception is for long":     {[]string{"--by", "anna", "--except", "channel:press", "--reason", "x", "--until", day(100)}, exitUsage, []string{"more than 90 days away"}},
		"an exception comes twice":     {[]string{"--by", "anna", "--except", "channel:press", "--reason", "x", "--until", day(9), "--except", "channel:press", "--reason", "y", "--until", day(9)}, exitUsage, []string{"is named twice"}},
		"there is no such check": {[]string{"--by", "anna", "--except", "channel:fax", "--reason", "x", "--until", day(9), "--except", "clock", "--reason", "y", "--until", day(9)}, exitRefused,
			[]string{`"channel:fax": there is no such check`, `"clock": the check is right and needs no exception`}},
	} {
		code, out, errOut := command(t, append([]string{"live", "declare", "--config", config}, c.args...)...)
		for _, want := range c.want {
			if code != c.code || !strings.Contains(out+errOut, want) {
				t.Errorf("%s: exit %d, want %d and %q\n%s%s", name, code, c.code, want, out, errOut)
			}
		}
	}
	if out := must(t, "live", "show", "--config", config); !strings.Contains(out, "not declared live") {
		t.Errorf("it shows %s", out)
	}
	exported := func() string {
		file := filepath.Join(t.TempDir(), "ledger.jsonl")
		must(t, "ledger", "export", "--config", config, "--out", file)
		return secretOf(t, file)
	}
	if strings.Contains(exported(), broadcast.ActDeclared) {
		t.Error("the ledger holds a declaration that was refused")
	}

	must(t, "live", "declare", "--config", config, "--by", "anna", "--except", "channel:press", "--reason", "new contract", "--until", day(9))
	if out := must(t, "live", "show", "--config", config); !strings.Contains(out, "by Anna Rossi") || !strings.Contains(out, "exception channel:press until "+day(9)+", signed by Anna Rossi: new contract") {
		t.Errorf("it shows %s", out)
	}
	if out := must(t, "doctor", "--config", config); !strings.Contains(out, "known channel press") || !strings.Contains(out, "1 failed and are excepted") || !strings.Contains(out, "note  exception                channel:press until "+day(9)) {
		t.Errorf("doctor says\n%s", out)
	}
	all := exported()
	if strings.Count(all, `"verb":"declared-live"`) != 1 || !strings.Contains(all, "channel:press until "+day(9)+": new contract") || !strings.Contains(all, `"of":"staff:`) || strings.Contains(all, "Anna") {
		t.Errorf("the ledger holds\n%s", all)
	}

	must(t, "live", "declare", "--config", config, "--by", "anna") // what was signed holds
	works.Store(true)
	must(t, "live", "declare", "--config", config, "--by", "anna") // and goes once it is not needed
	if out := must(t, "live", "show", "--config", config); strings.Contains(out, "exception") {
		t.Errorf("it shows %s", out)
	}
	works.Store(false)
	if code, _, errOut := command(t, "live", "declare", "--config", config, "--by", "anna"); code != exitRefused || !strings.Contains(errOut, "channel:press") {
		t.Errorf("an exception came back: exit %d, %s", code, errOut)
	}
	if out := must(t, "live", "show", "--config", config); !strings.Contains(out, "declared live on") {
		t.Errorf("a check that turned bad took the declaration away: %s", out)
	}
	if code := s.stop(); code != 0 {
		t.Fatalf("the gateway ended with %d", code)
	}
	s = open(t, dir, config) // starts all the same, and tells of it
	eventually(t, "the gateway has seen that its channel fails", func() bool {
		return s.metric(t, "martinella_live_declared") == 1 && s.metric(t, "martinella_checks_failed") == 1
	})
}

// A gateway that only practises is not declared live.
func TestPracticeIsNotDeclaredLive(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	write(t, config, strings.Replace(secretOf(t, config), "mode: live", "mode: practice", 1))
	code, _, errOut := command(t, "live", "declare", "--config", config, "--by", "anna")
	if code != exitRefused || !strings.Contains(errOut, "set mode: live") {
		t.Errorf("%s: exit %d, %s", dir, code, errOut)
	}
}

// An exception that is over counts no more, and doctor says so.
func TestAnExceptionThatIsOverIsNamed(t *testing.T) {
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	declared := broadcast.Declaration{At: end.AddDate(0, -1, 0), Exceptions: []broadcast.Exception{{Code: "channel:sms", Reason: "contract", Until: end}}}
	for name, c := range map[string]struct {
		now  time.Time
		want string
		ok   bool
	}{
		"before its end": {end.Add(-time.Second), "exception                channel:sms until 2026-11-30: contract", true},
		"at its end":     {end, "exception                channel:sms EXPIRED on 2026-11-30: contract; mend", false},
	} {
		var out record
		d := &doctor{out: &out, declared: declared, now: c.now}
		d.say("channel:sms", "channel sms", errors.New("refused"), "")
		d.declaration(&Config{Mode: modeLive, Authority: AuthorityConfig{Zone: "UTC"}})
		d.out = io.Discard
		if err := d.verdict(); (err == nil) != c.ok || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}
