package email

import (
	"slices"
	"strings"
	"testing"

	"martinella/channels/channeltest"
)

// Who pastes a mail to have it checked pastes what stands in it.
func TestPlainIsWhatStandsInTheMail(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", func(c *Config) {
		c.StopAddress, c.Receipts = "stop@comune.pistoia.example", Receipts{IMAP: "127.0.0.1:143", TLS: tlsNone, Username: "x", PasswordFile: secretFile(t, testPassword)}
	})
	m := message(t, c, channeltest.Actual, "01KAK3Z8G0FLD1RST0000000A1/1/mail/7").For(map[string]string{"{sent}": "2026-11-21T11:00:00+01:00", "{code}": "K7Q2P"})
	got := read(t, c, m).text
	if !strings.Contains(got, "K7Q2P") {
		t.Error("the mail lacks its code")
	}
	if plain := c.Plain(m); !slices.ContainsFunc(plain, func(text string) bool { return strings.TrimSpace(text) == strings.TrimSpace(got) }) {
		t.Errorf("the mail says\n%q\nand Plain gives\n%q", got, plain)
	}
	if m.Payload = []byte("{"); c.Plain(m) != nil {
		t.Error("what cannot be read is given")
	}
}
