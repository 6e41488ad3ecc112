package broadcast_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/crash"
)

// TestKilledWhileTheSecondProviderCarries is faults 6 and 34 together: the first
// provider goes away in the middle of a fan-out, the second one carries on, and
// the nodes that send over it die. Whoever comes next knows over whom what is in
// doubt had left.
func TestKilledWhileTheSecondProviderCarries(t *testing.T) {
	beside(t)
	program := crashable(t)
	for name, c := range map[string]struct {
		find, findSecond bool
		severity         alerts.Severity
	}{
		"both can be asked":             {true, true, alerts.SeverityExtreme},
		"nobody can be asked, severe":   {false, false, alerts.SeveritySevere},
		"nobody can be asked, minor":    {false, false, alerts.SeverityMinor},
		"only the second one, moderate": {false, true, alerts.SeverityModerate},
	} {
		t.Run(name, func(t *testing.T) {
			people, times := 1500, 2
			if chaotic() {
				people, times = 20_000, 10
			}
			p := newPlant(t, program, 2500, c.find)
			p.second = startProvider(t, 2500, c.findSecond)
			r := p.issue(broadcasttest.NewRecord(c.severity, "sms"), people)
			first := p.node()
			p.until("the first provider carries", func() bool { return p.provider.count("issued") > people/5 })
			p.provider.down.Store(true)
			p.until("the second one carries", func() bool { return p.second.count("issued") > people/10 })
			first.kill()
			p.crashes(crash.AfterSubmit, times, people/(2*times)) // all of them together leave somebody to the node that lives
			p.until("the second one carries on", func() bool { return p.second.count("issued") > people/2 })
			p.provider.down.Store(false)
			p.over(r.ID)
			p.until("all reports are kept", func() bool { return p.provider.quiet() && p.second.quiet() })
			p.bothHonest(r, people, c.find && c.findSecond)
		})
	}
}

// inHand is how many a node has on their way at most: three workers, a window
// of fifty each.
const inHand = 150

// bothHonest compares each recipient's state with what both providers remember.
func (p *plant) bothHonest(r *alerts.Record, n int, asked bool) {
	p.t.Helper()
	states := p.ends(r.ID, n)
	urgent := r.Alert.Severity().Rank() >= alerts.SeveritySevere.Rank()
	for _, one := range []*provider{p.provider, p.second} {
		one.mu.Lock()
		defer one.mu.Unlock()
	}
	count, bySecond, doubled, unknown := map[byte]int{}, 0, 0, 0
	for o, s := range states {
		count[s]++
		key := fmt.Sprintf("%s/%d/sms/%d", r.ID, r.Revision, o)
		own, other := p.provider.taken[key], p.second.taken[key]
		taken, wrong := own+other, ""
		told := p.provider.told[key]
		if other > 0 {
			bySecond++
			told = p.second.told[key]
		}
		switch {
		case taken > 2, taken > 1 && !urgent:
			wrong = "got it too often"
		case asked && refused(key) && s == isUncertain: // by the one; the other may have it, and cannot be asked
			unknown++
		case asked && refused(key) && s != isFailed:
			wrong = "has no number and is called otherwise"
		case asked && taken == 1 && (told == "delivered") != (s == isDelivered):
			wrong = "is called otherwise than its provider tells"
		case asked && taken == 0 && !refused(key):
			wrong = "was not reached"
		case taken == 0 && (s == isAccepted || s == isDelivered):
			wrong = "was never sent anything and is called reached"
		case taken == 0 && !refused(key) && s != isUncertain:
			wrong = "was never sent anything, and nobody says so"
		case taken == 1 && s == isFailed && told != "failed":
			wrong = "was reached and is called failed"
		case taken == 2 && (s == isAccepted || s == isDelivered):
			if why := string(p.raw("HGET", "{martinella:valdemo}:why:"+string(r.ID)+":sms", strconv.Itoa(o))); !strings.Contains(why, "possible duplicate") {
				wrong = fmt.Sprintf("was doubled, and what is told is %q", why)
			}
		}
		if taken > 1 {
			doubled++
		}
		if wrong != "" {
			why := string(p.raw("HGET", "{martinella:valdemo}:why:"+string(r.ID)+":sms", strconv.Itoa(o)))
			p.t.Errorf("recipient %d %s: state %d, taken %d and %d times, report %q, told %q", o, wrong, s, own, other, told, why)
		}
	}
	// A provider that is away cannot be asked: who was in hand when it went may get
	// what is urgent twice, marked, and of them only it is unknown who was reached.
	if asked && doubled+unknown > inHand {
		p.t.Errorf("%d are doubled and of %d nobody knows, want at most the %d that were in hand", doubled, unknown, inHand)
	}
	d := p.delivery(r.ID)
	if d.Second != "backup" || d.SecondAccepted == 0 || d.SecondAccepted > bySecond || d.Accepted != count[isAccepted]+count[isDelivered] || d.Delivered != count[isDelivered] {
		p.t.Errorf("told: %+v; %d have it from the second provider, states %v", d, bySecond, count)
	}
	p.t.Logf("states %v, %d over the second provider (%d accepted), %d doubled", count, bySecond, d.SecondAccepted, doubled)
}
