package cap

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	during := time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)
	after := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		body, contentType string
		now               time.Time
		want              string // the verdict without the problems
		problems          int
		obstacles         int
	}{
		"a good alert":              {smallAlert, "application/cap+xml", during, `"valid":true,"sendable":true,"version":"1.2"`, 0, 0},
		"the same in JSON":          {smallJSON, "application/json; charset=utf-8", during, `"valid":true,"sendable":true,"version":"1.2"`, 0, 0},
		"JSON without a media type": {"\n" + smallJSON, "", during, `"valid":true,"sendable":true,"version":"1.2"`, 0, 0},
		"valid but expired":         {smallAlert, "text/xml", after, `"valid":true,"sendable":false,"version":"1.2"`, 0, 1},
		"flagged":                   {strings.Replace(smallAlert, ` xmlns="`+namespace12+`"`, "", 1), "", during, `"valid":true,"sendable":true,"version":"1.2"`, 1, 0},
		"not valid":                 {strings.Replace(smallAlert, "<status>Test</status>", "", 1), "", during, `"valid":false,"sendable":false,"version":"1.2"`, 1, 0},
		"no alert":                  {"<a/>", "", during, `"valid":false,"sendable":false,"version":""`, 1, 1},
		"not well-formed":           {"<a>", "", during, `"valid":false,"sendable":false,"version":""`, 1, 0},
		"XML sent as JSON":          {smallAlert, "application/json", during, `"valid":false,"sendable":false,"version":""`, 1, 0},
		"JSON sent as XML":          {smallJSON, "application/cap+xml", during, `"valid":false,"sendable":false,"version":""`, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := Check([]byte(c.body), c.contentType, Submit, c.now)
			if len(v.Problems) != c.problems || len(v.Obstacles) != c.obstacles {
				t.Errorf("got %d problems, %d obstacles: %+v", len(v.Problems), len(v.Obstacles), v)
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]any{}
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			severity := "error"
			if v.Valid && len(v.Problems) > 0 {
				severity = "warning"
			}
			for _, list := range []string{"problems", "obstacles"} {
				items, ok := got[list].([]any)
				if !ok {
					t.Fatalf("%s is no list in %s", list, b)
				}
				for _, item := range items {
					p := item.(map[string]any)
					if p["field"] == "" || p["problem"] == "" || p["hint"] == "" || p["severity"] != severity || len(p) != 4 {
						t.Errorf("a problem is not complete: %v", p)
					}
				}
				delete(got, list)
			}
			want := map[string]any{}
			if err := json.Unmarshal([]byte("{"+c.want+"}"), &want); err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want) || got["valid"] != want["valid"] || got["sendable"] != want["sendable"] || got["version"] != want["version"] {
				t.Errorf("got %s, want %s", b, c.want)
			}
		})
	}
}

func TestTheVerdictKeepsWhyNothingWasRead(t *testing.T) {
	for _, c := range []struct {
		body string
		want error
	}{{"<a>", ErrMalformed}, {"<!DOCTYPE a><a/>", ErrUnsafe}, {"<a>" + strings.Repeat(" ", Submit.Bytes), ErrTooLarge}} {
		if v := Check([]byte(c.body), "", Submit, time.Time{}); !errors.Is(v.Err, c.want) || v.Document != nil {
			t.Errorf("got %v, want %v", v.Err, c.want)
		}
	}
}
