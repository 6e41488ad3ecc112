package broadcast_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/crash"
	"martinella/channels"
)

// postsTask is what a node of its own process is told in POSTS_NODE.
type postsTask struct{ Redis, Data, Wall string }

// TestPostsNode is no test by itself: with POSTS_NODE set, this program is a node
// that posts until it is killed.
func TestPostsNode(t *testing.T) {
	text := os.Getenv("POSTS_NODE")
	if text == "" {
		return
	}
	var task postsTask
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3) // nobody is left who could stop it
	}()
	log := zap.NewNop()
	store := openAt(t.Context(), task.Redis, task.Data, log)
	queues := broadcast.NewQueues(store)
	metrics := broadcast.NewMetrics(prometheus.NewRegistry(), []string{"wall"})
	d := &broadcast.Dispatcher{Route: broadcast.Route{Channel: &remoteWall{task.Wall}, Exercise: true}, Queues: queues, People: store.People(), Metrics: metrics, Log: log,
		Sink: &broadcast.Sink{Queues: queues, Metrics: metrics, Log: log}}
	go func() { _ = store.Run(t.Context()) }()
	_ = d.Run(t.Context())
}

// remoteWall is a platform whose readers see edits, and which can be asked.
type remoteWall struct{ addr string }

// wallCall is one request to it, and its answer.
type wallCall struct {
	Do, ID, Key, Language, Text string
	Revision                    int
	Holds                       bool
}

func (*remoteWall) Name() string { return "wall" }

func (*remoteWall) Render(r *alerts.Record) (ms []channels.Message, err error) {
	for _, info := range r.Infos() {
		ms = append(ms, channels.Message{Audience: "public", Language: info.Language, Text: fmt.Sprintf("%s r%d", r.Change, r.Revision), URL: "https://valdemo.example/a"})
	}
	return ms, nil
}

func (*remoteWall) RenderAmended(before, r *alerts.Record) (ms []channels.Message, err error) {
	for _, info := range before.Infos() {
		ms = append(ms, channels.Message{Audience: "public", Language: info.Language, Text: fmt.Sprintf("now %s: {next}", r.Change), URL: "https://valdemo.example/a"})
	}
	return ms, nil
}

func (w *remoteWall) call(ctx context.Context, do, id string, m channels.Message) (r channels.Receipt, err error) {
	body, err := json.Marshal(wallCall{Do: do, ID: id, Key: m.Key, Language: m.Language, Text: m.Text, Revision: m.Revision,
		Holds: m.Step.Posts() && m.Change != alerts.ChangeCancelled})
	if err != nil {
		return r, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.addr, bytes.NewReader(body))
	if err != nil {
		return r, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return r, channels.Uncertain(errors.New("the answer was lost"))
	}
	defer resp.Body.Close()
	var answer wallCall
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return r, channels.Uncertain(errors.New("the answer was lost"))
	}
	if answer.ID != "" {
		r = channels.Receipt{ID: answer.ID, URL: "https://wall.example/" + answer.ID}
	}
	return r, nil
}

func (w *remoteWall) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	return w.call(ctx, "send", "", m)
}

func (w *remoteWall) Edit(ctx context.Context, id string, m channels.Message) (channels.Receipt, error) {
	return w.call(ctx, "edit", id, m)
}

func (w *remoteWall) Find(ctx context.Context, m channels.Message) (channels.Receipt, bool, error) {
	r, err := w.call(ctx, "find", "", m)
	return r, r.ID != "", err
}

// wallOf is what the platform has.
type wallOf struct {
	mu    sync.Mutex
	posts map[string]*wallPost
	wrong []string
}

type wallPost struct {
	key, language, text string
	holds               bool
	wrote               []int
}

func (w *wallOf) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var c wallCall
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		w.wrong = append(w.wrong, err.Error())
	}
	switch c.Do {
	case "send":
		c.ID = fmt.Sprintf("p%d", len(w.posts)+1)
		w.posts[c.ID] = &wallPost{c.Key, c.Language, c.Text, c.Holds, []int{c.Revision}}
	case "edit":
		p := w.posts[c.ID]
		if p == nil || p.language != c.Language {
			w.wrong = append(w.wrong, fmt.Sprintf("%s changes %q, which is another one", c.Key, c.ID))
			break
		}
		p.text, p.holds = c.Text, c.Holds
		p.wrote = append(p.wrote, c.Revision)
	case "find":
		for id, p := range w.posts {
			if p.key == c.Key {
				c.ID = id
			}
		}
	}
	_ = json.NewEncoder(rw).Encode(c) // whoever asked may be dead
}

// poster starts a node that posts.
func (p *plant) poster(wall, at string) *nodeProcess {
	p.t.Helper()
	p.count++
	task, err := json.Marshal(postsTask{Redis: "unix://" + p.socket, Data: p.dir, Wall: wall})
	if err != nil {
		p.t.Fatal(err)
	}
	n := &nodeProcess{done: make(chan struct{}), log: filepath.Join(p.dir, fmt.Sprintf("node%d.log", p.count))}
	n.cmd = exec.Command(p.program, "-test.run=^TestPostsNode$", "-test.timeout=15m")
	n.cmd.Env = append(os.Environ(), "POSTS_NODE="+string(task), "CRASH_AT="+at)
	stdin, err := n.cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		defer close(n.done)
		_ = n.cmd.Wait() // killed
		_ = stdin.Close()
	}()
	p.t.Cleanup(n.kill)
	return n
}

