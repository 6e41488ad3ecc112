package roster_test

import (
	"bytes"
	"encoding/csv"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/roster"
)

func day(s string) time.Time {
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return at
}

// someProfile is a profile as any door of the program may have made it.
func someProfile(rnd *rand.Rand) *volunteers.Profile {
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	p := &volunteers.Profile{Name: pick("Anna Prato", "=Mario", "'Ndrangheta No", "O'Neil, \"Bob\"", "+Piero", "''=x", "@a", "-")}
	if rnd.IntN(2) == 0 {
		p.Organisation = pick("ANA; sezione 3", "=1+1", "Croce Verde")
		p.Groups = []string{pick("Squadra A", "Nord (1)"), "Acqua"}
		p.Speaks = []string{"de", "sl"}
	}
	if rnd.IntN(2) == 0 {
		p.Skills = []volunteers.Skill{{Name: "motosega", Until: day("2027-05-31")}, {Name: "autista C"}, {Name: "1° soccorso"}}
	}
	for range rnd.IntN(12) {
		p.Weekly = append(p.Weekly, volunteers.Shift{Day: time.Weekday(rnd.IntN(7)), From: pick("00:00", "08:00"), To: pick("24:00", "07:30", "08:00")})
	}
	slices.SortFunc(p.Weekly, func(a, b volunteers.Shift) int { return int(a.Day) - int(b.Day) })
	seen := map[volunteers.Shift]bool{}
	p.Weekly = slices.DeleteFunc(p.Weekly, func(s volunteers.Shift) bool { twice := seen[s]; seen[s] = true; return twice })
	for i := range rnd.IntN(3) {
		from := day("2026-08-01").AddDate(0, i, 0).Add(time.Duration(rnd.IntN(2)) * -2 * time.Hour)
		p.Exceptions = append(p.Exceptions, volunteers.Exception{From: from, To: from.Add(time.Duration(1+rnd.IntN(400)) * time.Hour), There: rnd.IntN(2) == 0})
	}
	return p
}

const rosterList = `Cognome;Nome;Cellulare;Associazione;Squadra;Competenze;Lingue parlate;Punto di casa;Ordine dei contatti;Disponibilità;Non disturbare;Eccezioni
Prato;Anna;333 123 4567;Croce Verde;Squadra A, Acqua;motosega:31/05/2027; autista C;tedesco en;45.65,13.77;email sms;lunedì-ven 18-23; sab 8:00 - 20.00;23:00-6:30;assente 2026-08-01/2026-08-15
`

// quotedList is rosterList with quotes around fields that hold the separator.
var quotedList = strings.NewReplacer("motosega:31/05/2027; autista C", `"motosega:31/05/2027; autista C"`, "lunedì-ven 18-23; sab 8:00 - 20.00", `"lunedì-ven 18-23; sab 8:00 - 20.00"`).Replace(rosterList)

func TestAListOfVolunteers(t *testing.T) {
	got := rows(t, quotedList, roster.Defaults{})
	if len(got) != 1 || len(got[0].Refusals) > 0 {
		t.Fatalf("got %+v", got)
	}
	s := got[0].Listing.Subscriber
	weekdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	want := volunteers.Profile{Name: "Anna Prato", Organisation: "Croce Verde", Groups: []string{"Squadra A", "Acqua"}, Speaks: []string{"de", "en"},
		Skills:     []volunteers.Skill{{Name: "motosega", Until: day("2027-05-31")}, {Name: "autista C"}},
		Exceptions: []volunteers.Exception{{From: time.Date(2026, 7, 31, 22, 0, 0, 0, time.UTC), To: time.Date(2026, 8, 15, 22, 0, 0, 0, time.UTC)}}}
	for _, d := range weekdays {
		want.Weekly = append(want.Weekly, volunteers.Shift{Day: d, From: "18:00", To: "23:00"})
	}
	want.Weekly = append(want.Weekly, volunteers.Shift{Day: time.Saturday, From: "08:00", To: "20:00"})
	if s.Volunteer == nil || !reflect.DeepEqual(*s.Volunteer, want) {
		t.Errorf("got %+v,\nwant %+v", s.Volunteer, want)
	}
	if s.Audience != "volunteers" || !slices.Equal(s.Areas, []string{"*"}) || !slices.Equal(s.Channels, []string{"email", "phone"}) || s.Quiet == nil || *s.Quiet != (broadcast.Hours{From: "23:00", To: "06:30"}) || s.Circle == nil || s.Circle.Radius != 0 || s.Circle.Centre.Lat != 45.65 {
		t.Errorf("got %+v", s)
	}
}

