package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"martinella/channels/channeltest"
	"martinella/dashboards"
)

// The list names what the go command itself says of a program, each once, with
// what a scanner looks vulnerabilities up by.
func TestTheListOfMaterialsIsWhole(t *testing.T) {
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	var list bom
	if err := json.Unmarshal([]byte(must(t, "sbom", bin)), &list); err != nil {
		t.Fatal(err)
	}
	if list.Format != "CycloneDX" || list.Spec != "1.6" || list.Version != 1 || list.Metadata.Component.Name != "martinella" || list.Metadata.Component.Version == "" {
		t.Errorf("the head of the list: %+v", list)
	}
	got := map[string]string{}
	for _, c := range list.Components {
		if got[c.Name] != "" || c.Ref != c.PURL || c.Type != "library" {
			t.Errorf("listed twice, or not as a library: %+v", c)
		}
		got[c.Name] = c.Version
	}
	modules := regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(output(t, "go", "version", "-m", bin), -1)
	if len(modules) < 50 {
		t.Fatalf("the go command names %d modules", len(modules))
	}
	for _, m := range modules {
		if got[m[1]] != m[2] {
			t.Errorf("%s %s is listed as %q", m[1], m[2], got[m[1]])
		}
	}
	packages, err := dashboards.BundledPackages()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if got[p.Name] != p.Version {
			t.Errorf("%s %s is listed as %q", p.Name, p.Version, got[p.Name])
		}
	}
	if want := len(modules) + len(packages) + 1; len(list.Components) != want || got["std"] == "" {
		t.Errorf("%d components, want %d; the standard library is %q", len(list.Components), want, got["std"])
	}
	if len(list.Dependencies) != 1 || len(list.Dependencies[0].DependsOn) != len(list.Components) {
		t.Errorf("dependencies: %+v", list.Dependencies)
	}
}

func TestMaterialsAreListed(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{
		{Path: "example.org/Old/Lib", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/New", Version: "v1.0.1", Sum: "h1:x"}},
	}, Settings: []debug.BuildSetting{{Key: "GOARCH", Value: "arm64"}, {Key: "-ldflags", Value: "secret"}}}
	list, err := materials(info, "v1.2.3", []dashboards.Bundled{{Name: "@scope/map", Version: "2.0.0", Licence: "MIT", Integrity: "sha512-AAEC"}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"purl":"pkg:golang/std@1.26.8"`, `"purl":"pkg:golang/example.org/new@v1.0.1"`, `{"name":"go:sum","value":"h1:x"}`, `"purl":"pkg:npm/%40scope/map@2.0.0"`,
		`{"alg":"SHA-512","content":"000102"}`, `{"expression":"MIT"}`, `{"name":"go:GOARCH","value":"arm64"}`, `"version":"v1.2.3"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	if strings.Contains(string(text), "Old") || strings.Contains(string(text), "secret") {
		t.Errorf("what is not in the program is listed: %s", text)
	}
	if _, err := materials(info, "", []dashboards.Bundled{{Name: "m", Integrity: "sha512-!"}}); err == nil || !strings.Contains(err.Error(), "digest of m") {
		t.Errorf("a digest that is none: %v", err)
	}
}

func TestAnotherProgramIsNotListed(t *testing.T) {
	other, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		other: "is another program: cmd/go",
		filepath.Join(channeltest.ModuleDir(t), "go.mod"): "read what a program was built of",
		filepath.Join(t.TempDir(), "none"):                "no such file",
	} {
		if code, _, said := command(t, "sbom", file); code != exitRefused || !strings.Contains(said, want) {
			t.Errorf("%s: %d %s, want %q", file, code, said, want)
		}
	}
}

// Whoever hands out a program hands out the licences of what is in it.
func TestTheLicencesOfEverythingAreThere(t *testing.T) {
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	text := output(t, filepath.Join(channeltest.ModuleDir(t), ".ci", "licences"), bin)
	var without []string
	for _, m := range regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(output(t, "go", "version", "-m", bin), -1) {
		if !strings.Contains(text, "\n==== "+m[1]+"@"+m[2]+": ") {
			without = append(without, m[1])
		}
	}
	if slices.Sort(without); len(without) > 0 {
		t.Errorf("no licence of %v", without)
	}
	for _, want := range []string{"==== Go go1.", "Gorilla WebSocket Authors", "The Go Authors"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}
