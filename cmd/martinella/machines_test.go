//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/channels/channeltest"
)

// machineFaults is how often each machine is lost: four times in make chaos, and
// TEST_FAULTS times where that says so.
func machineFaults(t testing.TB) int {
	if text := os.Getenv("TEST_FAULTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("TEST_FAULTS is %q", text)
		}
		return n
	}
	if os.Getenv("TEST_CHAOS") == "" {
		t.Skip("SKIP: the loss of machines is tested by make chaos (TEST_CHAOS=1)")
	}
	return 4
}

// TestKilledOrCutOffMachinesLoseNothing runs two gateways, a Redis with a
// replica and three sentinels on machines of their own. While alerts come in and
// text messages go out, one machine after the other is killed or cut off the
// network, and comes back. What was accepted is kept once and is posted to a
// webhook under one identity. Nobody gets the text message of a Moderate alert
// twice; one of a Severe alert that nobody can tell the fate of is sent once more.
func TestKilledOrCutOffMachinesLoseNothing(t *testing.T) {
	needRedis(t)
	faults := machineFaults(t)
	if !inOwnNetwork(t) {
		return
	}
	town := newMachines(t)
	town.load(2)
	roles := []string{"gateway A", "gateway B", "primary", "replica", "sentinel"}
	resumed := map[string][]time.Duration{}
	for round := range faults {
		rand.Shuffle(len(roles), func(i, j int) { roles[i], roles[j] = roles[j], roles[i] })
		for i, role := range roles {
			how := []string{"killed", "cut off"}[(round+i)%2]
			town.whole()
			code := town.fanOut([]string{"Moderate", "Severe"}[rand.N(2)]) // the fault comes in the midst of one
			m := town.playing(role)
			begun := time.Now()
			if how == "killed" {
				m.kill()
			} else {
				m.cut()
			}
			accepted, posted := town.resumed(begun)
			resumed[role+" "+how] = append(resumed[role+" "+how], accepted)
			t.Logf("%s: %s (%s) %s at %s: the next alert is accepted after %v, posted after %v", code, role, m.name, how, begun.Format(clockForm), accepted.Round(time.Millisecond), posted.Round(time.Millisecond))
			if role == "primary" {
				town.promoted(m)
			}
			pauseFor(rand.N(3 * time.Second)) // a short outage, or one that everybody has noticed
			if how == "killed" {
				m.start()
			} else {
				m.join()
			}
		}
	}
	town.whole()
	town.stopLoad()
	town.check()
	for _, what := range slices.Sorted(maps.Keys(resumed)) {
		all := resumed[what]
		slices.Sort(all)
		t.Logf("%-20s %2d times; an alert is accepted again after %v (median), %v (longest)", what, len(all), all[len(all)/2].Round(time.Millisecond), all[len(all)-1].Round(time.Millisecond))
	}
}

const clockForm = "15:04:05.000"

func pauseFor(d time.Duration) { <-time.After(d) }

const (
	redisPort, sentinelPort, gatewayPort = "6379", "26379", "8080"

	phones    = 40 // of subscribers
	perSecond = 40 // text messages
)

// machines is the town hall's machine room.
type machines struct {
	t         *testing.T
	a, b      *machine
	stores    []*machine // Redis: one is primary
	sentinels []*machine
	config    string // of gateway A
	key       string

	stop context.CancelFunc
	all  sync.WaitGroup

	mu       sync.Mutex
	taken    map[string]*accepted         // by identifier
	posts    map[alerts.ID]map[string]int // identities of posts, and how often each came
	postedAt map[alerts.ID]time.Time
	texts    map[string]map[string][]string // code of an alert: number: when
	wrong    []string
	number   int
	alone    int // answers that a replica does not have it yet
}

// accepted is an alert that a gateway accepted.
type accepted struct {
	id         alerts.ID
	code       string // in its text message; "": it has none
	severity   string
	begun, at  time.Time
	replicated bool
}

