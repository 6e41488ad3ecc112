package dashboards

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"martinella/alerts"
)

func FuzzSignatureHeader(f *testing.F) {
	for _, s := range []string{"", "t=1,kid=a,v1=" + strings.Repeat("ab", 32), "t=-1,kid=,v1=zz", "t=1,t=2", "v1", "t=01,kid=a,v1=" + strings.Repeat("00", 32), "t=9223372036854775807,kid=k,v1=" + strings.Repeat("ff", 32)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		s, err := parseSignature(header)
		if err == nil && (s.key == "" || len(s.mac) != 32 || s.at.Unix() < 0 || !strings.Contains(header, "t="+s.stamp)) {
			t.Errorf("%q gave %+v", header, s)
		}
	})
}

func FuzzAccept(f *testing.F) {
	for _, s := range []string{"", "*/*", "text/html,application/xml;q=0.9,*/*;q=0.8", "application/json;q=NaN", "a/b;q=1e9", "application/*;q=0.000", ";;;,,,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Accept"] = []string{header}
		media, ok := negotiate(r, offer{media: mediaJSON}, offer{media: mediaGeo})
		if ok != (media != "") || (ok && media != mediaJSON && media != mediaGeo) {
			t.Errorf("%q gave %q %v", header, media, ok)
		}
		for _, m := range parseAccept(header) {
			if !(m.q >= 0 && m.q <= 1) {
				t.Errorf("%q has a quality of %v", header, m.q)
			}
		}
		codingOf(r.Header.Get("Accept-Encoding"))
	})
}

func FuzzListing(f *testing.F) {
	for _, s := range []string{"", "state=issued&area=048017", "since=a-1-2&limit=5", "limit=-1", "limit=99999999999999999999", "state=%00", "a=1&a=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if l, err := parseListing(q); err == nil && (l.limit < 1 || l.limit > maxListed) {
			t.Errorf("%q gave a limit of %d", query, l.limit)
		}
	})
}

func FuzzWordsOfStrangers(f *testing.F) {
	for _, s := range []string{"1. Salite\n2) Uscite\n- State fermi", "\u202eabc", "1.000 persone", "2026", "\x00\r\n\t", "•", "12.", "100. centesimo"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, line := range steps(s) {
			if line == "" || strings.ContainsAny(line, "\n\r\u202e") || (utf8.ValidString(s) && !utf8.ValidString(line)) {
				t.Errorf("%q gave the step %q", s, line)
			}
		}
		places([]alerts.Area{{Description: s}, {Description: s}})
		_ = short(tidy(s)) // it must not panic
	})
}

func TestSteps(t *testing.T) {
	for text, want := range map[string]string{
		"1. Salite.\n2. Uscite.":       "Salite.|Uscite.",
		"- Salite\n• Uscite":           "Salite|Uscite",
		"1.000 persone siano pronte":   "1.000 persone siano pronte",
		"112 è il numero da chiamare":  "112 è il numero da chiamare",
		"Restate in casa. Non uscite.": "Restate in casa. Non uscite.",
		"\n\n 3) Chiudete il gas \n\n": "Chiudete il gas",
		"10 minuti bastano":            "10 minuti bastano",
	} {
		if got := strings.Join(steps(text), "|"); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}