// TestKilledAtEachCrashPointPostsOnce lets the node that posts die at every
// place, at each revision of an event again: no post is doubled, every post tells
// in the end what became of it, and what is kept of them is right.
func TestKilledAtEachCrashPointPostsOnce(t *testing.T) {
	beside(t)
	program := crashable(t)
	for _, at := range []crash.Point{crash.AfterPlan, crash.AfterTry, crash.AfterSubmit, crash.AfterDone, crash.BeforeAck} {
		t.Run(string(at), func(t *testing.T) {
			beside(t)
			p := newPlant(t, program, 1000, true)
			wall := &wallOf{posts: map[string]*wallPost{}}
			server := httptest.NewServer(wall)
			defer server.Close()
			q, err := p.store.Queue(t.Context(), "wall")
			if err != nil {
				t.Fatal(err)
			}
			queues := broadcast.NewQueues(p.store)
			route := broadcast.Route{Channel: &remoteWall{server.URL}, Exercise: true}
			town := &gateway{store: p.store, planner: &broadcast.Planner{Routes: []broadcast.Route{route}, Records: p.store.Store(), People: p.store.People(),
				Store: p.store, Work: p.store, Queues: queues, Language: "it", Log: zap.NewNop()}}
			say := func(r *alerts.Record, severity alerts.Severity) *alerts.Record {
				r.Alert.Infos = append(r.Alert.Infos, r.Alert.Infos[0])
				r.Alert.Infos[1].Language = "en-GB"
				for i := range r.Alert.Infos {
					r.Alert.Infos[i].Severity = severity
				}
				return town.issue(t, r)
			}
			first := say(broadcasttest.NewRecord(alerts.SeverityMinor, "wall"), alerts.SeverityMinor)
			revisions := []*alerts.Record{first}
			done := func(r *alerts.Record) bool {
				d := p.delivery(r.ID)
				return d.Total > 0 && d.State != "queued" && d.State != "sending" && d.State != "retrying"
			}
			last, killed := first, 0
			for _, next := range []func() *alerts.Record{
				func() *alerts.Record {
					return say(broadcasttest.Revise(last, alerts.ChangeUpdated), alerts.SeveritySevere)
				},
				func() *alerts.Record { // a correction: the same end
					r := broadcasttest.Revise(last, alerts.ChangeUpdated)
					r.Alert.Infos[0].Expires, r.Alert.Infos[0].Headline = last.Alert.Infos[0].Expires, "Temporali"
					return say(r, alerts.SeveritySevere)
				},
				func() *alerts.Record {
					return say(broadcasttest.Revise(last, alerts.ChangeCancelled), alerts.SeveritySevere)
				},
				nil,
			} {
				pass := 1
				if killed > 0 && (at == crash.AfterTry || at == crash.AfterSubmit) {
					pass += rand.IntN(4)
				}
				n := p.poster(server.URL, fmt.Sprintf("%s:%d", at, pass))
				p.until("the node dies or is done", func() bool { return n.dead() || done(last) })
				if n.dead() {
					killed++
				}
				n.kill()
				if next != nil {
					last = next()
					revisions = append(revisions, last)
				}
			}
			p.poster(server.URL, "")
			for _, r := range revisions {
				p.until("revision "+fmt.Sprint(r.Revision)+" has come to an end", func() bool { return done(r) })
			}
			wall.mu.Lock()
			defer wall.mu.Unlock()
			for _, wrong := range wall.wrong {
				t.Error(wrong)
			}
			keys := map[string]int{}
			for id, post := range wall.posts {
				if keys[post.key]++; keys[post.key] > 1 {
					t.Errorf("%s was posted twice", post.key)
				}
				if post.holds {
					t.Errorf("%s reads after the Cancel: %q", id, post.text)
				}
			}
			for _, lang := range []string{"it-IT", "en-GB"} {
				posts, err := q.Posts(t.Context(), first.Event, lang)
				if err != nil {
					t.Fatal(err)
				}
				cancel := posts.At(last.Revision)
				if post := wall.posts[cancel.ID]; post == nil || post.text != "cancelled r4" || post.language != lang {
					t.Errorf("the Cancel in %s is kept as %+v, and is %+v", lang, cancel, post)
				}
				known := map[string]bool{}
				for _, one := range posts.Of {
					known[one.ID] = true
					if post := wall.posts[one.ID]; post == nil || post.language != lang || !slices.Contains(post.wrote, one.Revision) {
						t.Errorf("revision %d in %s is kept as %q, which is %+v", one.Revision, lang, one.ID, post)
					}
				}
				for id, post := range wall.posts {
					if post.language == lang && !known[id] {
						t.Errorf("%s is on the wall, and nobody knows it: %+v", id, post)
					}
				}
			}
			if killed == 0 && at != crash.AfterDone && at != crash.BeforeAck { // there it may be done as it dies
				t.Error("no node was killed: the test proves nothing")
			}
			t.Logf("killed %d times %s; %d posts", killed, at, len(wall.posts))
		})
	}
}
