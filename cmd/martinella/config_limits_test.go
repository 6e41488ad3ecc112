package main

import (
	"path/filepath"
	"strings"
	"testing"

	"martinella/channels"
)

func TestLimitsOfAChannel(t *testing.T) {
	const hook = "  - {name: %, kind: webhook, url: 'https://a.example/x', secret_file: whsec, limits: "
	load := func(lines ...string) (*Config, error) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "whsec"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		text := valdemo + "channels:\n"
		for i, l := range lines {
			text += strings.Replace(hook, "%", "hook-"+string(rune('a'+i)), 1) + l + "}\n"
		}
		return loadConfigOf(surroundings(), write(t, filepath.Join(dir, "m.yaml"), text), nil)
	}
	c, err := load("{account: press, per_second: 5, burst: 7, per_hour: 100}", "{account: press, per_second: 5, burst: 7, per_hour: 100, reserve: 0.1}", "{per_day: 10, reserve: 0}")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []channels.Limit{
		{Account: "press", PerSecond: 5, Burst: 7, Window: 4, PerHour: 100, Reserve: 0.1},
		{Account: "press", PerSecond: 5, Burst: 7, Window: 4, PerHour: 100, Reserve: 0.1},
		{PerDay: 10},
	} {
		ch, err := c.Channels[i].build(c.settings(), c.Data, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := c.Channels[i].route(ch).Limit()
		if i == 2 { // pace and window are the channel's own
			got.PerSecond, got.Burst, got.Window = 0, 0, 0
		}
		if got != want {
			t.Errorf("channel %d: got %+v, want %+v", i, got, want)
		}
	}
	for name, m := range map[string]struct {
		lines []string
		want  string
	}{
		"a name with a space":         {[]string{"{account: the press}"}, `m.yaml:4: channels[0].limits.account is "the press"`},
		"a negative pace":             {[]string{"{per_second: -1}"}, "m.yaml:4: channels[0].limits.per_second is negative"},
		"a day shorter than its hour": {[]string{"{per_hour: 100, per_day: 50}"}, "channels[0].limits.per_day is 50, less than the 100 of an hour"},
		"all is reserve":              {[]string{"{per_day: 50, reserve: 1}"}, "channels[0].limits.reserve is 1"},
		"a reserve of nothing":        {[]string{"{reserve: 0.2}"}, "channels[0].limits.reserve is given without a quota"},
		"two that differ":             {[]string{"{account: press, per_second: 5}", "{account: press, per_second: 6}"}, "m.yaml:5: channels[1].limits are not those of hook-a"},
		"an unknown key":              {[]string{"{per_minute: 5}"}, "m.yaml:4: unknown key channels[0].limits.per_minute"},
	} {
		if _, err := load(m.lines...); err == nil || !strings.Contains(err.Error(), m.want) {
			t.Errorf("%s: got %v, want %s", name, err, m.want)
		}
	}
}
