package telegram

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// amended is what the posts of the first alert read after an update.
func amended(t testing.TB, c *Channel, kind channeltest.Kind) channels.Message {
	t.Helper()
	messages, err := c.RenderAmended(channeltest.Sample(channeltest.Actual), channeltest.Sample(kind))
	if err != nil || len(messages) == 0 || messages[0].Step != channels.StepPoint {
		t.Fatalf("%+v, %v", messages, err)
	}
	return messages[0].For(map[string]string{"{next}": "https://t.me/comune_pistoia/200"})
}

// The life of an event: pinned, corrected, pointed away from, and over.
func TestThePinFollowsTheCurrentAlert(t *testing.T) {
	for name, picture := range map[string]*channels.Image{"words alone": nil, "with a picture": card(t, 1200, 630)} {
		t.Run(name, func(t *testing.T) {
			s, c := started(t, nil)
			m := suite.Rendered(t, c, channeltest.Actual, "a")
			m.Image = picture
			first := sent(t, c, m)
			m.Step, m.Text = channels.StepCorrect, strings.Replace(m.Text, "Salite", "Andate", 1)
			if r, err := c.Edit(t.Context(), first.ID, m); err != nil || r.ID != first.ID || r.URL != first.URL || r.Note != "" {
				t.Errorf("correction: %+v, %v", r, err)
			}
			if got := s.at(town)[0]; !got.pinned || got.text != m.Text || got.edits != 1 {
				t.Errorf("after the correction: %+v", got)
			}
			update := suite.Rendered(t, c, channeltest.Update, "b")
			update.Image, update.Previous = picture, first.ID
			second := sent(t, c, update)
			s.said()
			point := amended(t, c, channeltest.Update)
			for range 2 { // it may be repeated
				if r, err := c.Edit(t.Context(), first.ID, point); err != nil || r.ID != first.ID || r.Note != "" {
					t.Errorf("pointing: %+v, %v", r, err)
				}
			}
			edit := map[bool]string{false: "editMessageText", true: "editMessageCaption"}[picture != nil]
			if got := s.said(); !slices.Equal(got, []string{edit, "unpinChatMessage", edit, "unpinChatMessage"}) {
				t.Errorf("calls %v", got)
			}
			posts := s.at(town)
			if posts[0].pinned || !posts[1].pinned || !strings.Contains(posts[0].text, "https://t.me/comune_pistoia/200") || posts[0].edits != 2 {
				t.Errorf("after the update: %+v", posts)
			}
			if strings.Contains(posts[0].marked(), "\n") || !strings.HasPrefix(posts[0].marked(), "bold ") {
				t.Errorf("marked %q", posts[0].marked())
			}
			over := suite.Rendered(t, c, channeltest.AllClear, "c")
			over.Previous = second.ID
			third := sent(t, c, over)
			if _, err := c.Edit(t.Context(), second.ID, amended(t, c, channeltest.AllClear)); err != nil {
				t.Fatal(err)
			}
			for _, p := range s.at(town) {
				if p.pinned {
					t.Errorf("still pinned: %+v", p)
				}
			}
			if _, err := c.Edit(t.Context(), third.ID, over); err != nil { // nothing changes
				t.Error(err)
			}
		})
	}
}

func TestWhatIsNotPinned(t *testing.T) {
	for name, of := range map[string]struct {
		kind   channeltest.Kind
		change func(*Config)
	}{
		"less than extreme":   {channeltest.Moderate, nil},
		"an exercise":         {channeltest.Exercise, nil},
		"a test":              {channeltest.Test, nil},
		"a Cancel":            {channeltest.Cancel, nil},
		"a bare Cancel":       {channeltest.Bare, nil},
		"an all-clear":        {channeltest.AllClear, nil},
		"where it is not set": {channeltest.Actual, func(c *Config) { c.Pin = no() }},
	} {
		s, c := started(t, of.change)
		m := suite.Rendered(t, c, of.kind, "a")
		r := sent(t, c, m)
		if got := s.said(); !slices.Equal(got, []string{"sendMessage"}) {
			t.Errorf("%s: calls %v", name, got)
		}
		if of.change == nil && of.kind != channeltest.Exercise && of.kind != channeltest.Test {
			continue
		}
		point := amended(t, c, of.kind)
		point.Exercise = m.Exercise
		if _, err := c.Edit(t.Context(), r.ID, point); err != nil {
			t.Fatal(err)
		}
		if got := s.said(); !slices.Equal(got, []string{"editMessageText"}) {
			t.Errorf("%s: calls %v", name, got)
		}
	}
}