func newMachines(t *testing.T) *machines {
	w := &machines{t: t, taken: map[string]*accepted{}, posts: map[alerts.ID]map[string]int{}, postedAt: map[alerts.ID]time.Time{}, texts: map[string]map[string][]string{}}
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	n := newNetwork(t)
	for i, name := range []string{"redis 1", "redis 2"} {
		m := n.machine(name, 21+i)
		m.args = []string{"redis-server", "--port", redisPort, "--bind", "0.0.0.0", "--protected-mode", "no", "--dir", t.TempDir(), "--save", "", "--appendonly", "yes", "--appendfsync", "always",
			"--repl-diskless-sync-delay", "0", "--repl-timeout", "5", "--repl-ping-replica-period", "1", "--maxmemory-policy", "noeviction"}
		if i > 0 {
			m.args = append(m.args, "--replicaof", w.stores[0].addr, redisPort)
		}
		m.start()
		w.stores = append(w.stores, m)
		eventually(t, name+" answers", func() bool { return m.redis(redisPort, "ping") == "PONG" })
	}
	var watch []string
	for i := range 3 {
		m := n.machine(fmt.Sprintf("sentinel %d", i+1), 31+i)
		file := write(t, filepath.Join(t.TempDir(), "sentinel.conf"), fmt.Sprintf("port %s\nbind 0.0.0.0\nprotected-mode no\nsentinel monitor main %s %s 2\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 3000\n", sentinelPort, w.stores[0].addr, redisPort))
		m.args = []string{"redis-server", file, "--sentinel"}
		m.start()
		w.sentinels, watch = append(w.sentinels, m), append(watch, m.addr+":"+sentinelPort)
	}
	w.a, w.b = n.machine("gateway A", 11), n.machine("gateway B", 12)
	receiver, smsc := w.receiver(), w.smsc()
	secrets := t.TempDir()
	password, signing := write(t, filepath.Join(secrets, "smpp"), "secret"), write(t, filepath.Join(secrets, "whsec"), "whsec_c3RvcnkgdGVzdCBzZWNyZXQgb2YgdmFsZGVtbyE=")
	for i, m := range []*machine{w.a, w.b} {
		dir, config := settle(t, "")
		data := filepath.Join(dir, "data")
		write(t, config, fmt.Sprintf(`mode: live
authority: {slug: valdemo, name: Protezione Civile - Comune di Valdemo, sender: protezione.civile@comune.valdemo.example}
listen: %s:%s
admin_listen: %s:9090
public_url: https://allerte.valdemo.example
data: %s
redis:
  min_replicas: 1
  sentinel: {master: main, addresses: ["%s"]}
limits: {key_rate: -1}
channels:
  - {name: press, kind: webhook, url: "%s", secret_file: %s}
  - {name: sms, kind: smpp, addr: "%s", system_id: gw, password_file: %s, source: "Valdemo", rate: %d}
`, m.addr, gatewayPort, m.addr, data, strings.Join(watch, `", "`), receiver, signing, smsc, password, perSecond))
		if i == 0 {
			w.config = config
			var list strings.Builder
			list.WriteString("telefono;area;categoria\n")
			for i := range phones {
				fmt.Fprintf(&list, "+39333%06d1;099999;cittadini\n", i)
			}
			w.whole()
			must(t, "people", "import", write(t, filepath.Join(dir, "list.csv"), list.String()), "--config", config, "--audience", "public")
			file := filepath.Join(secrets, "key")
			must(t, "keys", "create", "--config", config, "--name", "load", "--can", "issue,read", "--self-approve", "--status", "Actual", "--out", file)
			w.key = secretOf(t, file)
		} else { // the contacts in the store are sealed with the key file
			if err := makeData(data); err != nil {
				t.Fatal(err)
			}
			first, err := loadConfigOf(shell{getenv: noEnv}, w.config, nil)
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(first.Data, "key"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(data, "key"), string(b))
		}
		m.args = []string{bin, "serve", "--config", config}
		m.start()
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, m := range []*machine{w.a, w.b} {
				t.Logf("%s:\n%s", m.name, tail(m.complaints()))
			}
		}
	})
	return w
}

