package webpush

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// browser is a subscription at the foreign push service.
type browser struct {
	peer *channeltest.Peer
	hash string
	to   string
}

// ask posts JSON to the push service and decodes what it answers, if into is
// not nil.
func ask(t *testing.T, peer *channeltest.Peer, path string, body, into any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+peer.Addr()+path, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, res.Status)
	}
	if into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
}

func subscribe(t *testing.T, peer *channeltest.Peer, applicationServerKey string) browser {
	t.Helper()
	var out struct{ Data json.RawMessage }
	ask(t, peer, "/subscribe", map[string]string{"userVisibleOnly": "true", "applicationServerKey": applicationServerKey}, &out)
	var own struct{ ClientHash string }
	if err := json.Unmarshal(out.Data, &own); err != nil {
		t.Fatal(err)
	}
	address, err := channels.ReadPushSubscription(out.Data)
	if err != nil {
		t.Fatalf("their subscription %s: %v", out.Data, err)
	}
	return browser{peer, own.ClientHash, address.String()}
}

// shown is what arrived, decrypted by the foreign implementation.
func (b browser) shown(t *testing.T) (all []string) {
	t.Helper()
	var out struct{ Data struct{ Messages []string } }
	ask(t, b.peer, "/get-notifications", map[string]string{"clientHash": b.hash}, &out)
	return out.Data.Messages
}

// seen is a request as the push service prints it.
type seen struct {
	Hash, TTL, Topic, Urgency string
	Status, Length            int
}

func ours(t *testing.T) *Channel {
	t.Helper()
	c, err := New("push", config(t), channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A foreign push service verifies our signature and decrypts what we encrypt.
func TestForeignPushServiceDecrypts(t *testing.T) {
	peer := channeltest.StartPeer(t, "push-service.js")
	c := ours(t)
	one := subscribe(t, peer, c.PublicKey())
	for _, kind := range []channeltest.Kind{channeltest.Actual, channeltest.Update, channeltest.Cancel} {
		m := message(t, c, kind, one.to)
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		var got seen
		peer.Next(t, &got)
		if got.Status != 201 || got.Hash != one.hash || got.Topic != string(m.Event) || got.Urgency != "high" || got.Length != 4096 {
			t.Errorf("%s: they saw %+v", kind, got)
		}
		all := one.shown(t)
		if len(all) == 0 || all[len(all)-1] != string(m.Payload) {
			t.Errorf("%s: they read %q, want %q", kind, all, m.Payload)
		}
	}
	if n := len(one.shown(t)); n != 3 {
		t.Errorf("%d messages for three", n)
	}
}

func TestForeignPushServiceRefuses(t *testing.T) {
	peer := channeltest.StartPeer(t, "push-service.js")
	c := ours(t)
	other, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	good, stale, left := subscribe(t, peer, c.PublicKey()), subscribe(t, peer, other.Public()), subscribe(t, peer, c.PublicKey())
	ask(t, peer, "/expire-subscription/"+left.hash, struct{}{}, nil)
	send := func(to string) error {
		_, err := c.Send(t.Context(), message(t, c, channeltest.Actual, to))
		var got seen
		peer.Next(t, &got)
		return err
	}
	if err := send(stale.to); !channels.IsApart(err) {
		t.Errorf("another key, before anything is known: %v", err)
	}
	if err := send(good.to); err != nil {
		t.Fatal(err)
	}
	err = send(stale.to)
	suite.Refuses(t, "another key", err, channels.VerdictPermanent)
	if channels.IsGone(err) || !strings.Contains(err.Error(), "another VAPID key") || strings.Contains(err.Error(), stale.hash) {
		t.Errorf("another key: %v", err)
	}
	err = send(left.to)
	suite.Refuses(t, "expired", err, channels.VerdictPermanent)
	if !channels.IsGone(err) || strings.Contains(err.Error(), left.hash) {
		t.Errorf("expired: %v", err)
	}
}

// Whatever breaks behind the push service's back, one Send is one post, and the
// repetition that Find allows has the same topic: it replaces.
func TestFaultsAreUncertainAndRepeatable(t *testing.T) {
	peer := channeltest.StartPeer(t, "push-service.js")
	proxy := channeltest.StartProxy(t, peer.Addr())
	c := ours(t)
	one := subscribe(t, peer, c.PublicKey())
	to := strings.Replace(one.to, peer.Addr(), proxy.Addr(), 1)
	for name, fault := range map[string]channeltest.Fault{"dropped": channeltest.Drop(), "reset": channeltest.Reset(), "cut short": channeltest.Truncate(9)} {
		m := message(t, c, channeltest.Actual, to)
		if _, err := c.Send(t.Context(), m); err != nil { // the connection is in use
			t.Fatal(err)
		}
		var first, lost, again seen
		peer.Next(t, &first)
		proxy.Break(fault, 1)
		_, err := c.Send(t.Context(), m)
		suite.Refuses(t, name, err, channels.VerdictUncertain)
		peer.Next(t, &lost)
		before := len(one.shown(t))
		if _, found, err := c.Find(t.Context(), m); found || err != nil {
			t.Errorf("%s: find says %v, %v", name, found, err)
		}
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Errorf("%s: again: %v", name, err)
		}
		peer.Next(t, &again)
		if got := len(one.shown(t)) - before; got != 1 || lost.Topic != again.Topic || lost.Topic != first.Topic || lost.Status != 201 {
			t.Errorf("%s: %d posts for one Send, topics %q and %q", name, got, lost.Topic, again.Topic)
		}
	}
}
