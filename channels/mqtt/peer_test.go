package mqtt

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

const (
	eventTopic = "alerts/pt/event/istat/047014"
	stateTopic = "alerts/pt/state/istat/047014/01KAK3Z8G0FLD1RST0000000A1"
)

func payloadOf(t testing.TB, m heardMessage) Payload {
	t.Helper()
	var p Payload
	if err := json.Unmarshal([]byte(m.payload), &p); err != nil {
		t.Fatalf("%s holds %q: %v", m.topic, m.payload, err)
	}
	return p
}

// The life of an alert as a siren and a board see it, and one that comes later.
func TestSirenAndBoard(t *testing.T) {
	m := startMosquitto(t, usualACL)
	c := open(t, m.addr(), nil)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	siren := m.subscribe(t, "siren1", "alerts/pt/event/istat/047014")
	board := m.subscribe(t, "siren1", "alerts/pt/state/istat/047014/+")
	receipt := send(t, c, rendered(t, c, channeltest.Actual, "047014"))
	if receipt.ID != "01KAK3Z8G0FLD1RST0000000A1/1" || receipt.Note != "" {
		t.Errorf("receipt %+v", receipt)
	}
	got := siren.next(t)
	if got.topic != eventTopic || got.retained || got.expiry != 7*3600+29*60 || got.kind != "application/json" || got.id != receipt.ID ||
		got.user != "event:01KAK3Z8G0FLD1RST0000000A1 revision:1 change:issued level:extreme exercise:false" {
		t.Errorf("the siren got %+v", got)
	}
	if p := payloadOf(t, got); p.Level != "extreme" || p.Exercise || p.Revision != 1 || len(p.Areas) != 1 || p.Areas[0].Value != "047014" {
		t.Errorf("the siren got %+v", p)
	}
	if shown := board.next(t); shown.topic != stateTopic || shown.payload != got.payload {
		t.Errorf("the board got %+v", shown)
	}

	// Who comes later learns what holds, and does not sound.
	late := m.subscribe(t, "all", "alerts/pt/#", "end/of/test")
	if all := m.drain(t, late); len(all) != 1 || all[0].topic != stateTopic || !all[0].retained || all[0].expiry <= 0 || all[0].expiry > 7*3600+29*60 {
		t.Errorf("who came later got %+v", all)
	}

	send(t, c, rendered(t, c, channeltest.Update, "047014"))
	if p := payloadOf(t, siren.next(t)); p.Revision != 2 || p.Change != "updated" {
		t.Errorf("the siren got %+v", p)
	}
	if p := payloadOf(t, board.next(t)); p.Revision != 2 {
		t.Errorf("the board got %+v", p)
	}
	send(t, c, rendered(t, c, channeltest.Cancel, "047014"))
	if p := payloadOf(t, siren.next(t)); p.Level != "none" || p.Change != "cancelled" || p.Expires != "" {
		t.Errorf("the siren got %+v", p)
	}
	if shown := board.next(t); shown.topic != stateTopic || shown.payload != "" {
		t.Errorf("the board got %+v", shown)
	}
	after := m.subscribe(t, "all", "alerts/#", "end/of/test")
	if all := m.drain(t, after); len(all) != 0 {
		t.Errorf("after the end there still stands %+v", all)
	}
}

// No siren and no board on the prefix of real alerts ever sees an exercise or a
// test, whatever becomes of it.
func TestExercisesStayApart(t *testing.T) {
	m := startMosquitto(t, usualACL)
	c := open(t, m.addr(), nil)
	everything := m.subscribe(t, "all", "#")
	for _, kind := range channeltest.Kinds {
		for _, exercise := range []bool{false, true} {
			message := rendered(t, c, kind, "047014", "047017")
			if kind == channeltest.Exercise || kind == channeltest.Test {
				exercise = true
			}
			message.Exercise = exercise
			if exercise {
				message.Event = "01KAK3Z8G0EXERC1SE00000001"
			}
			c.placed = placed{}
			send(t, c, message)
			for _, got := range m.drain(t, everything) {
				if real := strings.HasPrefix(got.topic, "alerts/pt/"); real == exercise || !real && !strings.HasPrefix(got.topic, "exercise/alerts/pt/") {
					t.Errorf("%s, exercise %v: published to %s", kind, exercise, got.topic)
				}
			}
		}
	}
}