// receiver takes the posts of the webhook.
func (w *machines) receiver() (address string) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var post struct {
			Data struct {
				ID alerts.ID `json:"id"`
			} `json:"data"`
		}
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || json.Unmarshal(body, &post) != nil || post.Data.ID == "" {
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.posts[post.Data.ID] == nil {
			w.posts[post.Data.ID], w.postedAt[post.Data.ID] = map[string]int{}, time.Now()
		}
		w.posts[post.Data.ID][r.Header.Get("Webhook-Id")]++
	}))
	l, err := net.Listen("tcp", atSwitch+":0")
	if err != nil {
		w.t.Fatal(err)
	}
	s.Listener = l
	s.Start()
	w.t.Cleanup(s.Close)
	return s.URL
}

var codeInText = regexp.MustCompile(`K\d{5}`)

// smsc runs a foreign SMSC at the switch.
func (w *machines) smsc() (address string) {
	cmd := exec.Command("node", filepath.Join(channeltest.Peers(w.t), "smsc.js"), "--receipt", "none")
	in, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	var ready struct{ Port int }
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &ready) != nil || ready.Port == 0 {
		w.t.Fatalf("the SMSC says %q", lines.Text())
	}
	go func() {
		for lines.Scan() {
			var line sent
			if json.Unmarshal(lines.Bytes(), &line) != nil || line.Submit == 0 || line.Status != 0 {
				continue
			}
			code := codeInText.FindString(line.Text)
			w.mu.Lock()
			if w.texts[code] == nil {
				w.texts[code] = map[string][]string{}
			}
			w.texts[code][line.Dst] = append(w.texts[code][line.Dst], time.Now().Format(clockForm))
			w.mu.Unlock()
		}
	}()
	l, err := net.Listen("tcp", atSwitch+":0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			peer, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ready.Port))
			if err != nil {
				c.Close()
				continue
			}
			go func() { _, _ = io.Copy(peer, c); peer.Close() }()
			go func() { _, _ = io.Copy(c, peer); c.Close() }()
		}
	}()
	return l.Addr().String()
}

// primary is the Redis that the sentinels agree on, nil where they do not.
func (w *machines) primary() *machine {
	votes := map[string]int{}
	for _, s := range w.sentinels {
		at, _, _ := strings.Cut(s.redis(sentinelPort, "sentinel", "get-master-addr-by-name", "main"), "\n")
		votes[at]++
	}
	for _, m := range w.stores {
		if votes[m.addr] >= 2 && strings.Contains(m.redis(redisPort, "info", "replication"), "role:master") {
			return m
		}
	}
	return nil
}

func (w *machines) playing(role string) *machine {
	switch role {
	case "gateway A":
		return w.a
	case "gateway B":
		return w.b
	case "sentinel":
		return w.sentinels[rand.N(len(w.sentinels))]
	}
	p := w.primary()
	if p == nil {
		w.t.Fatal("there is no primary")
	}
	for _, m := range w.stores {
		if (m == p) == (role == "primary") {
			return m
		}
	}
	return nil
}

// promoted waits until another Redis than that one is primary.
func (w *machines) promoted(lost *machine) {
	w.t.Helper()
	eventually(w.t, "another Redis is primary", func() bool { p := w.primary(); return p != nil && p != lost })
}

var followsText = regexp.MustCompile(`(?m)^slave\d+:ip=[\d.]+,port=\d+,state=online,`)

// whole waits until every machine does its part: only one is lost at a time.
func (w *machines) whole() {
	w.t.Helper()
	eventually(w.t, "the sentinels agree, know each other, and a replica follows", func() bool {
		p := w.primary()
		if p == nil || len(followsText.FindAllString(p.redis(redisPort, "info", "replication"), -1)) != len(w.stores)-1 {
			return false
		}
		for _, s := range w.sentinels {
			state := strings.Split(s.redis(sentinelPort, "sentinel", "master", "main"), "\n")
			at := func(field string) string {
				if i := slices.Index(state, field); i >= 0 && i+1 < len(state) {
					return state[i+1]
				}
				return ""
			}
			if at("flags") != "master" || at("ip") != p.addr || at("num-other-sentinels") != "2" || at("num-slaves") != "1" || !strings.Contains(s.redis(sentinelPort, "sentinel", "ckquorum", "main"), "OK") {
				return false
			}
		}
		return true
	})
	if w.key == "" {
		return
	}
	for _, m := range []*machine{w.a, w.b} {
		said, until := "", time.Now().Add(patience)
		for !strings.Contains(said, `"ready":true`) || !strings.Contains(said, `"guarantee":"replicated"`) {
			if time.Now().After(until) {
				w.t.Fatalf("%s does not promise that a replica has what it accepts: %s", m.name, said)
			}
			ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
			r, err := tell(ctx, http.MethodGet, "http://"+m.addr+":9090/readyz", "", "", nil)
			cancel()
			said = fmt.Sprintf("%v %d %s", err, r.status, r.body)
			pauseFor(20 * time.Millisecond)
		}
	}
}

