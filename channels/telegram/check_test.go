package telegram

import (
	"errors"
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestCheck(t *testing.T) {
	type place = map[string]any
	bot := place{"id": botID, "is_bot": true, "first_name": "Allerta"}
	for name, of := range map[string]struct {
		chat  string
		place place // nil: as it is
		want  channels.Verdict
		says  string // in the error
		note  string // of what works and is not whole
	}{
		"an administrator":        {town, nil, channels.VerdictAccepted, "", ""},
		"by name":                 {"@comune_pistoia", nil, channels.VerdictAccepted, "", ""},
		"the owner":               {town, place{"status": "creator", "user": bot}, channels.VerdictAccepted, "", ""},
		"may not pin":             {town, place{"status": "administrator", "user": bot, "can_post_messages": true}, channels.VerdictAccepted, "", "cannot pin"},
		"may not post":            {town, place{"status": "administrator", "user": bot, "can_edit_messages": true}, channels.VerdictUnauthorized, "may not post", ""},
		"a member of a channel":   {town, place{"status": "member", "user": bot}, channels.VerdictUnauthorized, "no administrator", ""},
		"away":                    {town, place{"status": "left", "user": bot}, channels.VerdictUnauthorized, "not in the chat", ""},
		"thrown out":              {town, place{"status": "kicked", "user": bot, "until_date": 0}, channels.VerdictUnauthorized, "not in the chat", ""},
		"a member of a group":     {group, nil, channels.VerdictAccepted, "", "cannot pin"},
		"pins in a group":         {group, place{"status": "administrator", "user": bot, "can_pin_messages": true}, channels.VerdictAccepted, "", ""},
		"silenced in a group":     {group, place{"status": "restricted", "user": bot, "is_member": true, "can_send_messages": false}, channels.VerdictUnauthorized, "may not write", ""},
		"restricted, and writes":  {group, place{"status": "restricted", "user": bot, "is_member": true, "can_send_messages": true}, channels.VerdictAccepted, "", "cannot pin"},
		"restricted, and gone":    {group, place{"status": "restricted", "user": bot, "is_member": false, "can_send_messages": true}, channels.VerdictUnauthorized, "may not write", ""},
		"what nobody knows":       {town, place{"status": "emperor", "user": bot}, channels.VerdictRetry, "cannot be read", ""},
		"no such chat":            {"-1009999999999", nil, channels.VerdictUnauthorized, "no such chat", ""},
		"a person":                {office, nil, channels.VerdictAccepted, "", ""},
		"a bot that is not there": {"@nobody_here", nil, channels.VerdictUnauthorized, "no such chat", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := started(t, func(c *Config) { c.Chat = of.chat })
			if of.place != nil {
				s.members[of.chat] = of.place
			}
			err := c.Check(t.Context())
			suite.Refuses(t, name, err, of.want)
			if err != nil && !strings.Contains(err.Error(), of.says) {
				t.Errorf("%q does not say %q", err, of.says)
			}
			notes := c.Notes()
			if has := len(notes) > 1; has != (of.note != "") || has && !strings.Contains(notes[1], of.note) {
				t.Errorf("notes %q, want %q", notes, of.note)
			}
			for _, call := range s.said() {
				if !strings.HasPrefix(call, "get") {
					t.Errorf("the check called %s", call)
				}
			}
		})
	}
}

func TestARightThatCameIsNoLongerMissed(t *testing.T) {
	s, c := started(t, nil)
	for _, may := range []bool{false, true} {
		s.members[town]["can_edit_messages"] = may
		if err := c.Check(t.Context()); err != nil || len(c.Notes()) != map[bool]int{false: 2, true: 1}[may] {
			t.Errorf("may edit: %v: %v, %q", may, err, c.Notes())
		}
	}
	_, without := started(t, func(c *Config) { c.Chat, c.Pin = group, no() })
	if err := without.Check(t.Context()); err != nil || len(without.Notes()) != 1 {
		t.Errorf("where nothing is pinned: %v, %q", err, without.Notes())
	}
}

// A check changes nothing: what breaks in it is never uncertain.
func TestAChecksTroubleIsPlain(t *testing.T) {
	for _, method := range []string{"getMe", "getChat", "getChatMember"} {
		s, c := started(t, nil)
		s.fail(method, channeltest.HTML(502))
		suite.Refuses(t, method, c.Check(t.Context()), channels.VerdictRetry)
		s.fail(method, channeltest.Status(200, `{"ok":true,"result":null}`))
		suite.Refuses(t, method+" of nothing", c.Check(t.Context()), channels.VerdictRetry)
		if err := c.Check(t.Context()); err != nil {
			t.Errorf("%s: afterwards: %v", method, err)
		}
	}
}

func TestRehearse(t *testing.T) {
	s, c := started(t, func(c *Config) { c.TestChat = office })
	where, err := c.Rehearse(t.Context(), "PROVA: il canale funziona.")
	if err != nil || where != "to the test chat" {
		t.Fatalf("%q, %v", where, err)
	}
	if got := s.at(office); len(got) != 1 || got[0].text != "PROVA: il canale funziona." || len(s.at(town)) != 0 {
		t.Errorf("posted %+v", got)
	}
	s.fail("sendMessage", refused(403, "Forbidden: bot was blocked by the user"))
	_, err = c.Rehearse(t.Context(), "PROVA")
	suite.Refuses(t, "blocked", err, channels.VerdictUnauthorized)
	if strings.Contains(err.Error(), office) {
		t.Errorf("the error tells whose chat it is: %v", err)
	}
	_, without := started(t, nil)
	if _, err := without.Rehearse(t.Context(), "PROVA"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without a test chat: %v", err)
	}
}