func TestAPinThatFailsIsANote(t *testing.T) {
	s, c := started(t, nil)
	s.mu.Lock()
	s.members[town]["can_edit_messages"] = false
	s.mu.Unlock()
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	r := sent(t, c, m)
	if r.ID != town+"/101" || !strings.Contains(r.Note, "could not be pinned") || !strings.Contains(r.Note, "not enough rights") {
		t.Errorf("receipt %+v", r)
	}
	got, err := c.Edit(t.Context(), r.ID, amended(t, c, channeltest.Update))
	if err != nil || !strings.Contains(got.Note, "could not be unpinned") {
		t.Errorf("edit: %+v, %v", got, err)
	}
	s.fail("pinChatMessage", channeltest.HTML(502))
	if r := sent(t, c, m); r.ID != town+"/102" || !strings.Contains(r.Note, "could not be pinned") {
		t.Errorf("receipt %+v", r)
	}
}

func TestCorrectionsOfPictures(t *testing.T) {
	s, c := started(t, nil)
	m := suite.Rendered(t, c, channeltest.Moderate, "a")
	m.Image = card(t, 1200, 630)
	first := sent(t, c, m)
	m.Step, m.Image = channels.StepCorrect, card(t, 1200, 628)
	m.Text += "\nCorretto."
	if r, err := c.Edit(t.Context(), first.ID, m); err != nil || r.Note != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := s.at(town)[0]; !bytes.Equal(got.photo, m.Image.Bytes) || got.text != m.Text || got.marked() == "" {
		t.Errorf("edited %+v", got)
	}
	good := m.Image.Bytes
	m.Image.Bytes = []byte("no picture")
	m.Text += " Due volte."
	r, err := c.Edit(t.Context(), first.ID, m)
	if err != nil || !strings.Contains(r.Note, "the old picture stays") {
		t.Errorf("%+v, %v", r, err)
	}
	if got := s.at(town)[0]; !bytes.Equal(got.photo, good) || got.text != m.Text {
		t.Errorf("edited %+v", got)
	}
	// Words that were made for a post without a picture go into a new one.
	m.Text += strings.Repeat(" più", 300)
	if _, err := c.Edit(t.Context(), first.ID, m); !errors.Is(err, channels.ErrPostGone) {
		t.Errorf("too long a caption: %v", err)
	}
	alone := sent(t, c, suite.Rendered(t, c, channeltest.Moderate, "b"))
	m = suite.Rendered(t, c, channeltest.Update, "c")
	m.Image, m.Step = card(t, 1200, 630), channels.StepCorrect
	if r, err := c.Edit(t.Context(), alone.ID, m); err != nil || !strings.Contains(r.Note, "no picture") {
		t.Errorf("%+v, %v", r, err)
	}
}

// An id leads to its own chat, also after another one was configured.
func TestAnEditGoesToThePostsOwnChat(t *testing.T) {
	s := newServer(t)
	stub := channeltest.StartStub(t, s, posting)
	was := channel(t, stub.URL, nil)
	first := sent(t, was, suite.Rendered(t, was, channeltest.Actual, "a"))
	now := channel(t, stub.URL, func(c *Config) { c.Chat = closed })
	s.mu.Lock()
	s.next = 100
	s.mu.Unlock()
	sent(t, now, suite.Rendered(t, now, channeltest.Moderate, "b")) // 101 of the other chat
	if _, err := now.Edit(t.Context(), first.ID, amended(t, now, channeltest.Update)); err != nil {
		t.Fatal(err)
	}
	if a, b := s.at(town)[0], s.at(closed)[0]; a.edits != 1 || b.edits != 0 {
		t.Errorf("edited %d in its own chat, %d in the other", a.edits, b.edits)
	}
	if err := now.Withdraw(t.Context(), first.ID); err != nil || len(s.at(town)) != 0 || len(s.at(closed)) != 1 {
		t.Errorf("withdraw: %v", err)
	}
	s.clean(t)
}

