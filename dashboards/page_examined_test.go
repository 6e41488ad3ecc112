package dashboards

import (
	"strings"
	"testing"
	"time"

	"martinella/broadcast"
)

// Staff see on the first page what is not right since the gateway was declared
// live, and which exceptions hold or are over.
func TestTheConsoleSaysWhatTurnedBadSinceLiveWasDeclared(t *testing.T) {
	now := time.Now()
	declared := broadcast.Declaration{At: now.AddDate(0, -1, 0), Exceptions: []broadcast.Exception{
		{Code: "channel:sms", Reason: "contratto da dicembre", Until: now.Add(time.Hour)},
		{Code: "backup:nas", Reason: "disco ordinato", Until: now.Add(-time.Hour)},
	}}
	for name, c := range map[string]struct {
		found broadcast.Examination
		want  []string
		not   []string
	}{
		"not examined yet": {broadcast.Examination{}, nil, []string{"h-examined"}},
		"never declared":   {broadcast.Examination{At: now}, []string{"h-examined", "non è stato dichiarato operativo"}, []string{"da sistemare"}},
		"all is right":     {broadcast.Examination{At: now, Declaration: broadcast.Declaration{At: now}}, []string{"Dichiarato operativo"}, []string{"da sistemare"}},
		"one is red, one excepted, one over": {broadcast.Examination{At: now, Declaration: declared, Failed: []broadcast.FailedCheck{
			{Code: "backup:nas", Problem: "the place is full"}, {Code: "channel:sms", Problem: "refused", Excepted: true, Until: now.Add(time.Hour)}}},
			[]string{"da sistemare (1)", "backup:nas", "the place is full", "contratto da dicembre", "disco ordinato", "eccezione scaduta"}, []string{">refused<"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := openConsole(t, func(cfg *Config) { cfg.Examined = func() broadcast.Examination { return c.found } })
			p, _ := g.first()
			body := strings.ReplaceAll(p.do("GET", "/console?lang=it", nil).body, "&#39;", "'")
			for _, want := range c.want {
				if !strings.Contains(body, want) {
					t.Errorf("the console does not say %q\n%s", want, body)
				}
			}
			for _, not := range c.not {
				if strings.Contains(body, not) {
					t.Errorf("the console says %q", not)
				}
			}
			public := g.get("/status").body
			if strings.Contains(public, "disco ordinato") || strings.Contains(public, "the place is full") {
				t.Error("the public reads why")
			}
		})
	}
}
