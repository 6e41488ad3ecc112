package facebook

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// All revisions have the same link: the probe must not take the first alert for
// the update whose answer was lost.
func TestFindTellsRevisionsApart(t *testing.T) {
	f, c := start(t, nil)
	first, update := suite.Rendered(t, c, channeltest.Actual, "a"), suite.Rendered(t, c, channeltest.Update, "b")
	receipt, err := c.Send(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	found := func(name string, m channels.Message, want string) {
		t.Helper()
		r, ok, err := c.Find(t.Context(), m)
		if err != nil || ok != (want != "") || r.ID != want {
			t.Errorf("%s: %+v, %v, %v; want %q", name, r, ok, err, want)
		}
	}
	found("the alert", first, receipt.ID)
	found("the update", update, "")
	later := first
	later.Sent = first.Sent.Add(time.Hour)
	found("the same words, published later", later, "")
	ahead := first
	ahead.Sent = f.find(receipt.ID).created.Add(4 * time.Minute)
	found("published by a clock that is four minutes ahead", ahead, receipt.ID)

	p := f.find(receipt.ID)
	p.message = strings.Replace(p.message, "auto.", "auto …", 1)
	found("a text that was touched on its way", first, receipt.ID)
	head, _, _ := strings.Cut(first.Text, "\n")
	p.message = head + "\nIl sottopasso di via Roma è chiuso. Passate da via Verdi.\n" + first.URL
	found("the same first line and link, other words", first, "")
	p.message = strings.Replace(first.Text, "estremo", "grave", 1)
	if p.message == first.Text {
		t.Error("the next case proves nothing")
	}
	found("one word is another one", first, "")
	p.message = strings.ReplaceAll(first.Text, "\n", " \n\n ")
	found("other spaces", first, receipt.ID)

	second := first
	second.Previous = receipt.ID
	found("the post before, within the same minute", second, "")
	second.Previous, second.Standing = "", []string{"1_2", receipt.ID}
	found("a post that stands, within the same minute", second, "")

	p.published = false
	found("an unpublished post", first, "")
	p.published = true
	english, err := c.Render(channeltest.Sample(channeltest.Actual))
	if err != nil || len(english) != 2 {
		t.Fatal(err)
	}
	other := english[1]
	other.Sent = first.Sent
	found("the same alert in another language", other, "")
	if other.Text == "" || !strings.Contains(other.Text, first.URL) {
		t.Errorf("the case proves nothing: %q", other.Text)
	}
	p.created = time.Time{}
	p.message = strings.Replace(p.message, "auto.", "auto …", 1)
	found("a text that was touched, at an unknown time", first, "")
}

// What others write at the page is no post of ours: it is not asked for.
func TestFindLooksAtThePagesOwnPosts(t *testing.T) {
	f, c := start(t, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	for i := range 60 { // more than one page of posts
		f.posts = append(f.posts, &fakePost{id: fmt.Sprint(pageID, "_9", i), message: "Mercato in piazza", published: true, created: channeltest.SampleSent})
	}
	receipt, err := c.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if r, found, err := c.Find(t.Context(), m); err != nil || !found || r.ID != receipt.ID || r.URL != receipt.URL {
		t.Errorf("%+v, %v, %v", r, found, err)
	}
	if seen := f.String(); strings.Contains(seen, "GET "+pageID+"/feed") || !strings.Contains(seen, "GET "+pageID+"/published_posts") {
		t.Errorf("asked %s", seen)
	}
}

// Lost answers of the two calls of a post with a picture: the first harms
// nobody, the second is looked for.
func TestLostAnswersWithAPicture(t *testing.T) {
	for name, fault := range map[string]channeltest.Fault{"dropped": channeltest.Drop(), "reset": channeltest.Reset(), "cut short": channeltest.Truncate(12)} {
		for _, call := range []string{"/photos", "/feed"} {
			t.Run(name+" "+call, func(t *testing.T) {
				f := newGraphStub(t)
				stub := channeltest.StartStub(t, f, posting)
				proxy := channeltest.StartProxy(t, stub.Addr())
				c := channel(t, "http://"+proxy.Addr(), nil)
				if _, err := c.Send(t.Context(), pictured(t, c, channeltest.Actual, "a")); err != nil {
					t.Fatal(err)
				}
				m := pictured(t, c, channeltest.Update, "b")
				f.mu.Lock()
				f.script = func(_ http.ResponseWriter, r *http.Request) bool {
					if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, call) {
						proxy.Break(fault, 1) // it acts, and its answer is lost
						f.script = nil
					}
					return false
				}
				f.mu.Unlock()
				_, err := c.Send(t.Context(), m)
				want, posts := channels.VerdictRetry, 1
				if call == "/feed" {
					want, posts = channels.VerdictUncertain, 2
				}
				suite.Refuses(t, name+call, err, want)
				if f.public() != posts || proxy.Hits() != 1 {
					t.Errorf("%d posts, want %d; %d answers lost", f.public(), posts, proxy.Hits())
				}
				receipt, found, err := c.Find(t.Context(), m)
				if err != nil || found != (call == "/feed") {
					t.Errorf("find: %+v, %v, %v", receipt, found, err)
				}
				if !found { // then it is sent again
					receipt, err = c.Send(t.Context(), m)
				}
				if p := f.find(receipt.ID); err != nil || f.public() != 2 || p == nil || p.message != m.Text || p.photo == "" {
					t.Errorf("%v: %d posts, %+v", err, f.public(), p)
				}
			})
		}
	}
}

// Crashes between request and answer, 50 times: one post each time.
func TestCrashAfterTheRequestLeft(t *testing.T) {
	f := newGraphStub(t)
	stub := channeltest.StartStub(t, f, posting)
	c := channel(t, stub.URL, nil)
	for i := range 50 {
		m := pictured(t, c, channeltest.Actual, fmt.Sprint("a", i))
		m.Text = strings.Replace(m.Text, "Alluvione", fmt.Sprint("Alluvione ", i), 1)
		stub.Answer(stub.Cut())
		_, err := c.Send(t.Context(), m)
		suite.Refuses(t, "cut", err, channels.VerdictUncertain)
		stub.Answer(nil)
		after := channel(t, stub.URL, nil) // the program that starts again
		receipt, found, err := after.Find(t.Context(), m)
		if err != nil || !found || f.find(receipt.ID).message != m.Text {
			t.Fatalf("%d: %+v, %v, %v", i, receipt, found, err)
		}
	}
	if f.public() != 50 || stub.Posts() != 50 {
		t.Errorf("%d posts of %d calls", f.public(), stub.Posts())
	}
}
