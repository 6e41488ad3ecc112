package mqtt

import (
	"testing"

	"github.com/eclipse/paho.golang/paho"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// A broker that does not let us read does not take the clearing of an area that
// the alert has left, either: the repetition clears it.
func TestClearedWithTheRepetition(t *testing.T) {
	const old = "alerts/pt/state/istat/047014/"
	f := startFake(t, nil)
	c := open(t, f.addr(), nil)
	first := rendered(t, c, channeltest.Actual, "047014")
	send(t, c, first)
	f.answer(func(topic string, _ int) (byte, bool) {
		if topic == old+string(first.Event) {
			return 151, true
		}
		return 0, true
	})
	moved := rendered(t, c, channeltest.Update, "047017")
	_, err := c.Send(t.Context(), moved)
	suite.Refuses(t, "a state that could not be cleared", err, channels.VerdictUncertain)
	f.answer(nil)
	before := len(f.published())
	send(t, c, moved)
	for _, p := range f.published()[before:] {
		if p.Topic == old+string(first.Event) && p.Retain && len(p.Payload) == 0 {
			return
		}
	}
	t.Error("the area that the alert has left is not cleared")
}

// What somebody retained on the acknowledgement topic is of another day.
func TestRetainedAcknowledgement(t *testing.T) {
	c := open(t, "127.0.0.1:1", nil)
	to := newSink()
	p := &paho.Publish{Topic: "ack/siren1", Payload: []byte("01KAK3Z8G0FLD1RST0000000A1/1"), Retain: true}
	if !c.store(&listening{t.Context(), to}, p) || len(to.reports) != 0 {
		t.Errorf("%d reports of what was retained", len(to.reports))
	}
	p.Retain = false
	if !c.store(&listening{t.Context(), to}, p) || len(to.reports) != 1 {
		t.Errorf("%d reports of what was said now, want 1", len(to.reports))
	}
}
