package telegram

import (
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// took is what the foreign server read.
type took struct {
	Method string
	Fields map[string]string
	Files  map[string]int
}

type kept struct {
	History []struct {
		ID         int
		Chat, Text string
	}
}

// Against other people's server: what a form holds as another parser reads it,
// and a post's life. It knows no pictures and no pins, and its clear no comes
// with HTTP status 200.
func TestAForeignServer(t *testing.T) {
	peer := channeltest.StartPeer(t, "telegram.js", "--token", token)
	proxy := channeltest.StartProxy(t, peer.Addr())
	c := channel(t, "http://"+proxy.Addr(), func(c *Config) { c.Pin = no() })
	history := func() kept {
		t.Helper()
		peer.Tell(t, "history")
		var h kept
		peer.Next(t, &h)
		return h
	}
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	m.Text += "\nÈ l'ora: 🔥 \"e\" <b>no</b> & כאן" // nothing of it may be lost or read as formatting
	first := sent(t, c, m)
	var in took
	peer.Next(t, &in)
	if in.Method != "sendMessage" || in.Fields["text"] != m.Text || in.Fields["chat_id"] != town || first.ID != town+"/1" {
		t.Errorf("%+v, %+v", first, in)
	}
	if h := history(); len(h.History) != 1 || h.History[0].Text != m.Text || h.History[0].Chat != town {
		t.Errorf("kept %+v", h)
	}

	update := suite.Rendered(t, c, channeltest.Update, "b")
	update.Previous = first.ID
	second := sent(t, c, update)
	peer.Next(t, &in)
	if in.Fields["reply_parameters"] != `{"message_id":1,"allow_sending_without_reply":true}` {
		t.Errorf("reply %q", in.Fields["reply_parameters"])
	}
	point := amended(t, c, channeltest.Update)
	if r, err := c.Edit(t.Context(), first.ID, point); err != nil || r.ID != first.ID {
		t.Errorf("edit: %+v, %v", r, err)
	}
	peer.Next(t, &in)
	if h := history(); in.Method != "editMessageText" || len(h.History) != 2 || h.History[0].Text != strings.TrimSpace(point.Text) {
		t.Errorf("kept %+v", h)
	}

	// An answer is lost after the post was made: we do not know, and post once.
	proxy.Break(channeltest.Drop(), 1)
	_, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.AllClear, "c"))
	suite.Refuses(t, "dropped", err, channels.VerdictUncertain)
	peer.Next(t, &in)
	if h := history(); len(h.History) != 3 {
		t.Errorf("%d posts, want 3", len(h.History))
	}

	if err := c.Withdraw(t.Context(), second.ID); err != nil {
		t.Error(err)
	}
	peer.Next(t, &in)
	if h := history(); len(h.History) != 2 {
		t.Errorf("%d posts after one was deleted", len(h.History))
	}
	suite.Refuses(t, "deleted twice, in this server's words", c.Withdraw(t.Context(), second.ID), channels.VerdictPermanent)
	peer.Next(t, &in)

	// A picture is one form with its file; the server knows no such method.
	m.Image = card(t, 1200, 630)
	if _, err := c.Send(t.Context(), m); err == nil {
		t.Error("a method that is not there was taken")
	}
	peer.Next(t, &in)
	if in.Method != "sendPhoto" || in.Fields["caption"] != m.Text || in.Files["photo"] != len(m.Image.Bytes) {
		t.Errorf("read %+v", in)
	}
}
