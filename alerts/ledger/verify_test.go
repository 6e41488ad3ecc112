package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// said puts the findings of a report under each other.
func said(r *Report) string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, f.String())
	}
	return strings.Join(all, "\n")
}

func verify(t testing.TB, text string, a Against) *Report {
	t.Helper()
	r, err := Verify(strings.NewReader(text), a)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatIsWholeIsVerified(t *testing.T) {
	for _, size := range []int{0, 1, 2, 65, batch, batch + 1} {
		b := newBook(t, "valdemo", 1, size)
		key, export := b.signer.Key(), b.export(t, size)
		ways := map[string]Against{"with its key": {Key: &key}}
		if size < batch { // what was kept is compared line by line, however many there are
			ways = b.ways(t, size)
		}
		for name, a := range ways {
			r := verify(t, export, a)
			if !r.OK() || r.Entries != int64(size) || r.Head.Size != int64(size) || r.Pinned != (a.Key != nil) {
				t.Errorf("%d entries, %s: %+v\n%s", size, name, r, said(r))
			}
		}
	}
	if text := strings.ReplaceAll(newBook(t, "valdemo", 1, 9).export(t, 9), "\n", "\r\n"); !verify(t, text, Against{}).OK() {
		t.Error("other ends of lines break it")
	}
}

// ways are all in which an export may be verified.
func (b *book) ways(t *testing.T, size int) map[string]Against {
	t.Helper()
	key := b.signer.Key()
	return map[string]Against{
		"with its key":         {Key: &key},
		"without a key":        {},
		"after an older head":  {Key: &key, Earlier: bytes.NewReader(b.heads[size/2].Note)},
		"after the same head":  {Key: &key, Earlier: bytes.NewReader(b.heads[size].Note)},
		"after the first head": {Key: &key, Earlier: bytes.NewReader(b.heads[0].Note)},
		"after an export":      {Key: &key, Earlier: strings.NewReader(b.export(t, size/2))},
	}
}

// TestEveryManipulationIsNamedByNumber changes an export of 100 acts in every
// way that somebody may think of (fault 65).
func TestEveryManipulationIsNamedByNumber(t *testing.T) {
	b := newBook(t, "valdemo", 1, 100)
	key := b.signer.Key()
	whole := strings.SplitAfter(b.export(t, 100), "\n")[:101]
	forger := newBook(t, "valdemo", 9, 100) // has everything but the key
	line := func(n int, text []byte, by *Signer) string {
		leaf := Leaf(text)
		return string(Entry{int64(n), text, leaf, by.Entry(int64(n), leaf)}.append(nil)) + "\n"
	}
	const edited = "does not fit its signature: it was edited, or is another entry"
	const form = "is not written as the ledger writes it"
	rewritten := newBook(t, "valdemo", 1, 41) // the same key, another past
	rewritten.add(t, act(4242))
	for n := 43; n <= 100; n++ {
		rewritten.add(t, act(n))
	}
	kept := func(size int) Against { return Against{Key: &key, Earlier: bytes.NewReader(b.heads[size].Note)} }
	replace := func(old, with string) func([]string) []string {
		return func(all []string) []string { all[42] = strings.Replace(all[42], old, with, 1); return all }
	}
	pinned := Against{Key: &key}
	for name, c := range map[string]struct {
		change  func([]string) []string // line n holds entry n, line 0 the heading
		against Against
		want    string
	}{
		"who":                             {replace(`"id":"key:42"`, `"id":"key:43"`), pinned, "entry 42: " + edited},
		"the name of who":                 {replace("operativa", "Operativa"), pinned, "entry 42: " + edited},
		"what":                            {replace(`"issued"`, `"cancelled"`), pinned, "entry 42: " + edited},
		"when":                            {replace("T06:42", "T06:41"), pinned, "entry 42: " + edited},
		"which alert":                     {replace(`"alert":"A42"`, `"alert":"A41"`), pinned, "entry 42: " + edited},
		"which event":                     {replace(`"event":"E42"`, `"event":"E41"`), pinned, "entry 42: " + edited},
		"the digest":                      {replace(`"digest":"`, `"digest":"0`), pinned, "entry 42: " + edited},
		"the reason":                      {replace(`però`, `pero`), pinned, "entry 42: " + edited},
		"the version":                     {replace(`"v":1`, `"v":2`), pinned, "entry 42: " + edited},
		"a field of a newer program":      {replace(`2.50`, `2.5`), pinned, "entry 42: " + edited},
		"a field more":                    {replace(`"verb"`, `"x":1,"verb"`), pinned, "entry 42: " + edited},
		"a field less":                    {replace(`"reason":"però",`, ``), pinned, "entry 42: " + edited},
		"only a blank":                    {replace(`[1, 2.50]`, `[1,2.50]`), pinned, "entry 42: " + edited},
		"the number":                      {replace(`{"n":42`, `{"n":43`), pinned, "entry 43: " + edited + "\nentry 43: is there more than once\nentry 42: is missing"},
		"the signature":                   {func(a []string) []string { a[42] = line(42, b.texts[41], forger.signer); return a }, pinned, "entry 42: " + edited},
		"signed with another key":         {func(a []string) []string { a[42] = line(42, act(7), forger.signer); return a }, pinned, "entry 42: " + edited},
		"another entry under this number": {func(a []string) []string { a[42] = strings.Replace(a[41], `"n":41`, `"n":42`, 1); return a }, pinned, "entry 42: " + edited},
		"a field that nobody signed":      {replace(`,"act"`, `,"seen":true,"act"`), pinned, "entry 42: " + form},
		"an act twice in a line":          {replace(`,"act"`, `,"act":{},"act"`), pinned, "entry 42: " + form},
		"a line that is cut":              {func(a []string) []string { a[42] = a[42][:60] + "\n"; return a }, pinned, "entry 42: cannot be read"},
		"a line past reading":             {func(a []string) []string { a[42] = "\x00\n"; return a }, pinned, "entry 42: cannot be read"},
		"a line without end":              {func(a []string) []string { a[42] = a[42][:60] + strings.Repeat("x", 2*lineLimit) + "\n"; return a }, pinned, "entry 42: is longer than any entry"},
		"an act that is taken out":        {func(a []string) []string { a[42] = a[42][:strings.Index(a[42], `{"v"`)] + "null}\n"; return a }, pinned, "entry 42: is gone from the store"},
		"removed":                         {func(a []string) []string { return slices.Delete(a, 42, 43) }, pinned, "entry 42: is missing"},
		"many removed":                    {func(a []string) []string { return slices.Delete(a, 42, 52) }, pinned, "entries 42 to 51: is missing"},
		"the first removed":               {func(a []string) []string { return slices.Delete(a, 1, 2) }, pinned, "entry 1: is missing"},
		"removed, the others renumbered": {func(a []string) []string {
			a = slices.Delete(a, 98, 99)
			for n := 98; n < 100; n++ {
				a[n] = strings.Replace(a[n], fmt.Sprintf(`"n":%d`, n+1), fmt.Sprintf(`"n":%d`, n), 1)
			}
			return a
		}, pinned, "entries 98 to 99: " + edited + "\nentry 100: is missing: the export was cut off"},
		"two swapped":                    {func(a []string) []string { a[42], a[43] = a[43], a[42]; return a }, pinned, "entry 42: is not in its place"},
		"one moved far back":             {func(a []string) []string { x := a[20]; return slices.Insert(slices.Delete(a, 20, 21), 60, x) }, pinned, "entry 20: is not in its place"},
		"one moved to the front":         {func(a []string) []string { x := a[60]; return slices.Insert(slices.Delete(a, 60, 61), 20, x) }, pinned, "entries 20 to 59: is not in its place"},
		"one twice":                      {func(a []string) []string { return slices.Insert(a, 42, a[42]) }, pinned, "entry 42: is there more than once"},
		"cut off":                        {func(a []string) []string { return a[:98] }, pinned, "entries 98 to 100: is missing: the export was cut off"},
		"cut off in a line":              {func(a []string) []string { a = a[:99]; a[98] = a[98][:70]; return a }, pinned, "entry 98: cannot be read\nentries 99 to 100: is missing: the export was cut off"},
		"only the heading":               {func(a []string) []string { return a[:1] }, pinned, "entries 1 to 100: is missing: the export was cut off"},
		"a forged one behind":            {func(a []string) []string { return append(a, line(101, act(101), forger.signer)) }, pinned, "entry 101: was added: the head counts 100"},
		"a genuine one behind":           {func(a []string) []string { return append(a, line(101, act(101), b.signer)) }, pinned, "entry 101: was added: the head counts 100"},
		"a forged one between":           {func(a []string) []string { return slices.Insert(a, 43, line(43, act(7), forger.signer)) }, pinned, "entry 43: " + edited + "\nentry 43: is there more than once"},
		"nothing but an empty line more": {func(a []string) []string { return slices.Insert(a, 43, "\n") }, pinned, "entry 43: cannot be read\nentry 43: is there more than once"},
		"an older head": {func(a []string) []string {
			return append(strings.SplitAfter(b.export(t, 90), "\n")[:1], a[1:]...)
		}, pinned, "entries 91 to 100: was added: the head counts 90"},
		"an older head, cut off to fit": {func([]string) []string { return []string{b.export(t, 90)} }, kept(95), "entries 91 to 95: is missing: the earlier head of 2026-11-22 12:01 counts 95"},
		"a head without a signature": {func(a []string) []string {
			a[0] = strings.Replace(a[0], `\n100\n`, `\n99\n`, 1)
			return a
		}, pinned, "the head is not signed with the key " + key.String()[:60] + "\nentry 100: was added: the head counts 99"},
		"a head that nobody can read":  {func(a []string) []string { a[0] = strings.Replace(a[0], `\n100\n`, `\n`, 1); return a }, pinned, "this is not the head of a ledger"},
		"no heading":                   {func(a []string) []string { return a[1:] }, pinned, "this is not the export of a ledger"},
		"nothing":                      {func([]string) []string { return nil }, pinned, "this is not the export of a ledger"},
		"another format":               {func(a []string) []string { a[0] = strings.Replace(a[0], `"v":1`, `"v":2`, 1); return a }, pinned, "the export is of another format: verify it with the program that wrote it"},
		"the whole with another key":   {func([]string) []string { return []string{forger.export(t, 100)} }, pinned, "the export brings another key than the one it is verified with\nthe head is not signed with the key " + key.String()[:60] + "\nentries 1 to 100: " + edited},
		"the whole by another ledger":  {func([]string) []string { return []string{newBook(t, "montefalco", 1, 3).export(t, 3)} }, pinned, "the export brings another key than the one it is verified with\nthe head is that of the ledger of \"montefalco\", the key that of \"valdemo\"\nentries 1 to 3: " + edited},
		"a key that is none":           {func(a []string) []string { a[0] = strings.Replace(a[0], "martinella/", "Martinella/", 1); return a }, Against{}, "the key of the export cannot be read"},
		"rewritten and signed again":   {func([]string) []string { return []string{rewritten.export(t, 100)} }, kept(50), "entries 1 to 50: is not what the earlier head of 2026-11-22 12:00 has: the ledger was rewritten and signed again"},
		"rewritten, and nobody kept":   {func([]string) []string { return []string{rewritten.export(t, 100)} }, kept(41), ""}, // before it was rewritten
		"rewritten since an export":    {func([]string) []string { return []string{rewritten.export(t, 100)} }, Against{Key: &key, Earlier: strings.NewReader(b.export(t, 80))}, "entry 42: is another than in the earlier export: it was rewritten and signed again"},
		"a head from elsewhere":        {func(a []string) []string { return a }, Against{Key: &key, Earlier: bytes.NewReader(forger.heads[50].Note)}, "what was kept: the head is not signed with the key " + key.String()[:60]},
		"kept what is no head":         {func(a []string) []string { return a }, Against{Key: &key, Earlier: strings.NewReader("hello")}, "what was kept: this is not the head of a ledger"},
		"kept what is no export":       {func(a []string) []string { return a }, Against{Key: &key, Earlier: strings.NewReader("{}")}, "what was kept: this is not the export of a ledger"},
		"signed entries, another root": {func(a []string) []string { a[42] = line(42, act(7), b.signer); return a }, pinned, "the entries do not give the root that the head has"},
	} {
		t.Run(name, func(t *testing.T) {
			r := verify(t, strings.Join(c.change(slices.Clone(whole)), ""), c.against)
			if got := said(r); got != c.want || r.OK() != (c.want == "") {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestAGapIsSaidForEver(t *testing.T) {
	b := newBook(t, "valdemo", 1, 2)
	b.add(t, Missing(3))
	b.add(t, act(4))
	if got := said(verify(t, b.export(t, 4), Against{})); got != "entry 3: was removed from the store before the tree reached it" {
		t.Errorf("got %q", got)
	}
}

func TestAReportIsBounded(t *testing.T) {
	b := newBook(t, "valdemo", 1, 1000)
	all := strings.SplitAfter(b.export(t, 1000), "\n")
	for n := 1; n <= 1000; n += 2 {
		all[n] = strings.Replace(all[n], "issued", "ended", 1)
	}
	if r := verify(t, strings.Join(all, ""), Against{}); len(r.Findings) != maxFindings || r.More != 500-maxFindings {
		t.Errorf("%d findings and %d more", len(r.Findings), r.More)
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	b := newBook(t, "valdemo", 1, 10)
	text := b.export(t, 10)
	broken := errors.New("the disk is gone")
	for name, c := range map[string]struct {
		export io.Reader
		a      Against
	}{
		"at the beginning": {iotest.ErrReader(broken), Against{}},
		"in the middle":    {io.MultiReader(strings.NewReader(text[:900]), iotest.ErrReader(broken)), Against{}},
		"what was kept":    {strings.NewReader(text), Against{Earlier: iotest.ErrReader(broken)}},
		"the kept export":  {strings.NewReader(text), Against{Earlier: io.MultiReader(strings.NewReader(text[:900]), iotest.ErrReader(broken))}},
	} {
		if _, err := Verify(c.export, c.a); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := Verify(iotest.OneByteReader(strings.NewReader(text)), Against{}); err != nil || !r.OK() {
		t.Errorf("byte by byte: %v %v", r, err)
	}
}

func TestAnExportEndsWithTheFirstError(t *testing.T) {
	b, broken := newBook(t, "valdemo", 1, 3), errors.New("the store is gone")
	err := Write(io.Discard, b.signer.Key(), b.heads[3], func(yield func(Entry, error) bool) { yield(Entry{}, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// FuzzVerify: whatever somebody makes of an export, what passes with the
// ledger's key holds exactly the acts that were signed.
func FuzzVerify(f *testing.F) {
	b := newBook(f, "valdemo", 1, 5)
	b.add(f, []byte("no JSON"))
	key := b.signer.Key()
	var genuine []string
	for size := range 7 {
		text := b.export(f, size)
		_, entries, _ := strings.Cut(text, "\n")
		genuine = append(genuine, entries)
		f.Add([]byte(text), b.heads[size/2].Note)
	}
	f.Add([]byte(b.export(f, 6)), []byte(b.export(f, 3)))
	f.Add([]byte(newBook(f, "valdemo", 2, 3).export(f, 3)), []byte(nil))
	f.Fuzz(func(t *testing.T, export, earlier []byte) {
		a := Against{Key: &key}
		if len(earlier) > 0 {
			a.Earlier = bytes.NewReader(earlier)
		}
		r, err := Verify(bytes.NewReader(export), a)
		if err != nil {
			t.Fatal(err)
		}
		if !r.OK() {
			return
		}
		_, entries, _ := strings.Cut(strings.ReplaceAll(string(export), "\r\n", "\n"), "\n")
		if entries = strings.TrimSuffix(entries, "\r"); entries != "" && !strings.HasSuffix(entries, "\n") {
			entries += "\n"
		}
		if !slices.Contains(genuine, entries) {
			t.Errorf("verified, and nobody wrote it:\n%q", export)
		}
	})
}

// BenchmarkVerify verifies an export; the entries a second are the figure.
func BenchmarkVerify(bm *testing.B) {
	b := newBook(bm, "valdemo", 1, 20_000)
	text := b.export(bm, 20_000)
	bm.SetBytes(int64(len(text)))
	for bm.Loop() {
		if !verify(bm, text, Against{}).OK() {
			bm.Fatal("not whole")
		}
	}
	bm.ReportMetric(20_000*float64(bm.N)/bm.Elapsed().Seconds(), "entries/s")
}
