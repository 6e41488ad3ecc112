package dashboards

import "testing"

func TestOrdersOfMagnitude(t *testing.T) {
	g := open(t)
	it, en := g.server.pages.locales.all["it"], g.server.pages.locales.all["en"]
	for n, want := range map[int][3]string{
		0:         {"none", "nessun telefono", "no phone"},
		1:         {"units", "1 telefono", "1 phone"},
		9:         {"units", "9 telefoni", "9 phones"},
		99:        {"tens", "99 telefoni", "99 phones"},
		100:       {"hundreds", "100 telefoni", "100 phones"},
		344:       {"hundreds", "circa 340 telefoni", "about 340 phones"},
		999:       {"hundreds", "circa 1\u202f000 telefoni", "about 1\u202f000 phones"},
		1850:      {"thousands", "circa 1\u202f900 telefoni", "about 1\u202f900 phones"},
		18234:     {"tens-of-thousands", "circa 18 mila telefoni", "about 18 thousand phones"},
		180_000:   {"hundreds-of-thousands", "180 mila telefoni", "180 thousand phones"},
		1_234_567: {"millions", "circa 1,2 milioni telefoni", "about 1.2 million phones"},
	} {
		if got := [3]string{magnitudeOf(n), crowd(it, n, "phone"), crowd(en, n, "phone")}; got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := crowd(it, 5, "pigeon"); got != "5 destinatari" {
		t.Errorf("an unknown kind: %q", got)
	}
}