func (w *machines) site(m *machine) string { return "http://" + m.addr + ":" + gatewayPort }

// load lets senders submit alerts that only the webhook gets, until stopLoad.
func (w *machines) load(workers int) {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stop = cancel
	for range workers {
		w.all.Go(func() {
			for ctx.Err() == nil {
				w.submit(ctx, "")
				select {
				case <-ctx.Done():
				case <-time.After(200 * time.Millisecond):
				}
			}
		})
	}
}

func (w *machines) stopLoad() {
	w.stop()
	w.all.Wait()
}

// fanOut submits an alert for every telephone, and returns while its text
// messages leave.
func (w *machines) fanOut(severity string) (code string) {
	w.t.Helper()
	one := w.submit(w.t.Context(), severity)
	if one == nil {
		w.t.Fatal("an alert for telephones was not accepted")
	}
	eventually(w.t, "text messages leave", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.texts[one.code]) > 0
	})
	pauseFor(rand.N(700 * time.Millisecond))
	return one.code
}

// submit tries both gateways in turn, until one accepts; while no replica has
// the alert it asks again for a second, as a careful sender would. Without a
// severity the alert is for the webhook alone.
func (w *machines) submit(ctx context.Context, severity string) *accepted {
	w.mu.Lock()
	w.number++
	code := fmt.Sprintf("K%05d", w.number)
	w.mu.Unlock()
	identifier := "machine-" + ulid.Make().String()
	text := strings.Replace(string(fixture(w.t)), "<headline>", "<headline>"+code+" ", 1)
	if severity == "" {
		text = strings.NewReplacer("<severity>Severe", "<severity>Minor", "<value>099999", "<value>088888").Replace(text)
	} else {
		text = strings.Replace(text, "<severity>Severe", "<severity>"+severity, 1)
	}
	message := restamp([]byte(text), identifier)
	one := &accepted{begun: time.Now()}
	if severity != "" {
		one.code, one.severity = code, severity
	}
	sites := []string{w.site(w.a), w.site(w.b)}
	rand.Shuffle(2, func(i, j int) { sites[i], sites[j] = sites[j], sites[i] })
	var until time.Time // when no replica is waited for any more
	for i := 0; ; i++ {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		r, err := tell(limited, http.MethodPost, sites[i%2]+"/api/v1/alerts", w.key, capXML, message)
		cancel()
		w.mu.Lock()
		switch {
		case err != nil:
		case r.status == http.StatusCreated || r.status == http.StatusOK:
			var sub struct {
				submitted
				Replicated *bool
			}
			if json.Unmarshal(r.body, &sub) != nil || sub.ID == "" || sub.State != alerts.StateIssued || one.id != "" && one.id != sub.ID {
				w.wrong = append(w.wrong, fmt.Sprintf("%d %s", r.status, r.body))
			}
			if one.id == "" {
				one.id, one.at, until = sub.ID, time.Now(), time.Now().Add(time.Second)
				w.taken[identifier] = one
			}
			one.replicated = sub.Replicated != nil && *sub.Replicated
		case r.status != http.StatusServiceUnavailable:
			w.wrong = append(w.wrong, fmt.Sprintf("%d %s", r.status, r.body))
		}
		done := one.replicated || one.id != "" && time.Now().After(until)
		if done && !one.replicated {
			w.alone++
		}
		w.mu.Unlock()
		if done {
			return one
		}
		if ctx.Err() != nil && one.id == "" {
			return nil // nobody promised anything
		}
		pauseFor(50 * time.Millisecond)
	}
}