func TestNamesOfCitizensAreNotStored(t *testing.T) {
	list, err := roster.NewReader(strings.NewReader("nome,telefono,area\nAnna,3331234567,*\n"), roster.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	row, err := list.Next()
	if err != nil || row.Listing.Subscriber.Volunteer != nil || row.Listing.Subscriber.Audience != "citizens" || !slices.Equal(list.Ignored(), []string{"nome"}) {
		t.Errorf("got %+v, %v, ignored %q", row, err, list.Ignored())
	}
	got := rows(t, "nome,telefono,area,categoria,competenze\nAnna,3331234567,*,cittadini,\nEva,3331234568,*,cittadini,motosega\n", roster.Defaults{})
	if len(got[0].Refusals) > 0 || got[0].Listing.Subscriber.Volunteer != nil {
		t.Errorf("of a citizen: %+v", got[0])
	}
	if len(got[1].Refusals) != 1 || got[1].Refusals[0].Field != "skills" {
		t.Errorf("of a citizen with a skill: %+v", got[1])
	}
}

func TestSpellingsOfAWeek(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		"sempre":                           "",
		"Always":                           "",
		"lun-ven 18:00-23:00":              "lun-ven 18:00-23:00",
		"Lunedì - Venerdì 18.00 – 23.00":   "lun-ven 18:00-23:00",
		"mon-fri 9-17":                     "lun-ven 09:00-17:00",
		"lun, mer e ven 8-12":              "lun 08:00-12:00; mer 08:00-12:00; ven 08:00-12:00",
		"sab":                              "sab",
		"sab 0-24":                         "sab",
		"weekend":                          "sab-dom",
		"tutti 20-8":                       "lun-dom 20:00-08:00",
		"ven-lun 22:00-06:00":              "ven-lun 22:00-06:00",
		"gio 8-12, 14-18":                  "gio 08:00-12:00; gio 14:00-18:00",
		"Sat. dalle ore 8-20|sun":          "sab 08:00-20:00; dom",
		"lun 8-12; lun 8-12":               "lun 08:00-12:00",
		"feriali 18-23\nsab 08:00 - 20:00": "lun-ven 18:00-23:00; sab 08:00-20:00",
	} {
		got, wrong := roster.Weekly(text)
		if wrong != nil || roster.WriteWeekly(got) != want {
			t.Errorf("%q is read as %q, %v, want %q", text, roster.WriteWeekly(got), wrong, want)
		}
		again, wrong := roster.Weekly(want)
		if wrong != nil || !slices.Equal(again, got) {
			t.Errorf("%q: written and read it is %v, want %v", text, again, got)
		}
	}
	for _, text := range []string{"18:00-23:00", "lu 8-12", "lun 25-26", "lun 8-12 mar", "lun 8:60-9", "lun 24-8", "boh", "lun 8-", "-", "lun--mar"} {
		if got, wrong := roster.Weekly(text); wrong == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestProfilesThatCannotBeRead(t *testing.T) {
	for field, cell := range map[string]string{
		"skills": "motosega:domani", "skills ": "motosega; Motosega", "skills  ": "=cmd", "groups": "-x", "speaks": "d1!", "exceptions": "assente ieri",
		"exceptions ": "assente 2026-08-15/2026-08-01", "availability": "ogni tanto", "name": strings.Repeat("x", 121),
	} {
		column := strings.TrimSpace(field)
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		_ = w.WriteAll([][]string{{"phone", "audience", column}, {"3331234567", "volunteers", cell}})
		got := rows(t, b.String(), roster.Defaults{})
		if len(got[0].Refusals) != 1 || got[0].Refusals[0].Field != column || got[0].Refusals[0].Remedy == "" {
			t.Errorf("%s %q: %+v", column, cell, got[0].Refusals)
		}
	}
}

// What volunteers decide on their own page stays where a list does not name it.
func TestAListLeavesWhatAVolunteerChose(t *testing.T) {
	roll := openRoll(t)
	if total, refused := load(t, roll, quotedList, false); total.Added != 1 {
		t.Fatal(total, refused)
	}
	number, err := roll.Lookup(t.Context(), "phone", "+393331234567")
	if err != nil {
		t.Fatal(err)
	}
	chosen := []volunteers.Shift{{Day: time.Sunday, From: "10:00", To: "12:00"}}
	err = roll.Change(t.Context(), number, nil, func(m *broadcast.Member) (bool, error) {
		m.Volunteer.Weekly, m.Volunteer.Exceptions, m.Quiet, m.Channels, m.Language = chosen, nil, nil, []string{"phone"}, "sl"
		m.Contacts["telegram"] = "42"
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	of := func() *broadcast.Member {
		m, err := roll.Member(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, list := range map[string]string{
		"without the columns": "telefono,competenze,pubblico\n3331234567,motosega,volontari\n",
		"with empty fields":   "telefono,competenze,pubblico,disponibilità,eccezioni,silenzio,canali,lingua,area\n3331234567,motosega,volontari,,,,,,\n",
		"that names no group": "telefono,competenze\n3331234567,motosega\n",
	} {
		load(t, roll, list, false)
		m := of()
		if !slices.Equal(m.Volunteer.Weekly, chosen) || m.Volunteer.Exceptions != nil || m.Quiet != nil || !slices.Equal(m.Channels, []string{"phone"}) || m.Language != "sl" || m.Contacts["telegram"] != "42" {
			t.Errorf("after a list %s: %+v, %+v", name, m.Subscriber, m.Volunteer)
		}
		if len(m.Volunteer.Skills) != 1 || m.Volunteer.Name != "Anna Prato" || m.Circle == nil {
			t.Errorf("after a list %s the office's words: %+v", name, m.Volunteer)
		}
	}
	load(t, roll, "telefono,competenze,disponibilità,silenzio,canali,lingua\n3331234567,,sempre,22:00-07:00,tutti,de\n", false)
	if m := of(); m.Volunteer.Weekly != nil || m.Quiet == nil || m.Channels != nil || m.Language != "de" || len(m.Volunteer.Skills) != 0 {
		t.Errorf("after a list that names it: %+v, %+v", m.Subscriber, m.Volunteer)
	}
	// A list of citizens with the same telephone makes nobody less of a volunteer; one that says so does.
	load(t, roll, "telefono,area\n3331234567,048017\n", false)
	if m := of(); m.Audience != "volunteers" || m.Volunteer == nil {
		t.Errorf("after a list of citizens: %+v", m.Subscriber)
	}
	load(t, roll, "telefono,area,categoria\n3331234567,048017,cittadini\n", false)
	if m := of(); m.Audience != "citizens" || m.Volunteer != nil {
		t.Errorf("after a list that says citizen: %+v", m.Subscriber)
	}
}

func TestAnExportCalculatesNothing(t *testing.T) {
	roll := openRoll(t)
	evil := []string{"=1+1", "+1", "-1", "@x", "＝1", "'=1", "''@x"}
	var list []broadcast.Listing
	for i, name := range evil {
		list = append(list, broadcast.Listing{Subscriber: broadcast.Subscriber{Contacts: map[string]string{"email": "=" + string(rune('a'+i)) + "@example.org"}, Language: "it", Areas: []string{"*"}, Audience: "volunteers", Purpose: "emergency",
			Volunteer: &volunteers.Profile{Name: name, Organisation: name}}})
	}
	if _, err := roll.Enter(t.Context(), list, false); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := roster.Write(t.Context(), &file, roll, nil); err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(file.Bytes())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all[1:] {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") || strings.HasPrefix(cell, "＝") {
				t.Errorf("a cell begins a formula: %q", cell)
			}
		}
	}
	if total, refused := load(t, roll, file.String(), false); total.Unchanged != len(evil) {
		t.Errorf("read back: %+v %v", total, refused)
	}
}

// FuzzProfile: whatever a cell holds, it is refused with a remedy, or what is
// written of it is read back to the same.
func FuzzProfile(f *testing.F) {
	for _, seed := range [][3]string{{"motosega:2027-05-31; autista C", "lun-ven 18:00-23:00; sab", "assente 2026-08-01/2026-08-15"}, {"a:b", "dom-sab 0-24", "presente 2026-09-05T18:00/2026-09-05T23:00"}, {"è;É", "ven-lun 22-6, 8-9", "via 2026-10-25/2026-10-25"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, skills, week, exceptions string) {
		told := func(m *alerts.Problem) bool {
			if m != nil && (m.Problem == "" || m.Hint == "" || strings.ContainsAny(m.Problem, "\n\r\x1b")) {
				t.Fatalf("a mistake says %q", *m)
			}
			return m == nil
		}
		if s, m := roster.Skills(skills); told(m) {
			if again, m := roster.Skills(roster.WriteSkills(s)); m != nil || !reflect.DeepEqual(again, s) {
				t.Fatalf("%q: skills %v are read back as %v, %v", skills, s, again, m)
			}
		}
		if w, m := roster.Weekly(week); told(m) {
			if again, m := roster.Weekly(roster.WriteWeekly(w)); m != nil || !slices.Equal(again, w) {
				t.Fatalf("%q: the week %v is read back as %v, %v", week, w, again, m)
			}
		}
		if e, m := roster.Exceptions(exceptions, rome); told(m) {
			if again, m := roster.Exceptions(roster.WriteExceptions(e, rome), rome); m != nil || !reflect.DeepEqual(again, e) {
				t.Fatalf("%q: %v are read back as %v, %v", exceptions, e, again, m)
			}
		}
	})
}

func TestWhatIsNotStoredIsSaid(t *testing.T) {
	list, err := roster.NewReader(strings.NewReader("Nome;telefono;area;categoria;scarpe;;\nAnna;3331234567;*;cittadini;42;rosso;\nEva;3331234568;*;volontari;;;\n;3331234569;*;cittadini;;blu;\nUgo;12;*;cittadini;;verde;\n"), roster.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	if got := list.Ignored(); !slices.Equal(got, []string{"scarpe"}) {
		t.Errorf("ignored are %q", got)
	}
	if got := list.Left(); len(got) != 0 {
		t.Errorf("before the first row %+v is left", got)
	}
	for range 4 {
		if _, err := list.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := list.Left(), []roster.Left{{Heading: "Nome", Column: 1, Rows: 1}, {Column: 6, Rows: 2}}; !slices.Equal(got, want) {
		t.Errorf("left are %+v, want %+v", got, want)
	}
}