// An Update that moves clears what it leaves, also where another gateway placed
// it and this one has just started.
func TestUpdateThatMoves(t *testing.T) {
	writeOnly := strings.Replace(usualACL, "topic readwrite alerts/#", "topic write alerts/#", 1)
	for name, c := range map[string]struct {
		acl       string
		restarted bool
		left      bool // what is left in the old area
		noted     bool
	}{
		"the same gateway":                       {usualACL, false, false, false},
		"another gateway":                        {usualACL, true, false, false},
		"the same gateway, which may only write": {writeOnly, false, false, true},
		"another gateway, which may only write: it says what is left": {writeOnly, true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := startMosquitto(t, c.acl)
			ch := open(t, m.addr(), nil)
			board := m.subscribe(t, "siren1", "alerts/pt/state/istat/#", "alerts/pt/event/istat/#")
			send(t, ch, rendered(t, ch, channeltest.Actual, "047014", "047017"))
			for range 4 {
				board.next(t)
			}
			// Another event in the same area is not touched.
			other := rendered(t, ch, channeltest.Actual, "047014")
			other.Event = "01KAK3Z8G00THERE0000000001"
			send(t, ch, other)
			for range 2 {
				board.next(t)
			}
			if c.restarted {
				ch = open(t, m.addr(), nil)
			}
			ch.times.echo = ch.times.settle
			receipt := send(t, ch, rendered(t, ch, channeltest.Update, "047017", "047022"))
			if noted := strings.Contains(receipt.Note, "boards in areas that the alert has left"); noted != c.noted {
				t.Errorf("note %q", receipt.Note)
			}
			late := m.subscribe(t, "all", "alerts/#", "end/of/test")
			stands := map[string]int{}
			for _, got := range m.drain(t, late) {
				stands[strings.TrimPrefix(got.topic, "alerts/pt/state/istat/")] = payloadOf(t, got).Revision
			}
			const event = "/01KAK3Z8G0FLD1RST0000000A1"
			if stands["047017"+event] != 2 || stands["047022"+event] != 2 || stands["047014/01KAK3Z8G00THERE0000000001"] != 1 || (stands["047014"+event] == 1) != c.left {
				t.Errorf("there stands %v", stands)
			}
		})
	}
}

func TestSirenIsOffline(t *testing.T) {
	m := startMosquitto(t, usualACL)
	c := open(t, m.addr(), nil)
	siren := m.subscribe(t, "siren1", "alerts/pt/event/istat/047014")
	receipt := send(t, c, rendered(t, c, channeltest.Actual, "047014", "047017"))
	if receipt.Note != "nobody listens on 1 of 2 event topics (alerts/pt/event/istat/047017): a siren may be offline" {
		t.Errorf("note %q", receipt.Note)
	}
	siren.next(t)
}

