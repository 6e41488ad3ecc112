package x

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// card is a picture as the dispatcher fills it in; more is put behind it.
func card(more []byte) *channels.Image {
	return &channels.Image{Type: "image/png", Width: 1200, Height: 630, Alt: "Avviso - pericolo estremo: Alluvione. Pistoia sud, Quarrata.",
		Bytes: append([]byte("\x89PNG\r\n\x1a\n0000"), more...)}
}

func TestPostWithPicture(t *testing.T) {
	s := newServer(t)
	c := channel(t, channeltest.StartStub(t, s, posting).URL, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	m.Image = card(bytes.Repeat([]byte{7}, 200_000))
	r, err := c.Send(t.Context(), m)
	if err != nil || r.Note != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	p := s.posts[0]
	if p.text != m.Text || len(p.media) != 1 {
		t.Fatalf("%+v", p)
	}
	if got := s.pictures[p.media[0]]; got.alt != m.Image.Alt || got.size != len(m.Image.Bytes) {
		t.Errorf("%+v", got)
	}
	// A picture is no reason not to know the post again.
	if found, ok, err := c.Find(t.Context(), m); !ok || found.ID != r.ID || err != nil {
		t.Errorf("%+v, %v, %v", found, ok, err)
	}
}

func TestAltTextIsCutAtItsLimit(t *testing.T) {
	s := newServer(t)
	c := channel(t, channeltest.StartStub(t, s, posting).URL, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	m.Image = card(nil)
	m.Image.Alt = strings.Repeat("Una carta con la zona a sud. ", 60)
	if r, err := c.Send(t.Context(), m); err != nil || r.Note != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	if alt := s.pictures[s.posts[0].media[0]].alt; len(alt) < 900 || !strings.HasSuffix(alt, "sud.") {
		t.Errorf("%d: %q", len(alt), alt)
	}
}

// Whatever becomes of the picture, the words go out, once.
func TestAPictureNeverCostsTheAlert(t *testing.T) {
	forget := func(s *server) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s.takeAlt(w, r)
			clear(s.pictures)
		}
	}
	for name, c := range map[string]struct {
		prepare func(s *server)
		change  func(img *channels.Image)
	}{
		"too large":             {nil, func(img *channels.Image) { img.Bytes = append(img.Bytes, make([]byte, pictureLimit)...) }},
		"another type":          {nil, func(img *channels.Image) { img.Type = "image/jpeg" }},
		"the type is not known": {func(s *server) { s.upload = channeltest.Status(400, `{"detail":"media type unrecognized."}`) }, nil},
		"no right to upload": {func(s *server) {
			s.upload = channeltest.Status(403, `{"title":"Forbidden","type":"https://api.x.com/2/problems/oauth1-permissions"}`)
		}, nil},
		"too many uploads":           {func(s *server) { s.upload = channeltest.Status(429, `{}`, "x-rate-limit-reset", "4102444800") }, nil},
		"the upload fails":           {func(s *server) { s.upload = channeltest.HTML(502) }, nil},
		"the answer is a page":       {func(s *server) { s.upload = channeltest.HTML(200) }, nil},
		"the answer has no id":       {func(s *server) { s.upload = channeltest.Status(200, `{"data":{}}`) }, nil},
		"the upload is cut":          {func(s *server) { s.upload = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) } }, nil},
		"no description is taken":    {func(s *server) { s.describe = channeltest.Status(400, `{}`) }, nil},
		"the description breaks":     {func(s *server) { s.describe = channeltest.HTML(500) }, nil},
		"the post refuses the media": {func(s *server) { s.describe = forget(s) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			if c.prepare != nil {
				c.prepare(s)
			}
			stub := channeltest.StartStub(t, s, posting)
			ch := channel(t, stub.URL, nil)
			m := suite.Rendered(t, ch, channeltest.Actual, "a")
			m.Image = card(nil)
			if c.change != nil {
				c.change(m.Image)
			}
			r, err := ch.Send(t.Context(), m)
			if err != nil || !strings.HasPrefix(r.Note, "posted without the picture: ") {
				t.Fatalf("%+v, %v", r, err)
			}
			if len(s.posts) != 1 || s.posts[0].text != m.Text || s.posts[0].media != nil {
				t.Errorf("%+v", s.posts)
			}
			if name == "too large" && slices.Contains(s.calls, "POST /2/media/upload") {
				t.Error("it was sent all the same")
			}
			if name == "the post refuses the media" && !strings.Contains(r.Note, "media IDs") {
				t.Errorf("the note tells of something else: %s", r.Note)
			}
			for _, secret := range suite.Secrets {
				if strings.Contains(r.Note, secret) {
					t.Errorf("the note holds a secret: %s", r.Note)
				}
			}
		})
	}
}

// transport answers calls without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// X says nothing to the picture, or to its description: there is time left for
// the words.
func TestASilentUploadLeavesTimeForTheWords(t *testing.T) {
	for silent, want := range map[string]time.Duration{"/2/media/upload": uploadTimeout, "/2/media/metadata": describeTimeout} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			s.judge = func(*http.Request) error { return nil }
			c := channel(t, "http://api.x.example", nil)
			c.api.as.(*userToken).call.Client = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == silent {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				return w.Result(), nil
			})}
			m := suite.Rendered(t, c, channeltest.Actual, "a")
			m.Image = card(nil)
			began := time.Now()
			r, err := c.Send(t.Context(), m)
			if took := time.Since(began); err != nil || len(s.posts) != 1 || s.posts[0].media != nil || took != want || !strings.Contains(r.Note, "deadline") {
				t.Errorf("%s: %+v, %v after %v", silent, r, err, took)
			}
			// Where the time of the whole is over, nothing is posted, and surely so.
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err = c.Send(ctx, m)
			suite.Refuses(t, silent, err, channels.VerdictRetry)
			if len(s.posts) != 1 {
				t.Errorf("%s: %d posts", silent, len(s.posts))
			}
		})
	}
}

func TestAPictureThatIsNotThereIsNoMatter(t *testing.T) {
	s := newServer(t)
	c := channel(t, channeltest.StartStub(t, s, posting).URL, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	m.Image = &channels.Image{Type: "image/png", Alt: "Avviso"}
	if r, err := c.Send(t.Context(), m); err != nil || r.Note != "" || len(s.pictures) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
