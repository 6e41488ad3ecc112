package dashboards

import (
	"strings"
	"testing"
	"time"

	"martinella/broadcast/backup"
)

// The status page says how old the newest good backup is, without names or
// reasons; staff see every place with both.
func TestTheStatusPageSaysHowOldTheBackupIs(t *testing.T) {
	now := time.Now()
	good := backup.Status{State: backup.State{Place: "nas", Good: now.Add(-35 * time.Minute), How: backup.Loaded}, Every: time.Hour}
	old := backup.Status{State: backup.State{Place: "secchio", Good: now.Add(-26 * time.Hour), Error: "the place is full"}, Every: time.Hour}
	failing := backup.Status{State: backup.State{Place: "nas", Good: now.Add(-90 * time.Minute), Error: "the place is full"}, Every: time.Hour}
	for name, c := range map[string]struct {
		all  []backup.Status
		want string // on the page; "" is nothing of backups
	}{
		"no place":          {nil, ""},
		"one is good":       {[]backup.Status{old, good}, "è stata riletta ed è buona"},
		"the last is old":   {[]backup.Status{old}, "è vecchia"},
		"the last failed":   {[]backup.Status{failing}, "non è riuscito"},
		"there is none yet": {[]backup.Status{{State: backup.State{Place: "nas"}, Every: time.Hour}}, "ancora una copia buona"},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t, func(cfg *Config) { cfg.Backups = func() []backup.Status { return c.all } })
			body := strings.ReplaceAll(g.get("/status").body, "&#39;", "'")
			if strings.Contains(body, "Copie di sicurezza") != (c.want != "") || !strings.Contains(body, c.want) {
				t.Errorf("the page says %s", body)
			}
			for _, word := range []string{"nas<", "secchio", "is full"} {
				if strings.Contains(body, word) {
					t.Errorf("the public reads %q", word)
				}
			}
		})
	}
}
