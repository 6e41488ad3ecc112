package x

import (
	"testing"

	"martinella/channels/channeltest"
)

// Every real message, as X's own library counts it.
func TestRealMessagesAreWithinTheLimit(t *testing.T) {
	counts := channeltest.StartCounts(t)
	channeltest.Limits(t, channel(t, "https://api.x.example", nil), counts, channeltest.Bound{Unit: "weighted", Max: usualWeight, Oracle: counts.Weighted})
}
