package dashboards

import (
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// Citizens read which way is disturbed and since when, and nothing of what is
// behind it.
func TestThePublicReadsWhichWayIsDisturbed(t *testing.T) {
	since := time.Date(2026, 3, 4, 17, 30, 0, 0, rome)
	var troubles []broadcast.Trouble
	g, _ := openSignUps(t, func(c *Config) { c.Troubles = func() []broadcast.Trouble { return troubles } })
	g.page("/status?lang=it").never("main", "disturbat")
	troubles = []broadcast.Trouble{
		{Channel: "gsm-secondo", Kind: "httpsms", Contact: "phone", Readers: alerts.ReadersPublic, Since: since.Add(time.Hour)},
		{Channel: "gsm-primo", Kind: "smpp", Contact: "phone", Readers: alerts.ReadersPublic, Since: since, Refused: true, Reason: "bind failed: ESME_RINVPASWD", Renewal: "rinnova la chiave"},
		{Channel: "comune-tg", Kind: "telegram", Readers: alerts.ReadersPublic, Since: since},
		{Channel: "telefoni", Kind: "voice", Contact: "phone", Readers: alerts.ReadersPublic, Since: since},
		{Channel: "interna", Kind: "email", Contact: "email", Readers: alerts.ReadersStaff, Since: since},
		{Channel: "riserva", Kind: "webpush", Contact: "push", Readers: alerts.ReadersPublic, Standby: true, Since: since},
		{Channel: "sirene", Kind: "mqtt", Readers: alerts.ReadersMachines, Since: since},
	}
	for lang, want := range map[string][2]string{
		"it": {"SMS : disturbato dal", "Telefonate"}, "en": {"Text messages : disturbed since", "Phone calls"}, "de": {"SMS : gestört seit", "Anrufe"},
		"sl": {"Sporočila SMS : moteno od", "Telefonski klici"}, "fr": {"SMS : perturbé depuis le", "Appels"},
	} {
		g.server.pages.shelf = newShelf() // the next minute
		for _, path := range []string{"/status", "/subscribe"} {
			p := g.page(path + "?lang=" + lang)
			for _, word := range []string{want[0], want[1], "Telegram", "17:30"} {
				p.says("main", word)
			}
			for _, word := range []string{"18:30", "gsm-", "comune-tg", "ESME", "smpp", "rinnova", "riserva", "sirene", "interna"} {
				p.never("main", word)
			}
			if n := len(p.all("main section .past li")); n != 3 {
				t.Errorf("%s in %s: %d ways, want 3", path, lang, n)
			}
		}
	}
}
