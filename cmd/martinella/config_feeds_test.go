package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

func TestFeedsAreRead(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "m.yaml"), valdemo+`feeds:
  - {name: dpc, url: "https://dpc.example/feed.atom", every: 2m, areas: ["Tosc-*"], hazards: [Met], severity: Severe, hosts: [cap.dpc.example]}
  - {name: open, url: "http://open.example/feed"}
`)
	c, err := loadConfigOf(surroundings(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.feeds()
	if err != nil || len(all) != 2 || all[0].Every != 2*time.Minute || all[0].Severity != alerts.SeveritySevere || all[1].Every != time.Minute || all[1].Severity != alerts.SeverityModerate {
		t.Errorf("feeds %+v, %v", all, err)
	}
	_, out, _ := command(t, "config", "check", "--config", file)
	for _, want := range []string{"note: feed open: without areas", "note: feed open: http without a certificate"} {
		if !strings.Contains(out, want) {
			t.Errorf("config check lacks %q: %s", want, out)
		}
	}
	if strings.Contains(out, "feed dpc") {
		t.Errorf("config check: %s", out)
	}
	if _, out, _ := command(t, "config", "print", "--config", file); !strings.Contains(out, "feeds:\n  - name: dpc") {
		t.Errorf("config print: %s", out)
	}
}

func TestMistakesOfFeedsHaveTheirLine(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want string }{
		"no name":               {"feeds:\n  - {url: \"https://x.example/f\"}\n", "m.yaml:4: feeds[0].name is \"\""},
		"one name twice":        {"feeds:\n  - {name: dpc, url: \"https://x.example/f\"}\n  - {name: dpc, url: \"https://y.example/f\"}\n", "m.yaml:5: feeds[1].name is \"dpc\", which another feed has"},
		"no address":            {"feeds:\n  - {name: dpc}\n", "m.yaml:4: feeds[0].url is missing"},
		"a file":                {"feeds:\n  - {name: dpc, url: \"file:///etc/passwd\"}\n", "m.yaml:4: feeds[0].url is no address"},
		"a password":            {"feeds:\n  - {name: dpc, url: \"https://a:b@x.example/f\"}\n", "m.yaml:4: feeds[0].url holds a name and a password"},
		"one address twice":     {"feeds:\n  - {name: dpc, url: \"https://x.example/f\"}\n  - {name: two, url: \"https://x.example/f\"}\n", "m.yaml:5: feeds[1].url is that of another feed"},
		"too often":             {"feeds:\n  - {name: dpc, url: \"https://x.example/f\", every: 1s}\n", "m.yaml:4: feeds[0].every is 1s"},
		"a severity":            {"feeds:\n  - {name: dpc, url: \"https://x.example/f\", severity: red}\n", "m.yaml:4: feeds[0].severity is \"red\""},
		"a hazard":              {"feeds:\n  - {name: dpc, url: \"https://x.example/f\", hazards: [Rain]}\n", "m.yaml:4: feeds[0].hazards[0] is \"Rain\""},
		"an area":               {"feeds:\n  - {name: dpc, url: \"https://x.example/f\", areas: [\"a b\"]}\n", "m.yaml:4: feeds[0].areas[0] is \"a b\""},
		"a host":                {"feeds:\n  - {name: dpc, url: \"https://x.example/f\", hosts: [\"https://y.example\"]}\n", "m.yaml:4: feeds[0].hosts[0]"},
		"a language":            {"feeds:\n  - {name: dpc, url: \"https://x.example/f\", language: \"!\"}\n", "m.yaml:4: feeds[0].language is \"!\""},
		"a certificate":         {"feeds:\n  - {name: dpc, url: \"https://x.example/f\", certificate: none.pem}\n", "m.yaml:4: feeds[0].certificate "},
		"everyone before duty":  {"policy: {warning_again: 20m}\n", "m.yaml:3: policy.warning_again is not before warning_escalate"},
		"a time that is behind": {"policy: {warning_escalate: -1m}\n", "policy.warning_escalate is negative"},
		"an unknown key":        {"feeds:\n  - {name: dpc, url: \"https://x.example/f\", evry: 1m}\n", "m.yaml:4: unknown key feeds[0].evry (did you mean every?)"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := command(t, "config", "check", "--config", write(t, filepath.Join(t.TempDir(), "m.yaml"), valdemo+c.yaml))
			if code == 0 || !strings.Contains(out+errOut, c.want) || !strings.Contains(out+errOut, "(") {
				t.Errorf("exit %d: %s%s", code, out, errOut)
			}
		})
	}
}
