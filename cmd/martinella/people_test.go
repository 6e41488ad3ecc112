package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const list = `Nome;Cellulare;E-mail;Codice ISTAT;Categoria;Annotazioni
Anna Rossi;333 123 4501;anna@example.org;48017;cittadini;diabetica
Bruno Neri;12;;48017;cittadini;
Carla Blu;333 123 4502;;48017;amici;
Anna Rossi;333 123 4501;;48017;cittadini;
`

func TestPeopleAreImportedExportedAndErased(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	file := write(t, filepath.Join(dir, "list.csv"), list)
	report, export := filepath.Join(dir, "refused.csv"), filepath.Join(dir, "export.csv")

	code, out, errOut := command(t, "people", "import", file, "--config", config, "--dry-run")
	if code != exitRefused || !strings.Contains(out, "nothing is stored: 4 rows: 1 added, 0 changed, 0 unchanged, 3 refused") {
		t.Errorf("dry: exit %d, %s%s", code, out, errOut)
	}
	for _, want := range []string{"columns that are not stored: \"Annotazioni\"", "line 3, phone: the phone number is not one that exists", "line 4, audience:", "line 5, phone: it is that of line 2", "hint: mend the rows"} {
		if !strings.Contains(errOut, want) {
			t.Errorf("%q is missing in\n%s", want, errOut)
		}
	}
	if strings.Contains(out+errOut, "1234501") || strings.Contains(out+errOut, "anna@") {
		t.Errorf("a contact is told in clear:\n%s%s", out, errOut)
	}
	code, out, errOut = command(t, "people", "import", file, "--config", config, "--report", report, "--json")
	var end struct {
		End                     bool
		Rows, Added, Refused, X int
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || code != exitRefused || !end.End || end.Added != 1 || end.Refused != 3 {
		t.Errorf("exit %d, %s%s %v", code, out, errOut, err)
	}
	info, err := os.Stat(report)
	b, _ := os.ReadFile(report)
	if err != nil || info.Mode().Perm() != 0o600 || strings.Count(string(b), "\n") != 4 || strings.Contains(string(b), "1234501") {
		t.Errorf("the report: %v %v\n%s", info, err, b)
	}
	if code, _, errOut := command(t, "people", "import", file, "--config", config, "--report", report); code != exitRefused || !strings.Contains(errOut, "does not exist yet") {
		t.Errorf("over a file: exit %d, %s", code, errOut)
	}
	good := write(t, filepath.Join(dir, "good.csv"), strings.Join(strings.SplitAfter(list, "\n")[:2], ""))
	if out := must(t, "people", "import", good, "--config", config); !strings.Contains(out, "1 rows: 0 added, 0 changed, 1 unchanged, 0 refused") {
		t.Errorf("again: %s", out)
	}
	if out := must(t, "people", "stop", "--phone", "3331234501", "--config", config); !strings.Contains(out, "person 1, phone: gets nothing there any more") {
		t.Errorf("stop says %s", out)
	}
	out = must(t, "people", "count", "--config", config)
	for _, want := range []string{"1 people", "reachable by  email", "stopped       phone", "area          048017"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	must(t, "people", "start", "--phone", "3331234501", "--config", config)

	if code, _, errOut := command(t, "people", "export", "--config", config); code != exitUsage || !strings.Contains(errOut, "--yes") {
		t.Errorf("an export without a word: exit %d, %s", code, errOut)
	}
	must(t, "people", "export", "--config", config, "--yes", "--out", export)
	info, err = os.Stat(export)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the export: %v %v", info, err)
	}
	if out := must(t, "people", "import", export, "--config", config); !strings.Contains(out, "1 unchanged") {
		t.Errorf("the export again: %s", out)
	}
	if out := must(t, "people", "erase", "--number", "1", "--config", config); !strings.Contains(out, "erased") {
		t.Errorf("erase says %s", out)
	}
	for _, args := range [][]string{{"--number", "1"}, {"--phone", "3331234501"}} {
		if code, _, _ := command(t, append([]string{"people", "erase", "--config", config}, args...)...); code != exitRefused {
			t.Errorf("erase %v again: exit %d", args, code)
		}
	}
	if code, _, errOut := command(t, "people", "erase", "--config", config); code != exitUsage || !strings.Contains(errOut, "--number") {
		t.Errorf("erase nobody: exit %d, %s", code, errOut)
	}
	for name, text := range map[string]string{"empty": "", "no contact": "nome;cognome\n"} {
		if code, _, errOut := command(t, "people", "import", write(t, filepath.Join(dir, "bad.csv"), text), "--config", config); code != exitRefused || !strings.Contains(errOut, "first line names the columns") {
			t.Errorf("%s: exit %d, %s", name, code, errOut)
		}
	}
}

// TestAnImportThatIsKilledLosesNothingItTold kills the command in the middle
// and compares what it told with what is stored.
func TestAnImportThatIsKilledLosesNothingItTold(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	const rows = 60_000
	var text strings.Builder
	text.WriteString("phone,areas\n")
	for i := range rows {
		fmt.Fprintf(&text, "+39333%07d,*\n", i)
	}
	file := write(t, filepath.Join(dir, "list.csv"), text.String())
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut record
	cmd := exec.CommandContext(ctx, bin, "people", "import", file, "--config", config, "--json")
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(out.String(), `"rows":20000`) && ctx.Err() == nil {
		<-tick.C
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	told := 0
	for line := range strings.Lines(out.String()) {
		var so struct{ Added int }
		if json.Unmarshal([]byte(line), &so) == nil {
			told = max(told, so.Added)
		}
	}
	if told < 10_000 || told >= rows {
		t.Fatalf("killed after %d were told\n%s", told, errOut.String())
	}
	var got struct{ Rows, Added, Unchanged, Changed, Refused, Line int }
	code, said := exitUnreachable, ""
	for range 20 { // the killed one's server may still be ending: the command says to run it again
		if code, said, _ = command(t, "people", "import", file, "--config", config, "--json"); code != exitUnreachable {
			break
		}
	}
	if code != exitDone {
		t.Fatalf("again: exit %d", code)
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil || got.Unchanged < told || got.Added+got.Unchanged != rows {
		t.Errorf("of %d told there are %+v, %v", told, got, err)
	}
}
