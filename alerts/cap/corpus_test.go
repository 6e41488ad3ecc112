package cap

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared finds a folder of examples that lies beside the checkout and is not
// part of the project.
func shared(t testing.TB, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	full := filepath.Join(dir, "..", "shared", "testdata", path)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("the examples %s are not beside the checkout", full)
	}
	return full
}

// example is one row of the examples' manifest.
type example struct {
	File           string   `json:"file"`
	Expected       string   `json:"expected"`
	ExpectedStrict string   `json:"expected_strict"`
	Reasons        []string `json:"reasons"`
	Version        string   `json:"cap_version"`
	Signed         bool     `json:"signed"`
	Signature      string   `json:"signature"`
	Nature         string   `json:"nature"`
	Infos          int      `json:"infos"`
	Areas          int      `json:"areas"`
	Polygons       int      `json:"polygons"`
	Circles        int      `json:"circles"`
	Geocodes       int      `json:"geocodes"`
	Resources      int      `json:"resources"`
	Embedded       int      `json:"embedded_alerts"`
	Root           string   `json:"root"`
}

func examples(t testing.TB, folders ...string) map[string]example {
	t.Helper()
	dir := shared(t, "cap")
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []example
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatal(err)
	}
	out := map[string]example{}
	for _, row := range rows {
		for _, folder := range folders {
			if strings.HasPrefix(row.File, folder+"/") {
				out[row.File] = row
			}
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d examples in %v", len(out), folders)
	}
	return out
}

func exampleBytes(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(shared(t, "cap"), file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recognised says whether the verdict names the manifest's reason.
func recognised(reason string, doc *Document, err error) bool {
	if err != nil {
		switch {
		case strings.HasPrefix(reason, "DOCTYPE"):
			return strings.Contains(err.Error(), "DOCTYPE")
		case strings.HasPrefix(reason, "not well-formed"):
			return strings.Contains(err.Error(), "not well-formed")
		}
		return false
	}
	at, rest := "", reason
	if head, tail, found := strings.Cut(reason, " "); found && strings.HasPrefix(head, "info[") {
		at, rest = head+".", tail
	}
	name := ""
	if _, tail, found := strings.Cut(rest, "<"); found {
		name, _, _ = strings.Cut(tail, ">")
	}
	has := func(field, words string) bool {
		for _, p := range doc.Problems {
			if strings.Contains(p.Field, field) && strings.Contains(p.Problem, words) {
				return true
			}
		}
		return false
	}
	switch {
	case strings.HasPrefix(rest, "missing required <"), strings.HasPrefix(rest, "empty required <"):
		return has(at+name, "is missing")
	case strings.HasPrefix(rest, "duplicate <"):
		return has(name, "more than once")
	case strings.HasPrefix(rest, "unknown CAP element <"):
		return has(name, "is not an element")
	case rest == "empty <references>", rest == "empty <polygon>":
		return has(name, "is empty")
	case strings.HasSuffix(rest, " without <references>"):
		return has("references", "are missing") || has("references", "is empty")
	case rest == "no <info> in an Alert":
		return has("info", "is missing")
	case strings.HasPrefix(rest, "malformed <references> item"):
		return has("references", "is not sender,identifier,sent")
	case rest == "identifier contains space, comma, < or &":
		return has("identifier", "contains a space")
	case strings.HasPrefix(rest, "unparseable <sent>"):
		return has("sent", "is not a date")
	case strings.HasPrefix(rest, "invalid scope"):
		return has("scope", `is "Invalid"`)
	case rest == "stray text inside <alert>":
		return has("alert", "stray text")
	case strings.HasPrefix(rest, "unknown namespace"):
		return has("alert", "unknown namespace")
	case strings.HasPrefix(rest, "root element is"):
		return has("alert", "is missing: the message is")
	case strings.HasPrefix(rest, "circle not parseable"):
		return has("circle[", "cannot be read")
	case rest == "negative circle radius":
		return has("circle[", "negative")
	case strings.HasPrefix(rest, "polygon not parseable"):
		return has("polygon[", "cannot be read")
	case rest == "polygon with fewer than 3 distinct points":
		return has("polygon[", "fewer than three")
	case strings.HasPrefix(rest, "polygon out of range"):
		return has("polygon[", "not on the earth")
	case rest == "polygon not closed":
		return has("polygon[", "not closed")
	case rest == "ceiling without altitude":
		return has("ceiling", "without an altitude")
	case rest == "ceiling below altitude":
		return has("ceiling", "below the altitude")
	}
	return false
}

func TestEveryExampleGetsItsVerdict(t *testing.T) {
	for file, want := range examples(t, "valid", "invalid") {
		t.Run(file, func(t *testing.T) {
			doc, err := Parse(exampleBytes(t, file), Submit)
			verdict := "accept"
			switch {
			case err != nil || !doc.Valid():
				verdict = "reject"
			case len(doc.Problems) > 0:
				verdict = "flag"
			}
			if verdict != want.Expected {
				t.Errorf("got %s, want %s (%v)", verdict, want.Expected, err)
				if doc != nil {
					t.Log(doc.Problems)
				}
			}
			strict := err == nil && doc.Strict()
			if strict != (want.ExpectedStrict == "accept") {
				t.Errorf("strict verdict: got %v, want %s", strict, want.ExpectedStrict)
				if doc != nil {
					t.Log(doc.Problems, doc.Schema)
				}
			}
			for _, reason := range want.Reasons {
				if !recognised(reason, doc, err) {
					t.Errorf("the reason %q is not named: %v", reason, err)
					if doc != nil {
						t.Log(doc.Problems)
					}
				}
			}
			if err != nil || want.Version == "" {
				return
			}
			if doc.Version != want.Version || doc.Signed != want.Signed {
				t.Errorf("got version %s signed %v, want %s %v", doc.Version, doc.Signed, want.Version, want.Signed)
			}
			for _, p := range append(doc.Problems, doc.Schema...) {
				if p.Field == "" || p.Problem == "" || p.Hint == "" || p.Level == "" {
					t.Errorf("a problem is not complete: %+v", p)
				}
			}
			if want.Expected == "accept" {
				counts(t, doc, want)
			}
		})
	}
}

// counts compares what was read with what another parser counted.
func counts(t *testing.T, doc *Document, want example) {
	t.Helper()
	got := example{Infos: len(doc.Alert.Infos)}
	for _, in := range doc.Alert.Infos {
		got.Areas += len(in.Areas)
		got.Resources += len(in.Resources)
		for _, ar := range in.Areas {
			got.Polygons += len(ar.Polygons)
			got.Circles += len(ar.Circles)
			got.Geocodes += len(ar.Geocodes)
		}
	}
	if got.Infos != want.Infos || got.Areas != want.Areas || got.Polygons != want.Polygons || got.Circles != want.Circles ||
		got.Geocodes != want.Geocodes || got.Resources != want.Resources {
		t.Errorf("got %d infos, %d areas, %d polygons, %d circles, %d geocodes, %d resources, want %+v",
			got.Infos, got.Areas, got.Polygons, got.Circles, got.Geocodes, got.Resources, want)
	}
}
