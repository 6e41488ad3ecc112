package mqtt

import (
	"context"
	"strings"
	"testing"
	"time"

	"martinella/channels/channeltest"
)

// An alert is still being said when its Cancel comes: boards must get them in
// their order, or they would show the alert until it expires.
func TestCancelDuringTheAlert(t *testing.T) {
	f := startFake(t, nil)
	f.answer(func(_ string, n int) (byte, bool) { return 0, n != 1 })
	c := open(t, f.addr(), nil)
	alert, stop := rendered(t, c, channeltest.Actual, "047014"), rendered(t, c, channeltest.Cancel, "047014")
	first := make(chan error, 1)
	go func() {
		_, err := c.Send(t.Context(), alert)
		first <- err
	}()
	until(t, "the alert to be on its way", func() bool { return len(f.published()) == 1 })
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.Send(short, stop); err == nil || len(f.published()) != 1 {
		t.Errorf("the Cancel did not wait for its turn: %v, %d publications", err, len(f.published()))
	}
	f.acknowledge(t, 1)
	select {
	case err := <-first:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("the alert does not end")
	}
	send(t, c, stop)
	got := f.published()
	last := got[len(got)-1]
	if !strings.HasPrefix(last.Topic, "alerts/pt/state/") || len(last.Payload) != 0 {
		t.Errorf("the last publication is %s with %d bytes, want an empty state", last.Topic, len(last.Payload))
	}
}
