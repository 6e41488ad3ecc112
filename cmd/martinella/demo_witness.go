package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/net/websocket"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// witness stands where citizens stand: it has the live feed open and loads the
// alert's page.
type witness struct {
	public, site string
	conn         *websocket.Conn
	changes      chan liveChange
}

// liveChange is what the demonstration needs of a live message.
type liveChange struct {
	Type     string    `json:"type"`
	ID       alerts.ID `json:"id"`
	Headline string    `json:"headline"`
	at       time.Time
}

// open connects to the live feed, as a browser on the gateway's site would.
func (w *witness) open(ctx context.Context) error {
	config, err := websocket.NewConfig(strings.Replace(w.public, "http", "ws", 1)+"/live", w.site)
	if err != nil {
		return err
	}
	for { // the feed asks to come back until it is ready
		if w.conn, err = config.DialContext(ctx); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("open the live feed: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	w.changes = make(chan liveChange, 64)
	go func() {
		defer close(w.changes)
		for {
			var c liveChange
			if err := websocket.JSON.Receive(w.conn, &c); err != nil {
				return
			}
			if c.at = time.Now(); c.Type == "alert" {
				w.changes <- c
			}
		}
	}()
	return nil
}

func (w *witness) close() { _ = w.conn.Close() }

// seen is what reached the witness.
type seen struct {
	live, page string // "" or what is wrong
	headline   string
	at         time.Time // of the live message
	size       int
}

// wait waits until the alert has arrived on the live feed, then loads its page.
func (w *witness) wait(ctx context.Context, sent submitted) seen {
	s := seen{live: "nothing came"}
	for s.live != "" {
		select {
		case c, ok := <-w.changes:
			if !ok {
				s.live = "the connection broke"
				return s
			}
			if c.ID == sent.ID {
				s.live, s.headline, s.at = "", c.Headline, c.at
			}
		case <-ctx.Done():
			return s
		}
	}
	s.page = w.load(ctx, sent, &s)
	return s
}

// load gets the alert's page and looks for the mark of an exercise.
func (w *witness) load(ctx context.Context, sent submitted, s *seen) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.public+"/a/"+string(sent.Event), nil)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Accept-Language", "it")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	s.size = len(b)
	switch {
	case err != nil:
		return err.Error()
	case resp.StatusCode != http.StatusOK:
		return "answered " + resp.Status
	case !strings.Contains(strings.ToUpper(string(b)), "ESERCITAZIONE"):
		return "the page does not say ESERCITAZIONE"
	}
	return ""
}

// err says what did not arrive.
func (s seen) err(ds []broadcast.Delivery) error {
	var missing []error
	if s.live != "" {
		missing = append(missing, errors.New("live feed: "+s.live))
	}
	if s.page != "" {
		missing = append(missing, errors.New("page: "+s.page))
	}
	for _, d := range ds {
		if _, well := over(d); !well {
			missing = append(missing, fmt.Errorf("%s: %s %s", d.Channel, d.State, d.Error))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &failure{exitPartly, errors.Join(missing...), "the log above says why"}
}

// follow waits until every channel has ended.
func (d *demo) follow(ctx context.Context, at readyFile, keyFile string, sent submitted) ([]broadcast.Delivery, error) {
	c, err := d.client(at, keyFile)
	if err != nil {
		return nil, err
	}
	last := &lastDeliveries{}
	if _, err := follow(ctx, c, sent, last); err != nil {
		return nil, err
	}
	return last.ds, nil
}

// lastDeliveries shows nothing and keeps the end.
type lastDeliveries struct{ ds []broadcast.Delivery }

func (l *lastDeliveries) show(ds []broadcast.Delivery) { l.ds = ds }
func (l *lastDeliveries) end(ds []broadcast.Delivery)  { l.ds = ds }

// table prints what became of the exercise on every way.
func (d *demo) table(ds []broadcast.Delivery, s seen, all []channels.Channel, published func() (time.Time, error)) {
	t := tabwriter.NewWriter(d.sh.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "\nchannel\tstate\ttotal\taccepted\tfirst ms\twhere")
	row := func(name, wrong, first, where string) {
		state, accepted := "done", 1
		if wrong != "" {
			state, accepted, where = "failed", 0, wrong
		}
		fmt.Fprintf(t, "%s\t%s\t1\t%d\t%s\t%s\n", name, state, accepted, first, where)
	}
	row("page", s.page, "-", fmt.Sprintf("%d bytes, marked as an exercise", s.size))
	first := "-"
	if r, err := published(); err == nil && s.live == "" {
		first = fmt.Sprint(s.at.Sub(r).Milliseconds())
	}
	row("websocket", s.live, first, s.headline)
	files := map[string]string{}
	for _, ch := range all {
		files[ch.Name()] = outboxFile(ch)
	}
	for _, x := range ds {
		where := files[x.Channel]
		if x.Error != "" {
			where = x.Error
		} else if where != "" && !holds(where) {
			where += " (empty!)"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\n", x.Channel, x.State, x.Total, x.Accepted, milliseconds(x.FirstMS), where)
	}
	t.Flush()
}

// holds reports whether the outbox file ends with a whole message.
func holds(file string) bool {
	b, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return json.Valid([]byte(lines[len(lines)-1]))
}

// invite says what to try next.
func (d *demo) invite(at readyFile, author, approver string, sent submitted) {
	authorKey, _ := os.ReadFile(author) // shown as they are: a demonstration has no secret
	approverKey, _ := os.ReadFile(approver)
	example := d.config.Data + "/exercise.xml"
	if message, err := exerciseAlert(d.config, time.Now()); err == nil {
		_ = os.WriteFile(example, message, 0o600) // a convenience only
	}
	site := d.config.PublicURL
	fmt.Fprintf(d.sh.out, `
open      %s            the public page
          %s/a/%s
          %s/outbox     what the channels would have sent
          %s/metrics

author    %s (%s)
approver  %s (%s)

send the next exercise as the author:
  bin/martinella send %s --wait --url %s --key-file %s
approve it as the second person, in another terminal, with the id it prints:
  bin/martinella approve ID --url %s --key-file %s

Ctrl-C ends the gateway; %s, the log in %s/martinella.log
`, site, site, sent.Event, site, at.Admin,
		strings.TrimSpace(string(authorKey)), author, strings.TrimSpace(string(approverKey)), approver,
		example, site, author, site, approver, d.afterwards(), d.config.Data)
}

// afterwards says what is left when the gateway has ended.
func (d *demo) afterwards() string {
	switch d.config.Redis.URL {
	case rdb.Embedded:
		return "the data stays in " + d.config.Data
	case rdb.Memory:
		return "what it has stored is gone then; the keys and outboxes are in " + d.config.Data
	}
	return "the data stays in that Redis, the keys and outboxes in " + d.config.Data
}