// What another chat than the configured one refuses is no reason to stop posting.
func TestAChatOfBeforeStopsNothing(t *testing.T) {
	const before = "-1009999999999/57"
	for name, of := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
	}{
		"the bot was removed there": {refused(403, "Forbidden: bot was kicked from the channel chat"), channels.VerdictPermanent},
		"there is no such chat":     {refused(400, "Bad Request: chat not found"), channels.VerdictPermanent},
		"it moved":                  {refused(400, "Bad Request: group chat was upgraded to a supergroup chat", `{"migrate_to_chat_id":-1005}`), channels.VerdictPermanent},
		"no right there":            {refused(400, "Bad Request: not enough rights"), channels.VerdictPermanent},
		"the token was revoked":     {refused(401, "Unauthorized"), channels.VerdictUnauthorized},
		"too fast":                  {refused(429, "Too Many Requests: retry after 3", `{"retry_after":3}`), channels.VerdictRetry},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := started(t, nil)
			s.fail("editMessageText", of.answer)
			_, err := c.Edit(t.Context(), before, amended(t, c, channeltest.Update))
			suite.Refuses(t, "edit", err, of.want)
			s.fail("editMessageText")
			s.fail("deleteMessage", of.answer)
			err = c.Withdraw(t.Context(), before)
			suite.Refuses(t, "withdraw", err, of.want)
			if err != nil && channels.IsApart(err) != (of.want == channels.VerdictPermanent) {
				t.Errorf("apart: %v", err)
			}
		})
	}
}

func TestVerdictsOfEdits(t *testing.T) {
	for name, of := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
		gone   bool
	}{
		"not modified":          {refused(400, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"), channels.VerdictAccepted, false},
		"gone":                  {refused(400, "Bad Request: message to edit not found"), channels.VerdictPermanent, true},
		"cannot be edited":      {refused(400, "Bad Request: message can't be edited"), channels.VerdictPermanent, true},
		"another kind of post":  {refused(400, "Bad Request: there is no text in the message to edit"), channels.VerdictPermanent, true},
		"no number of a post":   {refused(400, "Bad Request: MESSAGE_ID_INVALID"), channels.VerdictPermanent, true},
		"too long":              {refused(400, "Bad Request: message is too long"), channels.VerdictPermanent, false},
		"no right":              {refused(400, "Bad Request: CHAT_ADMIN_REQUIRED"), channels.VerdictUnauthorized, false},
		"too fast":              {refused(429, "Too Many Requests: retry after 3", `{"retry_after":3}`), channels.VerdictRetry, false},
		"in trouble":            {refused(500, "Internal Server Error"), channels.VerdictUncertain, false},
		"a page":                {channeltest.HTML(502), channels.VerdictUncertain, false},
		"not found, by a proxy": {channeltest.HTML(404), channels.VerdictUnauthorized, false},
		// A server that failed may have edited all the same, whatever it says.
		"in trouble, in the words of another no": {refused(500, "Internal Server Error: message to edit not found"), channels.VerdictUncertain, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := started(t, nil)
			first := sent(t, c, suite.Rendered(t, c, channeltest.Moderate, "a"))
			s.fail("editMessageText", of.answer)
			r, err := c.Edit(t.Context(), first.ID, suite.Rendered(t, c, channeltest.Update, "b"))
			suite.Refuses(t, name, err, of.want)
			if got := errors.Is(err, channels.ErrPostGone); got != of.gone || got != channels.IsApart(err) && err != nil {
				t.Errorf("gone %v: %v", got, err)
			}
			if err == nil && r.ID != first.ID {
				t.Errorf("receipt %+v", r)
			}
		})
	}
	_, c := started(t, nil)
	_, err := c.Edit(t.Context(), "57", suite.Rendered(t, c, channeltest.Update, "b"))
	suite.Refuses(t, "not our id", err, channels.VerdictPermanent)
}

