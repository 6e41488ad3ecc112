package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"martinella/broadcast"
)

const followed = "01JD0Q4W7N8R5T2V6X9ZABCDEF"

// narrator is a gateway that tells how the deliveries of one alert go, as a test
// wants it told.
type narrator struct {
	*httptest.Server

	mu      sync.Mutex
	streams []func(say func(text string), ctx context.Context) // one for each stream; none is left: there is no stream
	asked   []string                                           // answers to who asks for the deliveries; the last one stays
	asks    int
}

func newNarrator(t *testing.T) *narrator {
	g := &narrator{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/alerts", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"alerts":[{"id":%q,"event":%q,"revision":1,"state":"issued"}]}`, followed, followed)
	})
	mux.HandleFunc("GET /api/v1/alerts/"+followed+"/deliveries", func(w http.ResponseWriter, _ *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.asks++
		if len(g.asked) == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, `{"channels":[%s]}`, g.asked[0])
		if len(g.asked) > 1 {
			g.asked = g.asked[1:]
		}
	})
	mux.HandleFunc("GET /api/v1/alerts/"+followed+"/progress", func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		if len(g.streams) == 0 {
			g.mu.Unlock()
			http.NotFound(w, r)
			return
		}
		stream := g.streams[0]
		g.streams = g.streams[1:]
		g.mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		stream(func(text string) {
			_, _ = w.Write([]byte(text))
			_ = http.NewResponseController(w).Flush()
		}, r.Context())
	})
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	return g
}

func (g *narrator) follow(t *testing.T, to display) (bool, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return follow(ctx, newClientOf(g.URL, "mk_x"), submitted{ID: followed, URL: g.URL}, to)
}

func how(channel, state string, accepted int) string {
	return fmt.Sprintf(`{"channel":%q,"state":%q,"total":3,"accepted":%d}`, channel, state, accepted)
}

func tells(name string, ended bool, channels ...string) string {
	return fmt.Sprintf("event: %s\ndata: {\"id\":%q,\"state\":\"issued\",\"ended\":%t,\"channels\":[%s]}\n\n", name, followed, ended, strings.Join(channels, ","))
}

