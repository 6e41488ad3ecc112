package broadcast_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/crash"
)

// crashable is this test program, built so that it can be killed at the places
// of package crash.
func crashable(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("SKIPPED, nothing was proved: the go command is not installed")
	}
	program := filepath.Join(t.TempDir(), "node.test")
	out, err := exec.Command("go", "test", "-c", "-tags", "crashpoints", "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build with the tag crashpoints: %v\n%s", err, out)
	}
	return program
}

// crashes kills one node after another at a place, always at a pass by chance,
// and starts one at the end that lives.
func (p *plant) crashes(at crash.Point, times, passes int) {
	p.t.Helper()
	for range times {
		n := p.node(fmt.Sprintf("CRASH_AT=%s:%d", at, 1+rand.IntN(passes)))
		p.until("the node dies at "+string(at), n.dead)
		if n.cmd.ProcessState.Exited() { // it was not killed
			p.t.Fatalf("the node ended by itself at %s: %v", at, n.cmd.ProcessState)
		}
	}
	p.node()
}

// TestKilledAtEachCrashPointLosesAndDoublesNobody is faults 4 to 6: the process
// that carries a fan-out dies at a named place, again and again.
func TestKilledAtEachCrashPointLosesAndDoublesNobody(t *testing.T) {
	beside(t)
	program := crashable(t)
	for _, c := range []struct {
		at     crash.Point
		passes int // about as many as a node has before its first jobs end
	}{{crash.AfterPlan, 1}, {crash.AfterTry, 8}, {crash.AfterSubmit, 400}, {crash.AfterDone, 8}, {crash.BeforeAck, 2}} {
		t.Run(string(c.at), func(t *testing.T) {
			people, times, perSecond := 2500, 2, 2500
			if chaotic() {
				people, times, perSecond = 10_000, 10, 5000
			}
			if c.at == crash.AfterPlan { // one call plans 50,000
				if times = 1; chaotic() {
					people, times = 60_000, 2
				}
			}
			p := newPlant(t, program, perSecond, true)
			r := p.issue(broadcasttest.NewRecord(alerts.SeverityExtreme, "sms"), people)
			p.crashes(c.at, times, c.passes)
			p.over(r.ID)
			p.until("all reports are kept", p.provider.quiet)
			p.truth(r, people)
			t.Logf("killed %d times %s", times, c.at)
		})
	}
}

// TestKilledWhereNobodyCanBeAsked is fault 6 over a platform that cannot tell:
// what is less than Severe is never sent twice and left uncertain, what is
// Severe is sent once more and says so.
func TestKilledWhereNobodyCanBeAsked(t *testing.T) {
	beside(t)
	program := crashable(t)
	for name, severity := range map[string]alerts.Severity{"minor": alerts.SeverityMinor, "severe": alerts.SeveritySevere} {
		t.Run(name, func(t *testing.T) {
			const people = 1500
			p := newPlant(t, program, 2500, false)
			r := p.issue(broadcasttest.NewRecord(severity, "sms"), people)
			p.crashes(crash.AfterSubmit, 1, 300)
			p.over(r.ID)
			p.until("all reports are kept", p.provider.quiet)
			p.honest(r, people, severity.Rank() >= alerts.SeveritySevere.Rank())
		})
	}
}

// honest is [plant.truth] for a platform that cannot be asked: nobody who was
// not reached is called so, and nobody is doubled but where the policy says so
// and the state tells.
func (p *plant) honest(r *alerts.Record, n int, again bool) {
	p.t.Helper()
	states := p.ends(r.ID, n)
	p.provider.mu.Lock()
	defer p.provider.mu.Unlock()
	count, doubled := map[byte]int{}, 0
	for o, s := range states {
		count[s]++
		key := fmt.Sprintf("%s/%d/sms/%d", r.ID, r.Revision, o)
		taken, wrong := p.provider.taken[key], ""
		switch {
		case refused(key) && s != isFailed && s != isUncertain:
			wrong = "has no number and is called reached"
		case taken == 0 && !refused(key) && s != isUncertain:
			wrong = "was never sent anything, and nobody says so"
		case taken == 1 && s != isAccepted && s != isDelivered && s != isUncertain && p.provider.told[key] != "failed":
			wrong = "was reached and is called otherwise"
		case taken > 1 && !again, taken > 2:
			wrong = "got it too often"
		case taken >= 2 && (s == isAccepted || s == isDelivered):
			if why := string(p.raw("HGET", "{martinella:valdemo}:why:"+string(r.ID)+":sms", strconv.Itoa(o))); !strings.Contains(why, "possible duplicate") {
				wrong = fmt.Sprintf("was doubled, and what is told is %q", why)
			}
		}
		if taken >= 2 {
			doubled++
		}
		if wrong != "" {
			p.t.Errorf("recipient %d %s: state %d, taken %d times", o, wrong, s, taken)
		}
	}
	if again && doubled == 0 {
		p.t.Error("nobody was sent it once more: the test proves nothing")
	}
	p.t.Logf("states %v, %d sent once more", count, doubled)
}
