package broadcast_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The table of faults: how many rows it has, and how many of them run at least.
const (
	faultRows   = 79
	faultsRun   = 45
	faultColumn = 4
)

var faultLink = regexp.MustCompile(`\[((?:Test|Fuzz|Benchmark)\w+)\]\(([^)]+)\)`)

// TestFaultTable keeps FAULTS.md from lying: every row is there, and every test
// that it names.
func TestFaultTable(t *testing.T) {
	text, err := os.ReadFile("FAULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, run := 0, 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		number, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil || !strings.HasPrefix(line, "|") {
			continue
		}
		rows++
		if number != rows || len(cells) != faultColumn {
			t.Fatalf("row %d follows on %d, or has not %d cells: %s", number, rows-1, faultColumn, line)
		}
		links := faultLink.FindAllStringSubmatch(cells[3], -1)
		tests := 0
		for _, link := range links {
			src, err := os.ReadFile(filepath.FromSlash(link[2]))
			if err != nil || !strings.Contains(string(src), "\nfunc "+link[1]+"(") {
				t.Errorf("row %d: there is no %s in %s (%v)", number, link[1], link[2], err)
			}
			if strings.HasPrefix(link[1], "Test") {
				tests++
			}
		}
		switch reason := strings.Contains(cells[3], "*not run*: "); {
		case tests > 0 && !reason:
			run++
		case tests > 0 || !reason:
			t.Errorf("row %d names a test and a reason why none runs, or neither", number)
		}
	}
	if rows != faultRows || run < faultsRun {
		t.Errorf("%d rows, %d of them run, want %d and at least %d", rows, run, faultRows, faultsRun)
	}
	if !strings.Contains(string(text), fmt.Sprintf("%d of %d run", run, faultRows)) {
		t.Errorf("the table says another number of rows that run than %d", run)
	}
}