func TestRights(t *testing.T) {
	m := startMosquitto(t, "user gw\ntopic write alerts/pt/state/#\n")
	c := open(t, m.addr(), nil)
	_, err := c.Send(t.Context(), rendered(t, c, channeltest.Actual, "047014"))
	suite.Refuses(t, "no right to write", err, channels.VerdictUnauthorized)
	_, err = c.Send(t.Context(), rendered(t, c, channeltest.Exercise, "047014"))
	suite.Refuses(t, "no right to write exercises", err, channels.VerdictPermanent)
	if err == nil || !strings.Contains(err.Error(), "exercise/alerts/pt/#") {
		t.Errorf("got %v", err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	wrong := open(t, m.addr(), func(c *Config) { c.PasswordFile = secretFile(t, password+"x") })
	_, err = wrong.Send(t.Context(), rendered(t, wrong, channeltest.Actual, "047014"))
	suite.Refuses(t, "wrong password", err, channels.VerdictUnauthorized)
	suite.Refuses(t, "wrong password, check", wrong.Check(t.Context()), channels.VerdictUnauthorized)
}

// The broker took it and its PUBACK is lost: it may be repeated, and the double
// bears the same event and revision.
func TestLostAcknowledgement(t *testing.T) {
	m := startMosquitto(t, usualACL)
	siren := m.subscribe(t, "all", "alerts/pt/event/#", "end/of/test")
	for name, fault := range map[string]channeltest.Fault{"dropped": channeltest.Drop(), "reset": channeltest.Reset(), "cut short": channeltest.Truncate(2), "swallowed": channeltest.Mute()} {
		t.Run(name, func(t *testing.T) {
			proxy := channeltest.StartProxy(t, m.addr())
			c := open(t, proxy.Addr(), nil)
			if name == "swallowed" {
				c.times.answer = 300 * time.Millisecond
			}
			if err := c.Check(t.Context()); err != nil { // the next answer is the one to our publication
				t.Fatal(err)
			}
			message := rendered(t, c, channeltest.Actual, "047014")
			proxy.Break(fault, 1)
			_, err := c.Send(t.Context(), message)
			suite.Refuses(t, name, err, channels.VerdictUncertain)
			if all := m.drain(t, siren); len(all) != 1 {
				t.Fatalf("the siren got %d messages, want 1", len(all))
			}
			if _, found, err := c.Find(t.Context(), message); found || err != nil {
				t.Fatalf("find: %v, %v", found, err)
			}
			c.times.answer = usualTimes.answer
			until(t, "sent again", func() bool {
				_, err := c.Send(t.Context(), message)
				return err == nil
			})
			all := m.drain(t, siren)
			if len(all) != 1 || all[0].id != "01KAK3Z8G0FLD1RST0000000A1/1" || payloadOf(t, all[0]).Revision != 1 {
				t.Errorf("the siren got %+v", all)
			}
		})
	}
}

// The broker dies and comes back: the channel finds that out by itself and
// connects before the next alert.
func TestBrokerComesBack(t *testing.T) {
	m := startMosquitto(t, usualACL)
	c := open(t, m.addr(), nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Listen(ctx, newSink()) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	send(t, c, rendered(t, c, channeltest.Actual, "047014"))
	m.stop()
	until(t, "the loss is known", func() bool {
		_, err := c.Send(t.Context(), rendered(t, c, channeltest.Actual, "047014"))
		if v, _ := channels.VerdictOf(err); err != nil && v != channels.VerdictRetry && v != channels.VerdictUncertain {
			t.Fatalf("while the broker is away: %v", err)
		}
		v, _ := channels.VerdictOf(err)
		return v == channels.VerdictRetry
	})
	if !m.start(t) {
		t.Fatal("the broker does not come back on its port")
	}
	until(t, "both connections are back", func() bool { return c.sender.connected() && c.acks.connected() })
	siren := m.subscribe(t, "siren1", "alerts/pt/event/istat/047014")
	send(t, c, rendered(t, c, channeltest.Actual, "047014"))
	if got := siren.next(t); got.topic != eventTopic {
		t.Errorf("got %+v", got)
	}
}

// A Cancel in the middle of a dead broker's return leaves no state behind.
func TestCancelAfterTheBrokerForgot(t *testing.T) {
	m := startMosquitto(t, usualACL)
	c := open(t, m.addr(), nil)
	send(t, c, rendered(t, c, channeltest.Actual, "047014", "047017"))
	m.stop()
	if !m.start(t) {
		t.Fatal("the broker does not come back on its port")
	}
	until(t, "cancelled", func() bool {
		_, err := c.Send(t.Context(), rendered(t, c, channeltest.Cancel, "047014", "047017"))
		return err == nil
	})
	late := m.subscribe(t, "all", "#")
	if all := m.drain(t, late); len(all) != 0 {
		t.Errorf("there still stands %+v", all)
	}
}

// A connection that says nothing any more is given up by its keep-alive.
func TestHalfOpenConnection(t *testing.T) {
	m := startMosquitto(t, usualACL)
	proxy := channeltest.StartProxy(t, m.addr())
	c := open(t, proxy.Addr(), nil)
	c.times.keepAlive = time.Second
	s, err := c.sender.session(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	proxy.Break(channeltest.Mute(), 1)
	select {
	case <-s.client.Done():
	case <-t.Context().Done():
	}
	if why := s.reason(tellTime); why == nil || errors.Is(why, net.ErrClosed) {
		t.Errorf("it ended with %v", why)
	}
	until(t, "the next one gets through", func() bool {
		_, err := c.Send(t.Context(), rendered(t, c, channeltest.Actual, "047014"))
		return err == nil
	})
}

// What lapses without an all-clear does not stand on boards that come later.
func TestLapsedStateIsGone(t *testing.T) {
	m := startMosquitto(t, usualACL)
	c := open(t, m.addr(), nil)
	message := rendered(t, c, channeltest.Actual, "047014")
	c.now = func() time.Time { return message.Expires.Add(-1200 * time.Millisecond) }
	send(t, c, message)
	before := m.subscribe(t, "all", "alerts/#", "end/of/test")
	if all := m.drain(t, before); len(all) != 1 || all[0].expiry > 2 {
		t.Fatalf("before its end there stands %+v", all)
	}
	until(t, "the state has expired", func() bool {
		late := m.subscribe(t, "all", "alerts/#", "end/of/test")
		return len(m.drain(t, late)) == 0
	})
}
