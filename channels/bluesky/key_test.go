package bluesky

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestKeysOfRecords(t *testing.T) {
	at := channeltest.SampleSent
	key := func(k, language string, sent time.Time) string {
		t.Helper()
		m := channels.Message{Key: k, Language: language, Sent: sent}
		got := recordKey(m)
		if !tidRule.MatchString(got) {
			t.Errorf("%q %q %v: %q is no TID", k, language, sent, got)
		}
		if again := recordKey(m); again != got {
			t.Errorf("%q: %s, then %s", k, got, again)
		}
		return got
	}
	seen := map[string]string{}
	for i := range 2000 {
		for _, language := range []string{"it", "en"} {
			k := fmt.Sprintf("01KAK3Z8G0FLD1RST0000000A1/%d/comune-bluesky/", i)
			got := key(k, language, at)
			if other := seen[got]; other != "" {
				t.Errorf("%s %s and %s are both %s", k, language, other, got)
			}
			seen[got] = k + language
			if later := key(k, language, at.Add(time.Second)); later <= got {
				t.Errorf("a second later it is %s, before it was %s", later, got)
			}
			if strings.Contains(got[7:], "gg") {
				t.Errorf("%s may spell a word", got)
			}
		}
	}
	var v uint64
	for _, c := range key("a", "it", at) {
		v = v<<5 | uint64(strings.IndexRune(keyDigits, c))
	}
	if got := time.UnixMicro(int64(v >> 10)).Truncate(time.Second); !got.Equal(at) {
		t.Errorf("the key says %v, want %v", got, at)
	}
	// Whoever runs another release must find what this one wrote.
	if got, want := key("01KAK3Z8G0FLD1RST0000000A1/1/comune-bluesky/", "it", at), "3n2stqca3uskg"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// Only the second counts: stores keep times more or less exactly.
	if key("a", "it", at) != key("a", "it", at.Add(999*time.Millisecond)) || key("a", "it", at) != key("a", "it", at.In(time.FixedZone("CET", 3600))) {
		t.Error("the same second gives two keys")
	}
	if got := createdAt(channels.Message{Sent: at.In(time.FixedZone("CET", 3600))}); got != "2026-11-21T10:00:00.000Z" {
		t.Errorf("the post bears %s", got)
	}
	key("", "", time.Time{})
	key("a", "it", time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC))
	key("a", "it", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
}

func TestATIDSaysItsTime(t *testing.T) {
	// From the examples of atproto.com/specs/tid.
	for text, v := range map[string]uint64{"3jzfcijpj2z2a": 0, "7777777777777": 0, "3zzzzzzzzzzzz": 0, "2222222222222": 0} {
		for _, c := range text {
			v = v<<5 | uint64(strings.IndexRune(keyDigits, c))
		}
		if got := tid(v); got != text {
			t.Errorf("%d is %s, want %s", v, got, text)
		}
	}
}

func FuzzRecordKey(f *testing.F) {
	f.Add("a/1/c/", "it", int64(1_795_000_000))
	f.Add("", "", int64(-1))
	f.Fuzz(func(t *testing.T, key, language string, sent int64) {
		m := channels.Message{Key: key, Language: language, Sent: time.Unix(sent, 0)}
		if got := recordKey(m); !tidRule.MatchString(got) {
			t.Errorf("%q is no TID", got)
		}
		if at := sentAt(m); at.Year() <= 9999 && !timeRule.MatchString(createdAt(m)) {
			t.Errorf("%q is no time", createdAt(m))
		}
	})
}
