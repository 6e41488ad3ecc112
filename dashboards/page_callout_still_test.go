package dashboards

import (
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// When a call is over, nobody who came and has not left is forgotten: they stand
// on top with their number, until they leave.
func TestWhoIsStillThereAfterTheEnd(t *testing.T) {
	_, f, p := openCallouts(t, 20)
	id := p.opened()
	now := time.Now()
	var names []string
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) {
		people[0].Presence = volunteers.Presence{Arrived: now.Add(-time.Hour)}
		people[1].Presence = volunteers.Presence{Arrived: now.Add(-3 * time.Hour)} // overdue
		people[2].Presence = volunteers.Presence{Arrived: now.Add(-time.Hour), Left: now}
		for _, one := range people[:3] {
			names = append(names, f.names[one.Number])
		}
	})
	page := func() reply { return p.get("/console/d/" + string(id) + "?lang=it") }
	listed := func(r reply) string {
		_, after, _ := strings.Cut(r.body, `id="h-still"`)
		list, _, _ := strings.Cut(after, "</section>")
		return list
	}
	if got := listed(page()); got != "" {
		t.Errorf("while the call is open: %s", got)
	}
	if _, err := f.End(t.Context(), alerts.Person{ID: "staff:1"}, id, volunteers.StateClosed, "Grazie"); err != nil {
		t.Fatal(err)
	}
	r := page()
	wants(t, r, 200, "La chiamata è finita e sono ancora sul posto: 1", "Senza notizie da troppo tempo: 1", "(!)")
	list := listed(r)
	for i, want := range []bool{true, false, false} {
		if strings.Contains(list, "<strong>"+names[i]+"</strong>") != want {
			t.Errorf("%s is in the list: want %t: %s", names[i], want, list)
		}
	}
	if !strings.Contains(list, `href="tel:&#43;39333`) || !strings.Contains(list, ".left\"") || !strings.Contains(list, ".safe\"") {
		t.Errorf("the list does not let anybody ring or note: %s", list)
	}
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) {
		people[0].Presence.Left, people[1].Presence.Left = now, now
	})
	if r := page(); listed(r) != "" || strings.Contains(r.body, "(!)") {
		t.Error("somebody is still there after all have left")
	}
}

// The board on the wall lists them too, all of them and without a number, for
// whichever reason the call is over.
func TestTheWallListsWhoIsStillThere(t *testing.T) {
	g, f := openCall(t)
	still := func() string {
		_, after, _ := strings.Cut(g.get(wallPath+wallsToken+"?lang=it").body, `id="still"`)
		list, _, _ := strings.Cut(after, "</section>")
		return list
	}
	if got := still(); got != "" {
		t.Errorf("while the call is open: %q", got)
	}
	for _, state := range []volunteers.State{volunteers.StateClosed, volunteers.StateCancelled, volunteers.StateExpired} {
		f.set(func(f *fakeCallouts) {
			f.view.Call.State, f.view.Call.Ended, f.view.Cursor = state, time.Now(), string(state)
		})
		if got := still(); strings.Count(got, "<li>") != 1 || !strings.Contains(got, "Dario Blu") {
			t.Errorf("%s: %q", state, got)
		}
		if body := g.get(wallPath + wallsToken + "?lang=it").body; !strings.Contains(body, "ANCORA SUL POSTO") || strings.Contains(body, "39347") {
			t.Errorf("%s: not said, or with a number", state)
		}
	}
}
