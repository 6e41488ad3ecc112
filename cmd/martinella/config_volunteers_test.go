package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheWelfareTimerIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		yaml string
		want time.Duration
		say  string
	}{
		"as it is usual": {"", 0, ""},
		"every hour":     {"volunteers: {welfare: 1h}\n", time.Hour, ""},
		"the shortest":   {"volunteers: {welfare: 10m}\n", 10 * time.Minute, ""},
		"the longest":    {"volunteers: {welfare: 24h}\n", 24 * time.Hour, ""},
		"too often":      {"volunteers: {welfare: 9m}\n", 0, "m.yaml:3: volunteers.welfare is 9m0s"},
		"too late":       {"volunteers: {welfare: 25h}\n", 0, "m.yaml:3: volunteers.welfare is 25h0m0s"},
		"behind":         {"volunteers: {welfare: -1h}\n", 0, "m.yaml:3: volunteers.welfare is -1h0m0s"},
		"no time at all": {"volunteers: {welfare: soon}\n", 0, "volunteers.welfare"},
		"an unknown key": {"volunteers: {welfair: 1h}\n", 0, "unknown key volunteers.welfair (did you mean welfare?)"},
	} {
		t.Run(name, func(t *testing.T) {
			read, err := loadConfigOf(surroundings(), write(t, filepath.Join(t.TempDir(), "m.yaml"), valdemo+c.yaml), nil)
			if c.say != "" {
				if err == nil || !strings.Contains(err.Error(), c.say) {
					t.Errorf("got %v, want %q", err, c.say)
				}
				return
			}
			if err != nil || read.Volunteers.Welfare != c.want {
				t.Errorf("got %+v, %v", read, err)
			}
		})
	}
}
