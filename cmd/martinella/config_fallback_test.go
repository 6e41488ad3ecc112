package main

import (
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/broadcast"
)

// The kinds of the tests, one a line; % stands for name and more keys.
const (
	smppLine = "  - {%, kind: smpp, addr: 'smsc.example:2775', system_id: gw, password_file: secret, source: Valdemo}\n"
	hookLine = "  - {%, kind: webhook, url: 'https://a.example/x', secret_file: whsec}\n"
	mailLine = "  - {%, kind: email, smtp: 'mail.example:587', from: 'Valdemo <avvisi@valdemo.example>'}\n"
)

func fallbackFile(t *testing.T, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret"), "smscpass")
	write(t, filepath.Join(dir, "whsec"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	return write(t, filepath.Join(dir, "m.yaml"), valdemo+"channels:\n"+strings.Join(lines, ""))
}

func line(of, keys string) string { return strings.Replace(of, "%", keys, 1) }

func TestMistakesOfAFallbackHaveTheirLine(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  string // "": nothing is wrong
	}{
		"a second contract":           {[]string{line(smppLine, "name: sms, fallback: backup"), line(smppLine, "name: backup")}, ""},
		"before it in the list":       {[]string{line(smppLine, "name: backup"), line(smppLine, "name: sms, fallback: backup")}, ""},
		"of two channels":             {[]string{line(smppLine, "name: s1, fallback: backup"), line(smppLine, "name: s2, fallback: backup"), line(smppLine, "name: backup")}, ""},
		"a channel of its own too":    {[]string{line(smppLine, "name: sms, fallback: backup"), line(smppLine, "name: backup, alone: true")}, ""},
		"nobody":                      {[]string{line(smppLine, "name: sms, fallback: backup")}, `m.yaml:4: channels[0].fallback is "backup", which is no channel`},
		"itself":                      {[]string{line(smppLine, "name: sms, fallback: sms")}, "m.yaml:4: channels[0].fallback is the channel itself"},
		"a chain":                     {[]string{line(smppLine, "name: s1, fallback: s2"), line(smppLine, "name: s2, fallback: s3"), line(smppLine, "name: s3")}, `m.yaml:4: channels[0].fallback is "s2", which falls back on "s3"`},
		"a ring":                      {[]string{line(smppLine, "name: s1, fallback: s2"), line(smppLine, "name: s2, fallback: s1")}, `m.yaml:5: channels[1].fallback is "s1", which falls back on "s2"`},
		"posts":                       {[]string{line(hookLine, "name: h1, fallback: h2"), line(hookLine, "name: h2")}, "m.yaml:4: channels[0].fallback is given for a channel that posts to everybody"},
		"people on posts":             {[]string{line(smppLine, "name: sms, fallback: hook"), line(hookLine, "name: hook")}, `m.yaml:4: channels[0].fallback is "hook", which does not reach people by phone`},
		"phones on mail":              {[]string{line(smppLine, "name: sms, fallback: mail"), line(mailLine, "name: mail")}, `m.yaml:4: channels[0].fallback is "mail", which does not reach people by phone`},
		"exercises that it carries":   {[]string{line(smppLine, "name: sms, exercise: true, fallback: backup"), line(smppLine, "name: backup, exercise: true")}, ""},
		"exercises that it does not":  {[]string{line(smppLine, "name: sms, exercise: true, fallback: backup"), line(smppLine, "name: backup")}, `m.yaml:4: channels[0].fallback is "backup", which carries no exercises`},
		"other readers":               {[]string{line(smppLine, "name: sms, readers: staff, fallback: backup"), line(smppLine, "name: backup")}, `m.yaml:4: channels[0].fallback is "backup", which has other readers`},
		"the same account":            {[]string{line(smppLine, "name: sms, limits: {account: gw}, fallback: backup"), line(smppLine, "name: backup, limits: {account: gw}")}, `m.yaml:4: channels[0].fallback is "backup", which has the same account`},
		"alone for nobody":            {[]string{line(smppLine, "name: sms, alone: true")}, "m.yaml:4: channels[0].alone is given for a channel that nobody falls back on"},
		"one that is itself mistaken": {[]string{line(smppLine, "name: sms, fallback: backup"), "  - {name: backup, kind: smpp}\n"}, "m.yaml:5: channels[1].source is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := command(t, "config", "check", "--config", fallbackFile(t, c.lines...))
			if c.want == "" && code != 0 {
				t.Errorf("exit %d: %s%s", code, out, errOut)
			}
			if c.want != "" && (code != exitRefused || !strings.Contains(errOut, c.want)) {
				t.Errorf("exit %d, %q is not named in\n%s", code, c.want, errOut)
			}
		})
	}
}

// What stands by is carried by its own dispatcher, which listens and is
// checked, and is in no plan.
func TestWhoFallsBackOnWhom(t *testing.T) {
	file := fallbackFile(t, line(smppLine, "name: sms, fallback: backup"), line(smppLine, "name: backup"), line(smppLine, "name: other, fallback: both"), line(smppLine, "name: both, alone: true"), line(hookLine, "name: hook"))
	c, err := loadConfigOf(surroundings(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{config: c, log: zap.NewNop()}
	routes, err := g.routes()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		if want := r.Name() == "backup"; r.Standby != want {
			t.Errorf("%s stands by: %v, want %v", r.Name(), r.Standby, want)
		}
		g.dispatchers = append(g.dispatchers, &broadcast.Dispatcher{Route: r})
	}
	g.fallBack()
	for _, d := range g.dispatchers {
		got, want := "", map[string]string{"sms": "backup", "other": "both"}[d.Route.Name()]
		if d.Fallback != nil {
			got = d.Fallback.Route.Name()
		}
		if got != want {
			t.Errorf("%s falls back on %q, want %q", d.Route.Name(), got, want)
		}
	}
	for _, r := range planned(routes) {
		if r.Name() == "backup" {
			t.Error("a channel that stands by is in the plan")
		}
	}
	if n := len(planned(routes)); n != 4 {
		t.Errorf("%d routes of the plan, want 4", n)
	}
	c.Mode = modePractice
	if c.standby(&c.Channels[1]) {
		t.Error("a channel stands by for one that the mode does not use")
	}
}
