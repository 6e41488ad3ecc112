package mastodon

import (
	"testing"

	"martinella/channels/channeltest"
)

func TestGoldenPosts(t *testing.T) {
	channeltest.GoldenPosts(t, channel(t, "https://social.example", nil))
}

// Every real message, with a link of 23 characters, by a count of others.
func TestRealMessagesAreWithinTheLimit(t *testing.T) {
	counts := channeltest.StartCounts(t)
	channeltest.Limits(t, channel(t, "https://social.example", nil), counts, channeltest.Bound{Unit: "characters", Max: 500, Oracle: counts.Linked})
}