func TestWithdraw(t *testing.T) {
	s, c := started(t, nil)
	first := sent(t, c, suite.Rendered(t, c, channeltest.Actual, "a"))
	for range 2 { // what is gone is gone
		if err := c.Withdraw(t.Context(), first.ID); err != nil {
			t.Error(err)
		}
	}
	if n := len(s.at(town)); n != 0 {
		t.Errorf("%d posts", n)
	}
	for name, of := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
		says   string
	}{
		"older than two days": {refused(400, "Bad Request: message can't be deleted for everyone"), channels.VerdictPermanent, "48 hours"},
		"not ours to delete":  {refused(400, "Bad Request: message can't be deleted"), channels.VerdictPermanent, "by hand"},
		"no right to delete":  {refused(400, "Bad Request: not enough rights to delete a message"), channels.VerdictPermanent, "by hand"},
		"kicked":              {refused(403, "Forbidden: bot was kicked from the channel chat"), channels.VerdictUnauthorized, "administrator"},
		"too fast":            {refused(429, "Too Many Requests: retry after 3", `{"retry_after":3}`), channels.VerdictRetry, ""},
		"in trouble":          {channeltest.HTML(502), channels.VerdictUncertain, ""},
	} {
		s.fail("deleteMessage", of.answer)
		err := c.Withdraw(t.Context(), first.ID)
		suite.Refuses(t, name, err, of.want)
		if err != nil && !strings.Contains(err.Error(), of.says) {
			t.Errorf("%s: %q does not say %q", name, err, of.says)
		}
	}
	suite.Refuses(t, "not our id", c.Withdraw(t.Context(), "x"), channels.VerdictPermanent)
}

// The answers of edits and deletions are lost as those of posts are: repeating
// them does no harm.
func TestLostAnswersOfEdits(t *testing.T) {
	for name, fault := range map[string]channeltest.Fault{"dropped": channeltest.Drop(), "reset": channeltest.Reset(), "cut short": channeltest.Truncate(12)} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			proxy := channeltest.StartProxy(t, channeltest.StartStub(t, s, posting).Addr())
			c := channel(t, "http://"+proxy.Addr(), nil)
			m := suite.Rendered(t, c, channeltest.Moderate, "a")
			m.Image = card(t, 1200, 630)
			first := sent(t, c, m)
			m.Text += "\nCorretto."
			proxy.Break(fault, 1)
			_, err := c.Edit(t.Context(), first.ID, m)
			suite.Refuses(t, "edit", err, channels.VerdictUncertain)
			if r, err := c.Edit(t.Context(), first.ID, m); err != nil || r.ID != first.ID {
				t.Errorf("again: %+v, %v", r, err)
			}
			if got := s.at(town); len(got) != 1 || got[0].edits != 1 {
				t.Errorf("posts %+v", got)
			}
			proxy.Break(fault, 1)
			suite.Refuses(t, "withdraw", c.Withdraw(t.Context(), first.ID), channels.VerdictUncertain)
			if err := c.Withdraw(t.Context(), first.ID); err != nil || len(s.at(town)) != 0 {
				t.Errorf("again: %v", err)
			}
			// A picture's answer is lost as well, and is posted once.
			proxy.Break(fault, 1)
			_, err = c.Send(t.Context(), m)
			suite.Refuses(t, "picture", err, channels.VerdictUncertain)
			if n := len(s.at(town)); n != 1 {
				t.Errorf("%d posts", n)
			}
			s.clean(t)
		})
	}
}
