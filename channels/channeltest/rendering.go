package channeltest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/channels"
)

func (s Suite) rendering(t *testing.T) {
	_, c := s.start(t)
	if err := channels.CheckName(c.Name()); err != nil {
		t.Error(err)
	}
	for _, kind := range Kinds {
		for _, languages := range [][]string{{"it", "en"}, {"de"}, {"it", "en", "de"}} {
			s.renders(t, c, kind, fmt.Sprint(kind, languages), Sample(kind, languages...))
		}
	}
	long := Sample(Actual, "it")
	in := &long.Alert.Infos[0]
	in.Description = strings.Repeat("Il fiume sale, perché piove 🔥 da ieri. ", 3000)
	in.Event = strings.Repeat("Rischio idraulico ", 30)
	for range 200 {
		in.Areas = append(in.Areas, alerts.Area{Description: fmt.Sprintf("Comune %d", len(in.Areas)), Geocodes: in.Areas[1].Geocodes})
	}
	s.renders(t, c, Actual, "a very long alert", long)
}

func (s Suite) renders(t *testing.T, c channels.Channel, kind Kind, name string, r *alerts.Record) {
	t.Helper()
	before, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := c.Render(r)
	if err != nil {
		t.Errorf("%s: refused: %v", name, err)
		return
	}
	if len(messages) == 0 {
		t.Errorf("%s: no message", name)
	}
	again, err := c.Render(r.Clone())
	if err != nil || !reflect.DeepEqual(messages, again) {
		t.Errorf("%s: rendering twice gives two texts (%v)", name, err)
	}
	if after, _ := json.Marshal(r); string(after) != string(before) {
		t.Errorf("%s: rendering changed the record", name)
	}
	for _, m := range messages {
		s.message(t, c, kind, name+" "+m.Language, r, m)
	}
}

func (s Suite) message(t *testing.T, c channels.Channel, kind Kind, name string, r *alerts.Record, m channels.Message) {
	t.Helper()
	want := channels.Message{Channel: c.Name(), Alert: r.ID, Event: r.Event, Revision: r.Revision, Change: r.Change, Severity: r.Alert.Severity(),
		Exercise: r.Alert.Practice(), Expires: r.Expires()}
	got := m
	got.Audience, got.Language, got.Title, got.Text, got.Payload, got.URL, got.Image = "", "", "", "", nil, "", nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", name, got, want)
	}
	if m.Audience == "" || m.Language == "" || m.Text == "" {
		t.Errorf("%s: audience %q, language %q, text %q", name, m.Audience, m.Language, m.Text)
	}
	if m.Image != nil && (m.Image.Type == "" || m.Image.Alt == "" || m.Image.Width == 0 || m.Image.Height == 0 || len(m.Image.Bytes) > 0) {
		t.Errorf("%s: the picture is %+v", name, *m.Image)
	}
	if marked := startsWithOne(m.Text, exerciseMarks); marked != r.Alert.Practice() {
		t.Errorf("%s: exercise %v, text %q", name, r.Alert.Practice(), m.Text)
	}
	if marks, marked := kindMarks[kind]; marked && !slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(m.Text, mark) }) {
		t.Errorf("%s: %q is not marked", name, m.Text)
	}
	if !s.NoLink && (m.URL == "" || !strings.Contains(m.Text, m.URL)) {
		t.Errorf("%s: the link %q is not in %q", name, m.URL, m.Text)
	}
	if measurer, ok := c.(channels.Measurer); ok {
		if got := measurer.Measure(m.Text); got.Max > 0 && got.Part <= 1 && got.Used > got.Max {
			t.Errorf("%s: %d of %d %s", name, got.Used, got.Max, got.Unit)
		}
	}
}

// exerciseMarks begin every message of an exercise or a test, and no other.
var exerciseMarks = []string{"ESERCITAZIONE", "EXERCISE", "ÜBUNG"}

// kindMarks are the words of a change, in Italian, English and German.
var kindMarks = map[Kind][]string{
	Cancel:   {"ANNULLATA", "CANCELLED", "WIDERRUFEN"},
	Bare:     {"ANNULLATA", "CANCELLED", "WIDERRUFEN"},
	AllClear: {"CESSATO ALLARME", "ALL CLEAR", "ENTWARNUNG"},
	Update:   {"AGGIORNAMENTO", "UPDATE", "AKTUALISIERUNG"},
}

func startsWithOne(text string, beginnings []string) bool {
	return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(text, b) })
}
