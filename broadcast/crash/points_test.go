package crash

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// call is how the program passes a place.
var call = regexp.MustCompile(`crash\.At\(crash\.(\w+)\)`)

func TestEveryPlaceIsPassedOnceInTheProgram(t *testing.T) {
	src, err := os.ReadFile("points.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+) +Point = "`).FindAllStringSubmatch(string(src), -1) {
		declared = append(declared, m[1])
	}
	if listed := len(Points()) + len(CallPoints()); len(declared) != listed {
		t.Fatalf("%d places are declared, the lists have %d", len(declared), listed)
	}
	var passed []string
	for _, dir := range []string{"..", filepath.Join("..", "rdb")} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range call.FindAllStringSubmatch(string(b), -1) {
				passed = append(passed, m[1])
			}
		}
	}
	slices.Sort(declared)
	slices.Sort(passed)
	if !slices.Equal(declared, passed) {
		t.Errorf("the program passes %v, want %v", passed, declared)
	}
}

func TestWithoutTheTagNothingHappens(t *testing.T) {
	if Compiled {
		t.Skip("SKIP: this build can kill")
	}
	t.Setenv("CRASH_AT", "after-try:1")
	for _, p := range Points() {
		At(p) // this test lives on
	}
}