func TestFollowingShowsWhatTheStreamTells(t *testing.T) {
	stream := func(say func(string), _ context.Context) {
		say("retry: 3000\n\n")
		say(tells("state", false, how("sms", "queued", 0), how("outbox", "sending", 1)))
		say(": still here\n\n")
		say(tells("change", false, how("outbox", "done", 3)))
		say("id: end\n" + tells("end", true, how("sms", "done", 3), how("outbox", "done", 3)))
	}
	for name, asJSON := range map[string]bool{"plain lines": false, "json": true} {
		t.Run(name, func(t *testing.T) {
			g := newNarrator(t)
			g.streams = append(g.streams, stream)
			var out record
			if well, err := g.follow(t, newDisplay(&out, asJSON)); !well || err != nil {
				t.Fatalf("got %v, %v", well, err)
			}
			if g.asks > 0 {
				t.Errorf("the deliveries were asked for %d times, and the stream told all", g.asks)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if !asJSON {
				want := []string{"sms: queued, 0 of 3 accepted", "outbox: sending, 1 of 3 accepted", "outbox: done, 3 of 3 accepted", "sms: done, 3 of 3 accepted"}
				if got := lines[:min(4, len(lines))]; !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
				return
			}
			var got []string
			for _, line := range lines {
				var says struct {
					End      bool
					Channels []broadcast.Delivery
				}
				if err := json.Unmarshal([]byte(line), &says); err != nil {
					t.Fatal(err)
				}
				text := fmt.Sprint(says.End)
				for _, d := range says.Channels {
					text += " " + d.Channel + " " + d.State
				}
				got = append(got, text)
			}
			if want := []string{"false sms queued outbox sending", "false sms queued outbox done", "true sms done outbox done"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// Whatever becomes of the stream, the end is shown.
func TestFollowingAsksWhereTheStreamBreaksOff(t *testing.T) {
	begin := tells("state", false, how("sms", "queued", 0))
	for name, stream := range map[string]func(say func(string), ctx context.Context){
		"there is none":         nil,
		"it ends too early":     func(say func(string), _ context.Context) { say(begin) },
		"it is cut in an event": func(say func(string), _ context.Context) { say(begin + "event: end\ndata: {") },
		"the store is away": func(say func(string), ctx context.Context) {
			say(begin + "event: away\ndata: {\"problem\":\"the store does not answer\"}\n\n")
			<-ctx.Done()
		},
		"it tells what is no JSON": func(say func(string), ctx context.Context) { say("event: state\ndata: <html>\n\n"); <-ctx.Done() },
	} {
		t.Run(name, func(t *testing.T) {
			g := newNarrator(t)
			if stream != nil {
				g.streams = append(g.streams, stream)
			}
			g.asked = []string{how("sms", "sending", 2), how("sms", "partly_failed", 2)}
			var out record
			well, err := g.follow(t, newDisplay(&out, false))
			if well || err != nil {
				t.Errorf("got %v, %v", well, err)
			}
			if got := out.String(); !strings.Contains(got, "sms: sending, 2 of 3") || !strings.Contains(got, "sms: partly_failed, 2 of 3") {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func TestFollowingListensAgain(t *testing.T) {
	g := newNarrator(t)
	g.asked = []string{how("sms", "sending", 1)}
	g.streams = append(g.streams,
		func(say func(string), _ context.Context) { say(tells("state", false, how("sms", "queued", 0))) },
		func(say func(string), _ context.Context) { say(tells("end", true, how("sms", "done", 3))) })
	var out record
	f := &follower{client: newClientOf(g.URL, "mk_x"), alert: submitted{ID: followed, URL: g.URL}, to: newDisplay(&out, false), again: time.Millisecond}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if well, err := f.run(ctx); !well || err != nil {
		t.Errorf("got %v, %v", well, err)
	}
	if got := out.String(); !strings.Contains(got, "sms: done, 3 of 3") {
		t.Errorf("got\n%s", got)
	}
}

func TestFollowingGivesUpOnAGatewayThatIsAway(t *testing.T) {
	g := newNarrator(t)
	var out record
	_, err := g.follow(t, newDisplay(&out, false))
	if f, ok := errors.AsType[*failure](err); !ok || f.code != exitUnreachable {
		t.Errorf("got %v", err)
	}
}

// The deliveries that are asked for never end; what the stream tells is shown.
func TestWatchShowsWhatStreamsTell(t *testing.T) {
	g := newNarrator(t)
	g.asked = []string{how("sms", "queued", 0)}
	shown := make(chan struct{})
	see := sync.OnceFunc(func() { close(shown) })
	g.streams = append(g.streams, func(say func(string), ctx context.Context) {
		say(tells("state", false, how("sms", "sending", 1)))
		select {
		case <-shown:
		case <-ctx.Done():
		}
		say(tells("end", true, how("sms", "done", 3)))
	})
	w := newWatcher(newClientOf(g.URL, "mk_x"), "")
	defer w.close()
	first, err := w.look(t.Context())
	if err != nil || len(first.deliveries[followed]) != 1 || first.deliveries[followed][0].State != "queued" {
		t.Fatalf("first: %+v, %v", first, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var states []string
	w.each(ctx, func(s sight) {
		state := s.deliveries[followed][0].State
		if len(states) == 0 || states[len(states)-1] != state {
			states = append(states, state)
		}
		switch state {
		case "sending":
			see()
		case "done":
			cancel()
		}
	})
	if got := strings.TrimPrefix(strings.Join(states, " "), "queued "); got != "sending done" {
		t.Errorf("shown: %s", got)
	}
}

func TestEventsOfAStream(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []event
	}{
		"one":                        {"event: state\ndata: {}\n\n", []event{{"state", "{}"}}},
		"without a space, with CRLF": {"event:state\r\ndata:{}\r\n\r\n", []event{{"state", "{}"}}},
		"data in two lines":          {"data: a\ndata: b\n\n", []event{{"", "a\nb"}}},
		"comments and a pause":       {"retry: 3000\n\n: still here\n\nevent: end\nid: end\ndata: 1\n\n", []event{{"end", "1"}}},
		"one that is cut":            {"event: state\ndata: {}\n", nil},
	} {
		var got []event
		for e, err := range events(iotest.OneByteReader(strings.NewReader(c.text)), func() {}) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			got = append(got, e)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
