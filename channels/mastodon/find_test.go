package mastodon

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func errorsIsGone(err error) bool { return errors.Is(err, channels.ErrPostGone) }

// All revisions have the same link: the probe must not take the first alert for
// the update whose answer was lost.
func TestFindTellsRevisionsApart(t *testing.T) {
	s, _, c := start(t, nil)
	first, update := suite.Rendered(t, c, channeltest.Actual, "a"), suite.Rendered(t, c, channeltest.Update, "b")
	posted := send(t, c, first)
	finds(t, c, "the update", update, "")
	finds(t, c, "the alert", first, posted.ID)
	// The same text again, published later, is not the earlier post.
	later := first
	later.Sent = first.Sent.Add(time.Hour)
	finds(t, c, "a newer one of the same words", later, "")
	// The server may change the text a little.
	s.posts[0].Content = strings.Replace(s.posts[0].Content, "auto.", "auto …", 1)
	finds(t, c, "a text that the server changed", first, posted.ID)
	// A second message of nearly the same words within the minute hangs on the
	// first one, and is not it.
	second := first
	second.Previous = posted.ID
	finds(t, c, "one that hangs on the first", second, "")
	second.Previous, second.Standing = "", []string{posted.ID}
	finds(t, c, "one of which the first is known", second, "")
}

// What is more severe hangs on nothing, so the post before it is not known: one
// word tells the two apart, within the minute that clocks may differ.
func TestFindTellsGraveFromExtreme(t *testing.T) {
	_, _, c := start(t, nil)
	grave, extreme := suite.Rendered(t, c, channeltest.Update, "b"), suite.Rendered(t, c, channeltest.Update, "c")
	grave.Text = strings.ReplaceAll(grave.Text, "estremo", "grave")
	if grave.Text == extreme.Text {
		t.Fatal("the two are alike")
	}
	posted := send(t, c, grave)
	finds(t, c, "the extreme one", extreme, "")
	finds(t, c, "the grave one", grave, posted.ID)
}

// The server wraps hashtags and links, and escapes what HTML needs.
func FuzzPlainIsWhatWasWritten(f *testing.F) {
	for _, seed := range []string{"Piove & <forte> \"subito\" è 🔥\nhttps://a.example/x?y=1&z=2 #allertameteo_TOS", "#1 #a# ##b", "a\n\nb", "&amp; &lt;b&gt;", "https://a.example/#x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(strings.Map(func(r rune) rune {
			if r == '\r' || r == 0 {
				return -1
			}
			return r
		}, text), "")
		if got := plain(asHTML(text)); packed(got) != packed(text) {
			t.Errorf("%q reads %q", text, got)
		}
		unmentioned(text)
	})
}

func TestUnmentioned(t *testing.T) {
	for text, want := range map[string]string{"@anna e @anna@altrove.example": "@ anna e @ anna@altrove.example", "scrivi a allerta@comune.example": "scrivi a allerta@comune.example", "(@è)": "(@ è)", "": ""} {
		if got := unmentioned(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func finds(t *testing.T, c *Channel, name string, m channels.Message, want string) {
	t.Helper()
	r, found, err := c.Find(t.Context(), m)
	if err != nil || found != (want != "") || r.ID != want {
		t.Errorf("%s: found %v %q, %v; want %q", name, found, r.ID, err, want)
	}
}

// Somebody may correct a typing error by hand before we look, and an earlier
// post may meanwhile point to what took its place.
func TestFindKnowsWhatWasEdited(t *testing.T) {
	_, _, c := start(t, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	posted := send(t, c, m)
	changed := m
	changed.Text, changed.Image = "Chiamate il 112 se siete in pericolo.", nil
	if _, err := c.Edit(t.Context(), posted.ID, changed); err != nil {
		t.Fatal(err)
	}
	finds(t, c, "a post that was edited", m, posted.ID)
	finds(t, c, "another one", suite.Rendered(t, c, channeltest.Update, "b"), "")

	update := suite.Rendered(t, c, channeltest.Update, "b")
	update.Previous = posted.ID
	if _, err := c.Edit(t.Context(), posted.ID, update); err != nil { // it now reads like the update
		t.Fatal(err)
	}
	finds(t, c, "an earlier post that reads like it now", update, "")
}

func TestFindLooksBeyondThePage(t *testing.T) {
	s, _, c := start(t, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	posted := send(t, c, m)
	for i := range 90 {
		s.next++
		s.posts = append([]*post{{ID: fmt.Sprint(s.next), Content: asHTML(fmt.Sprint("Auguri ", i)), CreatedAt: m.Sent.Add(time.Hour).Format(time.RFC3339)}}, s.posts...)
	}
	finds(t, c, "behind 90 others", m, posted.ID)
	// It stops at what is older than the alert.
	ahead := m
	ahead.Sent = m.Sent.Add(4 * time.Minute)
	finds(t, c, "published by a clock that is four minutes ahead", ahead, posted.ID)
	before := len(s.calls)
	m.Sent = m.Sent.Add(30 * time.Minute)
	finds(t, c, "older than the alert", m, "")
	if n := len(s.calls) - before; n > 4 {
		t.Errorf("%d calls", n)
	}
}

// More posts than are looked through: nobody can say that it is not there.
func TestFindThatDoesNotComeToTheEnd(t *testing.T) {
	s, _, c := start(t, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	send(t, c, m)
	for i := range mostPages * pageSize {
		s.next++
		s.posts = append([]*post{{ID: fmt.Sprint(s.next), Content: asHTML(fmt.Sprint("Auguri ", i)), CreatedAt: m.Sent.Add(time.Hour).Format(time.RFC3339)}}, s.posts...)
	}
	_, found, err := c.Find(t.Context(), m)
	if v, _ := channels.VerdictOf(err); found || err == nil || v != channels.VerdictRetry {
		t.Errorf("%v, %v", found, err)
	}
}

// What cannot be looked up is not "not there".
func TestFindThatCannotLook(t *testing.T) {
	s, _, c := start(t, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	for name, path := range map[string]string{"who am I": "verify_credentials", "the timeline": "/7/statuses", "the history": "/history"} {
		for _, h := range []http.HandlerFunc{channeltest.Status(500, `{}`), channeltest.Status(503, `{}`), channeltest.HTML(200)} {
			broken := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, path) {
					h(w, r)
					return
				}
				s.ServeHTTP(w, r)
			})
			ch := channel(t, channeltest.StartStub(t, broken, posting).URL, nil)
			if len(s.posts) == 0 {
				posted := send(t, c, m)
				at := "2026-11-21T12:00:00.000Z"
				s.find(posted.ID).EditedAt, s.find(posted.ID).Content = &at, "<p>altro</p>"
			}
			_, found, err := ch.Find(t.Context(), m)
			if v, _ := channels.VerdictOf(err); err == nil || found || v != channels.VerdictRetry {
				t.Errorf("%s: found %v, %s, %v", name, found, v, err)
			}
		}
	}
}
