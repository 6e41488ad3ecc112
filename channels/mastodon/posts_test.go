package mastodon

import (
	"testing"

	"martinella/channels/channeltest"
)

func TestGoldenPosts(t *testing.T) {
	channeltest.GoldenPosts(t, channel(t, "https://social.example", nil))
}