// resumed waits until an alert that began after the fault was accepted, and
// posted.
func (w *machines) resumed(fault time.Time) (taken, posted time.Duration) {
	w.t.Helper()
	eventually(w.t, "an alert is accepted and posted after the fault", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		taken, posted = 0, 0
		for _, one := range w.taken {
			if one.begun.Before(fault) {
				continue
			}
			if d := one.at.Sub(fault); taken == 0 || d < taken {
				taken = d
			}
			if at, there := w.postedAt[one.id]; there && (posted == 0 || at.Sub(fault) < posted) {
				posted = at.Sub(fault)
			}
		}
		return posted > 0
	})
	return taken, posted
}

// check compares what was promised with what is kept and what was sent.
func (w *machines) check() {
	t := w.t
	t.Helper()
	promises := broadcasttest.NewChecker()
	for identifier, one := range w.taken {
		promises.Acked(broadcasttest.Promise{Sender: "protezione.civile@comune.valdemo.example", Identifier: identifier, ID: one.id, Published: true})
	}
	eventually(t, "every alert was posted", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, one := range w.taken {
			if len(w.posts[one.id]) == 0 {
				return false
			}
		}
		return true
	})
	uncertain, repeated, again, sentTexts, called := 0, 0, 0, 0, 0
	for _, one := range w.taken {
		if one.code == "" {
			continue
		}
		called++
		var d broadcast.Delivery
		eventually(t, "the text messages of "+one.code+" are settled", func() bool {
			r, err := tell(t.Context(), http.MethodGet, w.site(w.a)+"/api/v1/alerts/"+string(one.id)+"/deliveries", w.key, "", nil)
			var out struct{ Channels []broadcast.Delivery }
			if err != nil || r.status != http.StatusOK || json.Unmarshal(r.body, &out) != nil {
				return false
			}
			i := slices.IndexFunc(out.Channels, func(d broadcast.Delivery) bool { return d.Channel == "sms" })
			if i < 0 {
				return false
			}
			d = out.Channels[i]
			return allOver(out.Channels)
		})
		w.mu.Lock()
		got := w.texts[one.code]
		for number, at := range got {
			if len(at) > 2 || len(at) > 1 && one.severity != "Severe" {
				t.Errorf("%s (%s): ...%s got the text message %d times: %v", one.code, one.severity, number[len(number)-4:], len(at), at)
			}
			again += len(at) - 1
		}
		if d.Accepted+d.Uncertain != phones || len(got) < d.Accepted || len(got) > d.Accepted+d.Uncertain {
			t.Errorf("%s: %d telephones got it, the records say %+v", one.code, len(got), d)
		}
		w.mu.Unlock()
		uncertain, sentTexts = uncertain+d.Uncertain, sentTexts+len(got)
	}
	for _, m := range []*machine{w.a, w.b} {
		m.end(syscall.SIGTERM)
		if text := m.log.String(); strings.Contains(text, "panic") || strings.Contains(text, "DATA RACE") {
			t.Errorf("%s:\n%s", m.name, tail(text))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.taken {
		if len(w.posts[one.id]) != 1 {
			t.Errorf("%s was posted as %v", one.id, w.posts[one.id])
		}
		for _, n := range w.posts[one.id] {
			repeated += n - 1
		}
	}
	if len(w.wrong) > 0 {
		t.Errorf("%d wrong answers, the first: %s", len(w.wrong), w.wrong[0])
	}
	c, err := loadConfigOf(shell{getenv: noEnv}, w.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := openStore(t.Context(), c, c.Redis.URL, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	verdict, err := promises.Compare(t.Context(), kept.Store(), kept.Log())
	if err != nil || !verdict.Good() {
		t.Errorf("what was promised is not what is kept: %v %v", verdict, err)
	}
	t.Logf("%s; %d answered without a replica; posts repeated under the same identity: %d; %d fan-outs reached %d telephones, %d of them once more since nobody could tell; %d uncertain", verdict, w.alone, repeated, called, sentTexts, again, uncertain)
}
