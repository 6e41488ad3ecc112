package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
)

// Eight doors: four kinds of readers, each with and without exercises.
var doors = []string{"public-real", "public-drill", "staff-real", "staff-drill", "addressees-real", "addressees-drill", "machines-real", "machines-drill"}

// invited are the doors that a Private alert of the table names.
var invited = []string{"addressees-real", "addressees-drill", "public-real"}

// aRole is one key of the table. What it may do is written here once more, in
// words that the program does not read.
type aRole struct {
	flags                                string
	sends, decides, issues, alone, drill bool // drill: exercises and tests only
	upToModerate                         bool
}

var roles = map[string]aRole{
	"reader":        {flags: "--can read --status ALL"},
	"author":        {flags: "--can submit --status ALL", sends: true},
	"approver":      {flags: "--can approve --status ALL", decides: true},
	"both":          {flags: "--can submit,approve --status ALL", sends: true, decides: true},
	"issuer":        {flags: "--can issue --status ALL", sends: true, issues: true},
	"station":       {flags: "--can issue --self-approve --status ALL", sends: true, issues: true, alone: true},
	"school":        {flags: "--can issue,approve --self-approve", sends: true, decides: true, issues: true, alone: true, drill: true},
	"office":        {flags: "--can issue,approve --self-approve --severity-max Moderate --status ALL", sends: true, decides: true, issues: true, alone: true, upToModerate: true},
	"schoolteacher": {flags: "--can submit", sends: true, drill: true},
}

// allowed: within the limits of the role.
func (r aRole) allowed(status, severity string) bool {
	if r.drill && status != "Exercise" && status != "Test" {
		return false
	}
	return !r.upToModerate || (severity != "Extreme" && severity != "Severe")
}

// weighs: it takes two people, in earnest or as an exercise on real channels.
func weighs(status, severity string) bool {
	return slices.Contains([]string{"Actual", "Exercise", "Test"}, status) && (severity == "Extreme" || severity == "Severe")
}

// submits is the answer that a submit of a good alert must get.
func (r aRole) submits(status, severity string) int {
	serious := weighs(status, severity)
	switch {
	case !r.sends || !r.allowed(status, severity):
		return http.StatusForbidden
	case !r.issues || serious && !r.alone:
		return http.StatusAccepted
	}
	return http.StatusCreated
}

// approves is the answer to an approval of what this role or another one wrote.
func (r aRole) approves(status, severity string, own bool) int {
	serious := weighs(status, severity)
	if !r.decides || !r.allowed(status, severity) || own && serious {
		return http.StatusForbidden
	}
	return http.StatusOK
}

// reaches are the doors by which an alert may leave.
func reaches(status, scope string) []string {
	var out []string
	for _, door := range doors {
		readers, kind, _ := strings.Cut(door, "-")
		fits := map[string]bool{
			"Public":     true,
			"Restricted": readers == "staff",
			"Private":    slices.Contains(invited, door),
		}[scope]
		switch status {
		case "Exercise", "Test":
			fits = fits && kind == "drill"
		case "System":
			fits = fits && readers == "machines"
		case "Draft":
			fits = false
		}
		if fits {
			out = append(out, door)
		}
	}
	return out
}

// table is a gateway with the eight doors and a key for each role.
func table(t *testing.T) (*station, map[string]string) {
	needRedis(t)
	var channels strings.Builder
	for _, door := range doors {
		readers, kind, _ := strings.Cut(door, "-")
		fmt.Fprintf(&channels, "  - {name: %s, kind: outbox, readers: %s, exercise: %t}\n", door, readers, kind == "drill")
	}
	dir, config := settle(t, channels.String())
	s := open(t, dir, config)
	keys := map[string]string{}
	for name, role := range roles {
		keys[name] = secretOf(t, s.key(t, name, strings.Fields(strings.ReplaceAll(role.flags, "ALL", "Actual,Exercise,System,Test,Draft"))...))
	}
	return s, keys
}

