package lexicon

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// spoken are the rooms whose sentences the console shows to people.
var spoken = []string{
	"alerts", "alerts/cap", "alerts/compose", "alerts/ledger", "alerts/lint", "alerts/templates", "alerts/volunteers",
	"broadcast", "broadcast/callout", "broadcast/rdb", "broadcast/roster", "dashboards", "dashboards/photo", "dashboards/settings", "dashboards/signin",
	"channels", "channels/bluesky", "channels/email", "channels/facebook", "channels/mastodon", "channels/mqtt", "channels/pressroom",
	"channels/sms", "channels/sms/httpsms", "channels/sms/smpp", "channels/telegram", "channels/voice", "channels/webpush", "channels/x",
}

// told are functions whose every sentence is read by people, by room.
var told = map[string][]string{
	"alerts":    {"MayLeave"},
	"broadcast": {"spelling", "foreign", "length", "parts", "held", "words"},
	"channels":  {"Renewal", "renewal", "Notes", "note", "membership"},
}

// beyond are sentences that are put together where the walk does not follow; each
// begins or ends one that it finds, or stands in a table.
var beyond = []string{
	"is {0}", // the value that no list has, from package compose
	"takes {0} for each of {1} recipients, {2} euro",
	"takes {0} for each of {1} recipients; at the contract's speed the last leaves after {2}",
	"takes {0} for each of {1} recipients, {2} euro; at the contract's speed the last leaves after {3}",
	"takes {0} more because writing {1} is not allowed by the channel's settings",
	"what was kept: {0}", "entry {0}: {1}", "entries {0} to {1}: {2}", // of the ledger
	"the phone number is not one that exists: {0}", "the number is one that costs whoever calls it: {0}", "the e-mail address cannot be read: {0}", "the push endpoint is not an https address with its keys: {0}",
	"write it like +393331234567", "write it like name@example.org",
	"write citizens, volunteers, institutions, media, staff", "write emergency or information", "write Minor, Moderate, Severe, Extreme, or nothing for all", "write given, asked, or nothing for a list of the authority",
	"a bot cannot read what it posted: after a lost answer nobody knows whether the post is there",
}

// reasons are files whose errors tell why a channel cannot carry an alert, or why
// the ledger is not whole: they stand within a sentence.
var reasons = []string{"channels/area.go", "channels/fit.go", "channels/sms/text.go", "channels/sms/smpp/text.go", "channels/email/render.go", "channels/webpush/render.go",
	"broadcast/draft.go", "alerts/ledger/entry.go", "alerts/ledger/earlier.go", "alerts/ledger/head.go", "alerts/ledger/key.go", "alerts/ledger/export.go", "alerts/cap/guard.go",
	"broadcast/roster/contact.go", "broadcast/roster/lines.go"}

// verb is what stands in a format for a value.
var verb = regexp.MustCompile(`%[-+#0-9.*]*[a-zA-Z]`)

// sayings collects the sentences of one package: what is said by composite
// literals of Problem, and by every function that has a parameter named hint.
type sayings struct {
	dir    string
	fset   *token.FileSet
	files  []*ast.File
	consts map[string]string
	says   map[string][]int // by function: the parameters that are sentences
	found  map[string]string
	loose  map[string]string
}

func collect(t *testing.T, dir string) *sayings {
	t.Helper()
	s := &sayings{dir: dir, fset: token.NewFileSet(), consts: map[string]string{}, says: map[string][]int{}, found: map[string]string{}, loose: map[string]string{}}
	paths, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(dir), "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no package %s: %v", dir, err)
	}
	for _, path := range paths {
		if name := filepath.Base(path); strings.HasSuffix(name, "_test.go") || programsOnly(dir, name) {
			continue
		}
		f, err := parser.ParseFile(s.fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, f)
	}
	if !strings.HasPrefix(dir, "channels") {
		for _, f := range s.files {
			ast.Inspect(f, s.declare)
		}
	}
	for _, f := range s.files {
		for _, d := range f.Decls {
			ast.Inspect(d, func(n ast.Node) bool { s.read(n, d); return true })
		}
	}
	return s
}

