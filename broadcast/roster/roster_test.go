package roster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/broadcast/roster"
)

func openRoll(t testing.TB) broadcast.Roll {
	t.Helper()
	r, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r.People()
}

// rows reads a whole list.
func rows(t *testing.T, text string, d roster.Defaults) []roster.Row {
	t.Helper()
	r, err := roster.NewReader(strings.NewReader(text), d)
	if err != nil {
		t.Fatal(err)
	}
	var all []roster.Row
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
}

func TestAListIsReadHoweverItWasWritten(t *testing.T) {
	const italian = "Cellulare;E-mail;Codice ISTAT;Lingua;Gravità minima;Categoria;Scadenza\r\n" +
		"312 345 6789;Anna@Example.org;52032;tedesco;grave;volontari;30/06/2027\r\n"
	want := broadcast.Subscriber{
		V: 1, Contacts: map[string]string{"phone": "+393123456789", "email": "anna@example.org"}, Language: "de", Areas: []string{"052032"},
		MinSeverity: alerts.SeveritySevere, Audience: "volunteers", Purpose: "emergency", Until: time.Date(2027, 6, 30, 22, 0, 0, 0, time.UTC),
	}
	windows, err := charmap.Windows1252.NewEncoder().String(italian)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(italian)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"semicolons":                    italian,
		"tabs":                          strings.ReplaceAll(italian, ";", "\t"),
		"commas":                        strings.ReplaceAll(italian, ";", ","),
		"UTF-8 with its mark":           "\ufeff" + italian,
		"windows-1252":                  windows,
		"UTF-16 with its mark":          wide,
		"English headings":              "mobile phone,email address,areas,language,minimum severity,group,valid until\n+393123456789,anna@example.org,052032,german,Severe,volunteer,2027-06-30\n",
		"quotes and blank lines":        "\n\"Cellulare\";\"E-mail\";\"Codice\nISTAT\";\"Lingua\";\"Gravità\nminima\";\"Categoria\";\"Scadenza\"\n\n\"312 345 6789\";\"anna@example.org\";\"052032\";\"de\";\"Grave\";\"volontario\";\"30.6.2027\"\n;;;;;;\n",
		"no line end, a column too few": strings.TrimSpace(italian),
		"a blank column at the end":     strings.ReplaceAll(italian, "\r\n", ";\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			got := rows(t, text, roster.Defaults{})
			if name == "quotes and blank lines" { // a row of separators only is a row without a contact
				if len(got) != 2 || len(got[1].Refusals) == 0 {
					t.Fatalf("got %+v", got)
				}
				got = got[:1]
			}
			if len(got) != 1 || len(got[0].Refusals) > 0 || !reflect.DeepEqual(got[0].Listing.Subscriber, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestRowsAreRefusedWithFieldReasonAndRemedy(t *testing.T) {
	const heading = "phone,email,areas,language,severity_min,audience,purpose,until,channels,topics,circle,quiet,consent,other_contacts\n"
	const secret = "23456789"
	for name, c := range map[string]struct{ row, field, says string }{
		"a number that does not exist":        {"312345678901234567,,*,,,,,,,,,,,", "phone", "not one that exists: 312"},
		"a number as a figure":                {`"3,93123E+11",,*,,,,,,,,,,,`, "phone", "figure by the spreadsheet"},
		"a number that costs":                 {"899 123 456,,*,,,,,,,,,,,", "phone", "costs"},
		"an address that is none":             {",anna.rossi.example.org,*,,,,,,,,,,,", "email", "cannot be read: ann"},
		"an address with a name":              {",Anna <a@example.org>,*,,,,,,,,,,,", "email", "cannot be read"},
		"no contact":                          {",,*,,,,,,,,,,,", "phone", "no contact"},
		"no area":                             {"3123456789,,,,,,,,,,,,,", "areas", "no area"},
		"an area that is a name":              {"3123456789,,Città,,,,,,,,,,,", "areas", "not a code"},
		"a language that is a sentence":       {"3123456789,,*,il nostro,,,,,,,,,,", "language", `"il nostro"`},
		"a number in the column of languages": {"3123456789,,*,3123456789,,,,,,,,,,", "language", `"312*****89"`},
		"a severity that is none":             {"3123456789,,*,,rossa,,,,,,,,,", "severity_min", "rossa"},
		"an audience that is none":            {"3123456789,,*,,,amici,,,,,,,,", "audience", "amici"},
		"a purpose that is none":              {"3123456789,,*,,,,pubblicità,,,,,,,", "purpose", "pubblicit"},
		"a day that does not exist":           {"3123456789,,*,,,,,31/02/2027,,,,,,", "until", "31/02/2027"},
		"a channel that is none":              {"3123456789,,*,,,,,,piccioni viaggiatori!,,,,,", "channels", "viaggiatori!"},
		"a topic with markup":                 {"3123456789,,*,,,,,,,<b>,,,,", "topics", "<b>"},
		"a circle off the earth":              {`3123456789,,*,,,,,,,,"91,10 2",,,`, "circle", "not a place"},
		"a circle without a radius":           {`3123456789,,*,,,,,,,,"43,10",,,`, "circle", "not a place"},
		"hours that are none":                 {"3123456789,,*,,,,,,,,,25:00-07:00,,", "quiet", "25:00"},
		"a consent that is none":              {"3123456789,,*,,,,,,,,,,forse,", "consent", "forse"},
		"other contacts that are no JSON":     {"3123456789,,*,,,,,,,,,,,x=y", "other_contacts", "form"},
		"too many fields":                     {"3123456789,,*,,,,,,,,,,,,,1", "row", "16 fields, the heading 14"},
		"a quote within a field":              {`3123456789,"a"b,*,,,,,,,,,,,`, "row", "quotation mark stands"},
		"a quote that is not closed":          {`3123456789,"a,*,,,,,,,,,,,`, "row", "not closed"},
		"a row without end":                   {"3123456789," + strings.Repeat("a", 70_000), "row", "64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			got := rows(t, heading+c.row+"\n333 123 4567,,048017\n", roster.Defaults{})
			if len(got) != 2 || len(got[0].Refusals) != 1 {
				t.Fatalf("got %+v, want one refusal", got)
			}
			why := got[0].Refusals[0]
			if why.Line != 2 || why.Field != c.field || !strings.Contains(why.Reason, c.says) || why.Remedy == "" {
				t.Errorf("got %v, want %s: %q", why, c.field, c.says)
			}
			if strings.Contains(why.String(), secret) || strings.Contains(why.String(), "anna.rossi") {
				t.Errorf("the refusal holds the contact: %v", why)
			}
			if got[1].Line != 3 || len(got[1].Refusals) > 0 {
				t.Errorf("the next row is %+v", got[1])
			}
		})
	}
	if got := rows(t, "telefono;email;lingua\n1;2;l'altra lingua\n", roster.Defaults{}); len(got[0].Refusals) != 4 {
		t.Errorf("not every problem is said at once: %v", got[0].Refusals)
	}
}

func TestHeadingsThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"an empty file":       {"", "empty"},
		"no contact":          {"nome;cognome\n", "no column of the heading is a contact"},
		"the same twice":      {"telefono;cellulare\n", "two columns are phone"},
		"a quote left open":   {"\"telefono\n1\n", "heading cannot be read"},
		"a file that is none": {"\x7fELF\x02\x01\x01\x00", "no column"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := roster.NewReader(strings.NewReader(c.text), roster.Defaults{}); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
	r, err := roster.NewReader(strings.NewReader("Nome;Cognome;Cellulare\n"), roster.Defaults{})
	if err != nil || !slices.Equal(r.Ignored(), []string{"Nome", "Cognome"}) {
		t.Errorf("not used are %v, %v", r.Ignored(), err)
	}
}

func load(t *testing.T, roll broadcast.Roll, text string, dry bool) (roster.Totals, []roster.Refusal) {
	t.Helper()
	list, err := roster.NewReader(strings.NewReader(text), roster.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	var refusals []roster.Refusal
	total, err := (&roster.Import{Roll: roll, Dry: dry, Refuse: func(r roster.Refusal) { refusals = append(refusals, r) }}).Run(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	return total, refusals
}

func TestImportTellsWhatBecameOfEveryRow(t *testing.T) {
	roll := openRoll(t)
	const list = "telefono;email;area\n3331234501;;*\n3331234502;b@example.org;*\n12;;*\n333 123 4501;;048017\n3331234503;;*\n"
	total, _ := load(t, roll, list, true)
	want := roster.Totals{Rows: 5, Added: 3, Refused: 2, Line: 6}
	if total != want {
		t.Errorf("dry: %+v, want %+v", total, want)
	}
	for range roll.All(t.Context()) {
		t.Error("a dry run stored a person")
	}
	total, refusals := load(t, roll, list, false)
	if total != want || len(refusals) != 2 || refusals[0].Line != 4 || refusals[1].Line != 5 || !strings.Contains(refusals[1].Reason, "line 2") {
		t.Errorf("got %+v, %v", total, refusals)
	}
	total, _ = load(t, roll, list, false)
	if want := (roster.Totals{Rows: 5, Unchanged: 3, Refused: 2, Line: 6}); total != want {
		t.Errorf("again: %+v, want %+v", total, want)
	}
	total, refusals = load(t, roll, "telefono;email;area\n3331234501;b@example.org;*\n3331234503;;048017\n", false)
	if want := (roster.Totals{Rows: 2, Changed: 1, Refused: 1, Line: 3}); total != want || !strings.Contains(refusals[0].Reason, "several people") {
		t.Errorf("changed: %+v, %v", total, refusals)
	}
}

func TestAnImportThatEndsEarlyGoesOnWhenRunAgain(t *testing.T) {
	roll := openRoll(t)
	var text strings.Builder
	text.WriteString("phone,areas\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "+39333%07d,*\n", i)
	}
	ctx, stop := context.WithCancel(t.Context())
	list, err := roster.NewReader(strings.NewReader(text.String()), roster.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	im := roster.Import{Roll: roll, Done: func(so roster.Totals) {
		if so.Added >= 400 {
			stop()
		}
	}}
	part, err := im.Run(ctx, list)
	if !errors.Is(err, context.Canceled) || part.Added != 400 {
		t.Fatalf("stopped after %+v, %v", part, err)
	}
	total, _ := load(t, roll, text.String(), false)
	if total.Unchanged != 400 || total.Added != 600 {
		t.Errorf("again: %+v", total)
	}
}

// TestAnExportGivesTheSamePeople enters random people, exports them, imports
// that into an empty store and compares; and imports it into the same store,
// which changes nothing.
func TestAnExportGivesTheSamePeople(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 2))
	one, two := openRoll(t), openRoll(t)
	var list []broadcast.Listing
	for i := range 500 {
		list = append(list, anybody(rnd, i))
	}
	if _, err := one.Enter(t.Context(), list, false); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if n, err := roster.Write(t.Context(), &file, one, nil); err != nil || n != 500 {
		t.Fatalf("exported %d, %v", n, err)
	}
	if total, refusals := load(t, one, file.String(), false); total.Unchanged != 500 {
		t.Fatalf("seed %d: into the same store: %+v %v", seed, total, refusals[:min(3, len(refusals))])
	}
	if total, refusals := load(t, two, file.String(), false); total.Added != 500 {
		t.Fatalf("seed %d: into an empty store: %+v %v", seed, total, refusals[:min(3, len(refusals))])
	}
	want := slices.Collect(members(t, one))
	for i, got := range slices.Collect(members(t, two)) {
		if !reflect.DeepEqual(got.Subscriber, want[i].Subscriber) || !slices.Equal(slices.Sorted(maps.Keys(got.Stopped)), slices.Sorted(maps.Keys(want[i].Stopped))) {
			t.Fatalf("seed %d: got\n%+v, want\n%+v", seed, got, want[i])
		}
	}
}

func members(t *testing.T, roll broadcast.Roll) func(func(broadcast.Member) bool) {
	return func(yield func(broadcast.Member) bool) {
		for m, err := range roll.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if !yield(m) {
				return
			}
		}
	}
}

func anybody(rnd *rand.Rand, i int) broadcast.Listing {
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	s := broadcast.Subscriber{Contacts: map[string]string{}, Language: pick("it", "de-AT", "sl"), Areas: []string{pick("*", "048017", "Tosc-A3")},
		MinSeverity: alerts.Severity(pick("", "Minor", "Extreme")), Audience: pick("citizens", "volunteers", "media"), Purpose: pick("emergency", "information"),
		Consent: broadcast.Consent(pick("", "given"))}
	if rnd.IntN(2) == 0 {
		s.Contacts["phone"] = fmt.Sprintf("+39333%07d", 1000000+i)
	}
	if len(s.Contacts) == 0 || rnd.IntN(2) == 0 {
		s.Contacts["email"] = fmt.Sprintf(pick("p.%d@example.org", "=%d@example.org", "o'neil+%d@example.org"), i)
	}
	if rnd.IntN(3) == 0 {
		s.Contacts["push"] = fmt.Sprintf("https://push.example.org/a,b;%d?x=%%22y%%22#auth=BTBZMqHH6r4Tts7J_aSIgg&p256dh=BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", i)
	}
	if rnd.IntN(3) == 0 {
		s.Contacts["matrix"] = fmt.Sprintf("@p%d:example.org", i)
	}
	if rnd.IntN(3) == 0 {
		s.Areas = append(s.Areas, "048018")
		s.Until = time.Unix(1_800_000_000+int64(rnd.IntN(1e8)), int64(rnd.IntN(1e9))).UTC()
		s.Circle = &alerts.Circle{Centre: alerts.Point{Lat: rnd.Float64()*180 - 90, Lon: rnd.Float64()*360 - 180}, Radius: rnd.Float64() * 100}
	}
	if rnd.IntN(3) == 0 {
		s.Channels = []string{"email", "phone"}
		s.Topics = []string{pick("viabilità", "scuole e asili"), "acqua"}
		s.Quiet = &broadcast.Hours{From: "22:30", To: "07:00"}
	}
	if s.Audience == broadcast.AudienceVolunteers && rnd.IntN(3) > 0 {
		s.Volunteer = someProfile(rnd)
	}
	l := broadcast.Listing{Subscriber: s}
	if rnd.IntN(4) == 0 {
		l.Stopped = []string{"phone"}
	}
	return l
}

// TestPhoneNumbersOfManyCountries reads the neighbours' examples.
func TestPhoneNumbersOfManyCountries(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "testdata", "italy", "phone-examples.csv"))
	if err != nil {
		t.Skipf("SKIPPED, nothing was proved: %v", err)
	}
	read := 0
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if len(f) != 6 || f[0] == "region" {
			continue
		}
		got, err := roster.Phone(f[3])
		switch f[1] {
		case "premium_rate", "shared_cost", "toll_free":
			if err == nil {
				t.Errorf("%s %s of a kind that nobody can be warned at is taken", f[0], f[1])
			}
		default:
			if err != nil || got != f[3] {
				t.Errorf("%s %s gives %q, %v", f[0], f[1], got, err)
			}
		}
		read++
	}
	if read < 100 {
		t.Errorf("read %d examples", read)
	}
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{"phone,areas\n3331234567,*\n", "telefono;area\n\"333;\n1\";x\n", "\ufeffemail\ta\nx@y.z\t1\n", "phone\n\"\n\"\"\n\xe0\n", "\xff\xfep\x00h\x00o\x00n\x00e\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := roster.NewReader(bytes.NewReader(text), roster.Defaults{Areas: []string{"*"}})
		if err != nil {
			return
		}
		last := 1
		for range len(text) + 2 {
			row, err := r.Next()
			if err != nil {
				return
			}
			if row.Line <= last && row.Line != 1 {
				t.Fatalf("line %d came after %d", row.Line, last)
			}
			last = row.Line
			s := row.Listing.Subscriber
			if len(row.Refusals) == 0 && (len(s.Contacts) == 0 || len(s.Areas) == 0 || s.Language == "" || s.Audience == "" || s.Purpose == "") {
				t.Fatalf("an unfinished person was taken: %+v", s)
			}
			for _, why := range row.Refusals {
				if why.Field == "" || why.Reason == "" || why.Remedy == "" || strings.ContainsAny(why.String(), "\n\r\x1b") {
					t.Fatalf("a refusal says %q", why)
				}
			}
		}
		t.Fatal("it does not end")
	})
}

func TestPush(t *testing.T) {
	const keys = "#auth=BTBZMqHH6r4Tts7J_aSIgg&p256dh=BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	asBrowsersWriteIt := `{"endpoint":"https://push.example.org/a","keys":{"auth":"BTBZMqHH6r4Tts7J_aSIgg","p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"}}`
	for text, want := range map[string]string{
		"https://push.example.org/a" + keys: "https://push.example.org/a" + keys, asBrowsersWriteIt: "https://push.example.org/a" + keys,
		"https://push.example.org/a": "", "http://push.example.org/a" + keys: "", "{}": "", "": "", "+393331234567": "",
	} {
		if got, err := roster.Push(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