// tabled writes an alert in a place of its own, so that none stands in the
// shadow of another.
func tabled(n int, status, scope, severity string, ends time.Time, area string) []byte {
	more := map[string]string{"Restricted": "<restriction>volontari</restriction>", "Private": "<addresses>" + strings.Join(invited, " ") + "</addresses>"}[scope]
	if area != "" {
		area = "<area><areaDesc>Borgo " + area + "</areaDesc><geocode><valueName>ISTAT</valueName><value>" + area + "</value></geocode></area>"
	}
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>table-%d</identifier><sender>protezione.civile@comune.valdemo.example</sender><sent>%s</sent>
<status>%s</status><msgType>Alert</msgType><scope>%s</scope>%s<info><language>it-IT</language><category>Met</category><event>Piena</event><urgency>Immediate</urgency>
<severity>%s</severity><certainty>Likely</certainty><expires>%s</expires><headline>Piena in arrivo</headline>%s</info></alert>`,
		n, alerts.FormatTime(time.Now()), status, scope, more, severity, alerts.FormatTime(ends), area)
}

type tabledAlert struct {
	ID       alerts.ID     `json:"id"`
	Event    alerts.ID     `json:"event"`
	State    alerts.State  `json:"state"`
	Digest   alerts.Digest `json:"digest"`
	Channels []string      `json:"channels"`
}

func (s *station) decide(t testing.TB, key string, id alerts.ID, act string, body map[string]string) reply {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return s.ask(t, http.MethodPost, "/api/v1/alerts/"+string(id)+"/"+act, key, "application/json", b)
}

// Status x scope x severity x role x channel, each through the API, against
// what this file says.
func TestWhoMaySendWhatWhere(t *testing.T) {
	s, keys := table(t)
	later, n := time.Now().Add(6*time.Hour), 0
	for _, status := range []string{"Actual", "System", "Draft", "Exercise", "Test"} {
		for _, severity := range []string{"Extreme", "Severe", "Moderate", "Minor", "Unknown"} {
			for name, role := range roles {
				for _, scope := range []string{"Public", "Restricted", "Private"} {
					n++
					what := fmt.Sprintf("%s of %s, %s, by %s", status, severity, scope, name)
					r := s.submit(t, keys[name], tabled(n, status, scope, severity, later, fmt.Sprint(100000+n)))
					want := role.submits(status, severity)
					if r.status != want {
						t.Fatalf("%s: %d, want %d\n%s", what, r.status, want, r.body)
					}
					if want == http.StatusForbidden {
						continue
					}
					var a tabledAlert
					r.decode(t, &a)
					s.ask(t, http.MethodGet, "/api/v1/alerts/"+string(a.ID), keys["reader"], "", nil).decode(t, &a)
					if got, want := slices.Sorted(slices.Values(a.Channels)), slices.Sorted(slices.Values(reaches(status, scope))); !slices.Equal(got, want) {
						t.Errorf("%s: leaves by %v, want %v", what, got, want)
					}
					if published := want == http.StatusCreated; a.State.Published() != published {
						t.Errorf("%s: state %s, published %t", what, a.State, published)
					}
				}
				for sentence, message := range map[string][]byte{
					"without an area": tabled(n+1, status, "Public", severity, later, ""),
					"that is over":    tabled(n+2, status, "Public", severity, time.Now().Add(-time.Minute), fmt.Sprint(100000+n)),
				} {
					want := http.StatusUnprocessableEntity
					if role.submits(status, severity) == http.StatusForbidden {
						want = http.StatusForbidden
					}
					if r := s.submit(t, keys[name], message); r.status != want {
						t.Errorf("%s of %s by %s %s: %d, want %d\n%s", status, severity, name, sentence, r.status, want, r.body)
					}
				}
				n += 2
			}
		}
	}
	if n < 900 {
		t.Errorf("only %d alerts were tried", n)
	}
}

// Every role tries to approve what every writer wrote: the author never
// releases an Actual of Severe or above.
func TestWhoMayReleaseWhat(t *testing.T) {
	s, keys := table(t)
	later, n, released := time.Now().Add(6*time.Hour), 0, 0
	for _, status := range []string{"Actual", "System", "Draft", "Exercise", "Test"} {
		for _, severity := range []string{"Extreme", "Severe", "Moderate"} {
			for _, writer := range []string{"author", "both"} {
				for name, role := range roles {
					n++
					r := s.submit(t, keys[writer], tabled(n, status, "Public", severity, later, fmt.Sprint(100000+n)))
					if r.status != http.StatusAccepted {
						t.Fatalf("submit: %d %s", r.status, r.body)
					}
					var a tabledAlert
					r.decode(t, &a)
					what := fmt.Sprintf("%s of %s by %s, approved by %s", status, severity, writer, name)
					if r := s.decide(t, keys[name], a.ID, "issue-alone", map[string]string{"digest": string(a.Digest), "reason": "nobody is there"}); r.status != http.StatusForbidden {
						t.Errorf("%s: issued alone at once: %d %s", what, r.status, r.body)
					}
					r = s.decide(t, keys[name], a.ID, "approve", map[string]string{"digest": string(a.Digest)})
					if want := role.approves(status, severity, name == writer); r.status != want {
						t.Errorf("%s: %d, want %d\n%s", what, r.status, want, r.body)
					}
					s.ask(t, http.MethodGet, "/api/v1/alerts/"+string(a.ID), keys["reader"], "", nil).decode(t, &a)
					if a.State.Published() != (r.status == http.StatusOK) {
						t.Errorf("%s: answered %d, and it is %s", what, r.status, a.State)
					}
					if a.State.Published() {
						released++
					}
				}
			}
		}
	}
	if released < 20 {
		t.Errorf("only %d were released", released)
	}
}

// The other rules that no route may let by.
func TestNoRouteLetsARuleBy(t *testing.T) {
	s, keys := table(t)
	later := time.Now().Add(6 * time.Hour)
	wait := func(n int, severity string, ends time.Time) tabledAlert {
		t.Helper()
		r := s.submit(t, keys["author"], tabled(n, "Actual", "Public", severity, ends, fmt.Sprint(200000+n)))
		if r.status != http.StatusAccepted {
			t.Fatalf("submit: %d %s", r.status, r.body)
		}
		var a tabledAlert
		r.decode(t, &a)
		return a
	}
	timeline := func(id alerts.ID) string {
		return string(s.ask(t, http.MethodGet, "/api/v1/alerts/"+string(id)+"/timeline", keys["reader"], "", nil).body)
	}

	t.Run("two approvers at once release once", func(t *testing.T) {
		for n := range 10 {
			a := wait(n, "Severe", later)
			var all sync.WaitGroup
			var answers [8]int
			for i := range answers {
				all.Go(func() {
					body := fmt.Appendf(nil, `{"digest":%q}`, a.Digest)
					r, err := tell(t.Context(), http.MethodPost, s.Public+"/api/v1/alerts/"+string(a.ID)+"/approve", keys[[]string{"approver", "both"}[i%2]], "application/json", body)
					if err != nil {
						t.Error(err)
					}
					answers[i] = r.status
				})
			}
			all.Wait()
			for _, got := range answers {
				if got != http.StatusOK && got != http.StatusConflict {
					t.Errorf("an approver was answered %d", got)
				}
			}
			if n := strings.Count(timeline(a.ID), `"approved"`); n != 1 || !slices.Contains(answers[:], http.StatusOK) {
				t.Errorf("released %d times, answers %v", n, answers)
			}
		}
	})
	t.Run("what was sent in meanwhile must be read", func(t *testing.T) {
		a := wait(50, "Severe", later)
		if r := s.decide(t, keys["approver"], a.ID, "approve", map[string]string{"digest": strings.Repeat("0", 64)}); r.status != http.StatusConflict {
			t.Errorf("another digest: %d %s", r.status, r.body)
		}
		if r := s.submit(t, keys["author"], tabled(50, "Actual", "Public", "Extreme", later, "200050")); r.status != http.StatusConflict {
			t.Errorf("the same identifier with other content: %d", r.status)
		}
	})
	t.Run("what has expired while it waited stays", func(t *testing.T) {
		ends := time.Now().Add(1500 * time.Millisecond).Truncate(time.Second).Add(time.Second)
		a := wait(60, "Severe", ends)
		eventually(t, "it ends", func() bool { return time.Now().After(ends) })
		if r := s.decide(t, keys["approver"], a.ID, "approve", map[string]string{"digest": string(a.Digest)}); r.status != http.StatusUnprocessableEntity {
			t.Errorf("approved after its end: %d %s", r.status, r.body)
		}
	})
	t.Run("a school extends, cancels, resumes and reviews nothing real", func(t *testing.T) {
		a := wait(70, "Severe", later)
		if r := s.decide(t, keys["approver"], a.ID, "approve", map[string]string{"digest": string(a.Digest)}); r.status != http.StatusOK {
			t.Fatalf("approve: %d %s", r.status, r.body)
		}
		for act, body := range map[string]map[string]string{
			"cancel": {"reason": "x"}, "all-clear": {"reason": "x"}, "review": {"reason": "x"},
			"extend": {"reason": "x", "expires": alerts.FormatTime(later.Add(time.Hour))},
		} {
			body["digest"] = string(a.Digest)
			for _, name := range []string{"school", "schoolteacher", "reader"} {
				if r := s.decide(t, keys[name], a.ID, act, body); r.status != http.StatusForbidden {
					t.Errorf("%s by %s: %d %s", act, name, r.status, r.body)
				}
			}
		}
	})
}

// A real alert ends the exercise at once, and the way through extending,
// cancelling and resuming it.
func TestARealAlertSuspendsTheExerciseAtOnce(t *testing.T) {
	s, keys := table(t)
	later := time.Now().Add(6 * time.Hour)
	var drill, real, next tabledAlert
	s.submit(t, keys["school"], tabled(1, "Exercise", "Public", "Severe", later, "300001")).decode(t, &drill)
	if drill.State != alerts.StateIssued {
		t.Fatalf("the exercise is %s", drill.State)
	}
	s.submit(t, keys["station"], tabled(2, "Actual", "Public", "Severe", later, "300002")).decode(t, &real)
	timeline := func(id alerts.ID) string {
		return string(s.ask(t, http.MethodGet, "/api/v1/alerts/"+string(id)+"/timeline", keys["reader"], "", nil).body)
	}
	eventually(t, "the exercise is suspended", func() bool { return strings.Contains(timeline(drill.Event), `"suspended"`) })
	view := s.ask(t, http.MethodGet, "/api/v1/alerts/"+string(drill.Event), keys["reader"], "", nil)
	if text := string(view.body); !strings.Contains(text, `"change":"cancelled"`) || !strings.Contains(text, "sospesa") || !strings.Contains(text, `"status":"Exercise"`) {
		t.Errorf("the exercise ended as %s", text)
	}
	eventually(t, "somebody is rung", func() bool { return s.metric(t, `martinella_rings_total{why="exercise-suspended"}`) == 1 })
	if r := s.submit(t, keys["school"], tabled(3, "Exercise", "Public", "Severe", later, "300002")); r.status != http.StatusCreated {
		t.Errorf("an exercise beside a real alert: %d %s", r.status, r.body)
	}

	key := s.key(t, "duty", "--can", "approve", "--status", "Actual")
	must(t, "extend", string(real.ID), "--until", "+9h", "--reason", "still rising", "--url", s.Public, "--key-file", key)
	s.ask(t, http.MethodGet, "/api/v1/alerts/"+string(real.Event), keys["reader"], "", nil).decode(t, &next)
	if next.ID == real.ID || next.Event != real.Event || next.State != alerts.StateIssued {
		t.Fatalf("extended to %+v", next)
	}
	r := s.decide(t, keys["approver"], next.ID, "cancel", map[string]string{"digest": string(next.Digest), "reason": "the wrong town"})
	if r.status != http.StatusCreated {
		t.Fatalf("cancel: %d %s", r.status, r.body)
	}
	r.decode(t, &next)
	if got := s.metric(t, `martinella_rings_total{why="cancelled"}`); got != 1 {
		t.Errorf("the office was rung %v times", got)
	}
	for range 2 {
		r = s.decide(t, keys["approver"], next.ID, "resume", map[string]string{"digest": string(next.Digest)})
		if r.status != http.StatusCreated && r.status != http.StatusOK {
			t.Fatalf("resume: %d %s", r.status, r.body)
		}
	}
	var again struct {
		Event   alerts.ID `json:"event"`
		Resumes alerts.ID `json:"resumes"`
	}
	s.ask(t, http.MethodGet, r.header.Get("Location"), keys["reader"], "", nil).decode(t, &again)
	if again.Resumes != real.Event || again.Event == real.Event {
		t.Errorf("resumed as %+v", again)
	}
}