// programsOnly are files whose sentences only programs get, as answers of the API.
func programsOnly(dir, name string) bool {
	return dir == "dashboards" && (strings.HasPrefix(name, "api_") || name == "body.go" || name == "auth.go" || name == "problem.go") ||
		strings.HasPrefix(dir, "channels") && name == "config.go" && dir != "channels/email" && dir != "channels/mqtt" && dir != "channels/sms/smpp" && dir != "channels/sms/httpsms"
}

// declare notes constants and the functions that say something.
func (s *sayings) declare(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if i < len(n.Values) {
				if lit, is := n.Values[i].(*ast.BasicLit); is && lit.Kind == token.STRING {
					s.consts[name.Name], _ = strconv.Unquote(lit.Value)
				}
			}
		}
	case *ast.FuncDecl:
		s.speaker("", n.Name.Name, n.Type)
	case *ast.AssignStmt:
		for i := range n.Lhs {
			name, named := n.Lhs[i].(*ast.Ident)
			if i >= len(n.Rhs) || !named {
				continue
			}
			if lit, is := n.Rhs[i].(*ast.FuncLit); is {
				s.speaker(s.fset.Position(n.Pos()).Filename, name.Name, lit.Type)
			}
		}
	}
	return true
}

func (s *sayings) speaker(file, name string, of *ast.FuncType) {
	var at []int
	hint, i := false, 0
	for _, p := range of.Params.List {
		for _, n := range p.Names {
			switch n.Name {
			case "problem", "what":
				at = append(at, i)
			case "hint":
				hint, at = true, append(at, i)
			}
			i++
		}
	}
	if hint || name == "find" && len(at) > 0 {
		s.says[file+name] = at
	}
}

func (s *sayings) read(n ast.Node, in ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		file := s.fset.Position(n.Pos()).Filename
		if name == "New" || name == "Errorf" {
			if slices.ContainsFunc(reasons, func(end string) bool { return strings.HasSuffix(filepath.ToSlash(file), "/"+end) }) {
				s.reason(n, in)
			}
			return
		}
		at, own := s.says[file+name]
		if !own {
			at = s.says[name]
		}
		for _, i := range at {
			if i < len(n.Args) {
				s.keep(n.Args[i], in)
			}
		}
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			if kv, is := e.(*ast.KeyValueExpr); is {
				if key, is := kv.Key.(*ast.Ident); is && (key.Name == "Problem" || key.Name == "Hint") {
					s.keep(kv.Value, in)
				}
			}
		}
	case *ast.AssignStmt:
		for i, l := range n.Lhs {
			if sel, is := l.(*ast.SelectorExpr); is && (sel.Sel.Name == "Problem" || sel.Sel.Name == "Hint") && i < len(n.Rhs) {
				s.keep(n.Rhs[i], in)
			}
		}
	case *ast.BasicLit:
		if f, is := in.(*ast.FuncDecl); is && s.tells(f.Name.Name) {
			if text, _ := strconv.Unquote(n.Value); strings.Contains(text, " ") && worded(verb.ReplaceAllString(text, gap)) && (strings.Contains(text, "%") || !strings.Contains(text, "kind")) {
				s.loose[numbered(verb.ReplaceAllString(text, gap))] = s.fset.Position(n.Pos()).String()
			}
		}
	case *ast.ReturnStmt:
		if f, is := in.(*ast.FuncDecl); is && s.tells(f.Name.Name) {
			for _, r := range n.Results {
				if lit, is := r.(*ast.CompositeLit); is {
					for _, e := range lit.Elts {
						s.keep(e, in)
					}
				} else {
					s.keep(r, in)
				}
			}
		}
	}
}

// reason keeps what an error says, without the %w of another one.
func (s *sayings) reason(n *ast.CallExpr, in ast.Node) {
	if len(n.Args) > 0 {
		for _, p := range s.patterns(n.Args[0], in, 0) {
			if p = verb.ReplaceAllString(p, gap); worded(p) {
				s.found[numbered(p)] = s.fset.Position(n.Pos()).String()
			}
		}
	}
}

func (s *sayings) keep(e ast.Expr, in ast.Node) {
	at := s.fset.Position(e.Pos()).String()
	for _, p := range s.patterns(e, in, 0) {
		if worded(p) {
			s.found[numbered(p)] = at
		}
	}
}

