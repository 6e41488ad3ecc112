package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// demonstration starts the program as `make run` does, on free ports, and gives
// the link of the first administrator once the demonstration's own exercise is
// over. The process ends with the test.
func demonstration(t testing.TB) (link string) {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "demo", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		stop := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer stop.Stop()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demonstration ended with %v", err)
		}
	})
	invitation := regexp.MustCompile(`http://\S+/console/invite/\S+`)
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if found := invitation.FindString(lines.Text()); found != "" {
			link = found
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			break
		}
	}
	if link == "" {
		t.Fatalf("no link for the first administrator:\n%s", said.String())
	}
	return link
}

// stage is one line of the story.
type stage struct {
	Step, Lost, Headline, Card, Line, Guide string
	MS, Reasons                             int
	Boards, Where, Faults                   []string
	Done                                    bool
	ToDelivered, ToCancelled                int
}

// firstExercise plays the story of two people in a browser; how long the clicking
// from two people who are in to an exercise that is delivered took.
func firstExercise(t testing.TB, scripts string) time.Duration {
	t.Helper()
	pictures := os.Getenv("TEST_PICTURES")
	if pictures == "" {
		pictures = t.TempDir()
	}
	page := browse(t, "first.mjs", demonstration(t), scripts, pictures)
	all := map[string]stage{}
	var end stage
	for !end.Done {
		end = stage{}
		page.Next(t, &end)
		if end.Lost != "" {
			t.Fatalf("%s\n%s", end.Lost, strings.Join(end.Where, "\n---\n"))
		}
		all[end.Step] = end
		t.Logf("%s after %d ms %s", end.Step, end.MS, strings.Join(end.Boards, "; "))
	}
	const drill = "ESERCITAZIONE"
	if s := all["the first administrator is in"]; !strings.Contains(s.Line, "Prima esercitazione") {
		t.Errorf("the first page does not lead to the exercise: %q", s.Line)
	}
	for _, board := range all["delivered, on both boards"].Boards {
		if !strings.HasPrefix(board, "Consegnata") || !strings.Contains(board, "4") {
			t.Errorf("the board: %s", board)
		}
	}
	shown := all["on the public page"]
	if shown.Headline == "" || !strings.Contains(shown.Card, shown.Headline) || !strings.Contains(shown.Card, drill) {
		t.Errorf("the public page lacks %q: %s", shown.Headline, shown.Card)
	}
	if !strings.Contains(shown.Guide, "consegnata") || !strings.Contains(shown.Guide, shown.Headline) {
		t.Errorf("the guide afterwards: %s", shown.Guide)
	}
	if s := all["updated"]; !strings.Contains(s.Card, "aggiornamento 1") || !strings.Contains(s.Card, "20 cm") {
		t.Errorf("the public page after the update: %s", s.Card)
	}
	if s := all["cancelled"]; !strings.Contains(s.Card, "Interrotta · Alluvione") {
		t.Errorf("the public page after the cancellation: %s", s.Card)
	}
	if len(end.Faults) > 0 {
		t.Errorf("faults: %q", end.Faults)
	}
	t.Logf("from ready to delivered: %d ms of clicking (a person has 90 s); cancelled %d ms after the first tap, %d choices between the two", end.ToDelivered, end.ToCancelled, all["cancelled"].Reasons)
	return time.Duration(end.ToDelivered) * time.Millisecond
}

// Two people with passkeys, with JavaScript, on a wide screen.
func TestTheFirstExerciseInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	needRedis(t)
	firstExercise(t, "yes")
}

// The same on a telephone without JavaScript, with password and code. It runs in
// the tier e2e.
func TestTheFirstExerciseEndToEndWithoutScripts(t *testing.T) {
	if os.Getenv("TEST_E2E") == "" {
		t.Skip("SKIP: runs with make e2e")
	}
	needRedis(t)
	firstExercise(t, "no")
}

// How long the clicks of a first exercise take, from two people who are signed in
// to everything delivered: what is left of 90 s is for reading.
func BenchmarkFirstExercise(b *testing.B) {
	needRedis(b)
	var took time.Duration
	n := 0
	for b.Loop() {
		took += firstExercise(b, "yes")
		n++
	}
	b.ReportMetric(took.Seconds()/float64(n), "s/exercise")
}