// worded reports whether a text says something of its own. The beginning of a
// sentence that goes on elsewhere is found as the whole.
func worded(p string) bool {
	return strings.ContainsFunc(p, func(r rune) bool { return r >= 'a' && r <= 'z' }) && !strings.HasSuffix(p, " ") && !strings.HasPrefix(p, ":") && !strings.HasPrefix(p, ";") && !strings.HasPrefix(p, " ") && !strings.HasPrefix(p, ". ")
}

const gap = "\x00"

// tells reports whether people read what a function gives.
func (s *sayings) tells(name string) bool {
	room, _, _ := strings.Cut(s.dir, "/")
	return slices.Contains(told[room], name)
}

// numbered turns gaps into {0}, {1}, ...
func numbered(p string) string {
	for i := 0; strings.Contains(p, gap); i++ {
		p = strings.Replace(p, gap, fmt.Sprintf("{%d}", i), 1)
	}
	return p
}

// patterns gives every text that an expression may be, with a gap for each value.
func (s *sayings) patterns(e ast.Expr, in ast.Node, depth int) []string {
	if depth > 6 {
		return []string{gap}
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return []string{text}
		}
	case *ast.ParenExpr:
		return s.patterns(e.X, in, depth)
	case *ast.Ident:
		if text, is := s.consts[e.Name]; is {
			return []string{text}
		}
		if all := s.assigned(e.Name, in, depth); len(all) > 0 {
			return all
		}
	case *ast.BinaryExpr:
		var all []string
		for _, l := range s.patterns(e.X, in, depth+1) {
			for _, r := range s.patterns(e.Y, in, depth+1) {
				all = append(all, strings.ReplaceAll(l+r, gap+gap, gap))
			}
		}
		return all
	case *ast.CallExpr:
		if f, is := e.Fun.(*ast.Ident); is && f.Name == "append" {
			var all []string
			for _, one := range e.Args[1:] {
				all = append(all, s.patterns(one, in, depth+1)...)
			}
			return all
		}
		if f, is := e.Fun.(*ast.SelectorExpr); is && (f.Sel.Name == "Sprintf" || f.Sel.Name == "Errorf") && len(e.Args) > 0 {
			var all []string
			for _, format := range s.patterns(e.Args[0], in, depth+1) {
				all = append(all, strings.ReplaceAll(verb.ReplaceAllString(format, gap), "%%", "%"))
			}
			return all
		}
	}
	return []string{gap}
}

// assigned gives what a variable is set to where it stands.
func (s *sayings) assigned(name string, in ast.Node, depth int) []string {
	var all []string
	ast.Inspect(in, func(n ast.Node) bool {
		if a, is := n.(*ast.AssignStmt); is {
			for i, l := range a.Lhs {
				id, is := l.(*ast.Ident)
				if is && id.Name == name && len(a.Lhs) != len(a.Rhs) {
					all = append(all, gap) // what a call gives
				}
				if is && id.Name == name && len(a.Lhs) == len(a.Rhs) && (a.Tok == token.DEFINE || a.Tok == token.ASSIGN) {
					all = append(all, s.patterns(a.Rhs[i], in, depth+1)...)
				}
			}
		}
		return true
	})
	return all
}

// TestEveryProblemHasItalian walks the program for every sentence that it can say
// of a mistake, and for what an operator reads of a channel; nothing stands in the
// table that nobody says.
func TestEveryProblemHasItalian(t *testing.T) {
	all := map[string]string{}
	for _, dir := range spoken {
		s := collect(t, dir)
		maps.Copy(all, s.found)
		maps.Copy(all, s.loose)
	}
	if len(all) < 400 {
		t.Fatalf("only %d sentences were found: the walk is broken", len(all))
	}
	for _, p := range slices.Sorted(maps.Keys(all)) {
		if problems.Sentences[p] == "" {
			t.Errorf("problems.json has no Italian for %q, said at %s", p, all[p])
		}
	}
	for p, it := range problems.Sentences {
		if all[p] == "" && !slices.Contains(beyond, p) {
			t.Errorf("nobody says %q", p)
		}
		if want, got := slices.Sorted(slices.Values(number.FindAllString(p, -1))), slices.Sorted(slices.Values(number.FindAllString(it, -1))); !slices.Equal(want, got) {
			t.Errorf("%q has %v, its Italian %v", p, want, got)
		}
	}
}
