package bluesky

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

var suite = channeltest.Suite{
	New:      func(t testing.TB, baseURL string) channels.Channel { return channel(t, baseURL, nil) },
	Platform: func(t testing.TB) http.Handler { return newPDS(t) },
	Posting:  func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/com.atproto.repo.putRecord") },
	Secrets:  []string{password},
}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) {
	c := channel(t, "https://pds.example.test", nil)
	channeltest.Golden(t, c)
	channeltest.GoldenPosts(t, c)
}

// Every real message is within the limits, as other people's code counts them.
func TestRealMessagesAreWithinTheLimits(t *testing.T) {
	counts := channeltest.StartCounts(t)
	channeltest.Limits(t, channel(t, "https://pds.example.test", nil), counts,
		channeltest.Bound{Unit: "graphemes", Max: 300, Oracle: counts.Graphemes}, channeltest.Bound{Unit: "bytes", Max: 3000, Oracle: counts.Bytes})
}

// sent posts a message that must be taken.
func sent(t testing.TB, c *Channel, m channels.Message) channels.Receipt {
	t.Helper()
	r, err := c.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// verdict checks what an error decides, and that it holds no secret.
func verdict(t testing.TB, name string, err error, want channels.Verdict) time.Duration {
	t.Helper()
	return suite.Refuses(t, name, err, want)
}

func picture64() []byte { return []byte("\x89PNG\r\n\x1a\n" + strings.Repeat("pixel", 200)) }

func TestWhatIsPosted(t *testing.T) {
	s, c := start(t)
	c.posts.Settings.Hashtags = channels.Hashtags{{Tags: []string{"allertameteoTOS"}}}
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	r := sent(t, c, m)
	p := s.post(t, r)
	if p["text"] != m.Text || p["createdAt"] != "2026-11-21T10:00:00.000Z" || fmt.Sprint(p["langs"]) != "[it]" {
		t.Errorf("posted %v", p)
	}
	if want := "https://bsky.app/profile/" + did + "/post/" + strings.TrimPrefix(r.ID, "at://"+did+"/app.bsky.feed.post/"); r.URL != want {
		t.Errorf("the page is %s, want %s", r.URL, want)
	}
	got := map[string]string{}
	for _, f := range facets(m.Text) {
		got[m.Text[f.Index.Start:f.Index.End]] = f.Features[0].URI + f.Features[0].Tag
	}
	if len(got) != 2 || got[m.URL] != m.URL || got["#allertameteoTOS"] != "allertameteoTOS" || len(p["facets"].([]any)) != 2 {
		t.Errorf("facets %v", got)
	}
	embed := p["embed"].(map[string]any)
	if embed["$type"] != "app.bsky.embed.external" || fmt.Sprint(embed["external"]) != fmt.Sprint(map[string]any{"uri": m.URL, "title": m.Title, "description": "Comune di Pistoia"}) {
		t.Errorf("the card: %v", embed)
	}
}

func TestThePictureGoesWithTheWords(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc // to the upload
		put    http.HandlerFunc // to the record with a picture
		bytes  int
		embed  string
		note   string
		want   channels.Verdict
		puts   int
	}{
		"taken":                        {nil, nil, 1000, "app.bsky.embed.images", "", channels.VerdictAccepted, 1},
		"larger than a picture may be": {nil, nil, 1_000_001, "app.bsky.embed.external", "without the picture", channels.VerdictAccepted, 1},
		"refused for its size":         {channeltest.Status(413, `{"error":"PayloadTooLarge"}`), nil, 1000, "app.bsky.embed.external", "without the picture", channels.VerdictAccepted, 1},
		"refused for its type":         {channeltest.Status(400, `{"error":"InvalidMimeType"}`), nil, 1000, "app.bsky.embed.external", "without the picture", channels.VerdictAccepted, 1},
		"lost by the server":           {channeltest.Status(200, `{"blob":{"$type":"blob","ref":{"$link":"bafkreix"},"mimeType":"image/png","size":1000}}`), nil, 1000, "", "BlobNotFound", channels.VerdictAccepted, 2},
		"too many requests":            {channeltest.Status(429, `{"error":"RateLimitExceeded"}`, "Retry-After", "289"), nil, 1000, "app.bsky.embed.external", "without the picture", channels.VerdictAccepted, 1},
		"the server is ill":            {channeltest.Status(500, `{"error":"InternalServerError"}`), nil, 1000, "", "", channels.VerdictRetry, 0},
		"a page instead of an answer":  {channeltest.HTML(200), nil, 1000, "", "", channels.VerdictRetry, 0},
		"an answer without a blob":     {channeltest.Status(200, `{}`), nil, 1000, "", "", channels.VerdictRetry, 0},
		"the account may not":          {channeltest.Status(403, `{"error":"Forbidden"}`), nil, 1000, "", "", channels.VerdictUnauthorized, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, ch := start(t)
			s.answer("uploadBlob", c.answer)
			m := suite.Rendered(t, ch, channeltest.Actual, "a")
			m.Image.Bytes = append(picture64(), make([]byte, c.bytes)...)[:c.bytes]
			r, err := ch.Send(t.Context(), m)
			verdict(t, "send", err, c.want)
			if n := s.count("putRecord"); n != c.puts {
				t.Errorf("%d records written, want %d", n, c.puts)
			}
			if (c.note == "") != (r.Note == "") || !strings.Contains(r.Note, c.note) {
				t.Errorf("the note is %q, want %q", r.Note, c.note)
			}
			if err != nil {
				return
			}
			p := s.post(t, r)
			embed, _ := p["embed"].(map[string]any)
			if kind, _ := embed["$type"].(string); kind != c.embed || p["text"] != m.Text {
				t.Errorf("embed %v, text %v", embed, p["text"])
			}
			if c.embed == "app.bsky.embed.images" {
				one := embed["images"].([]any)[0].(map[string]any)
				if one["alt"] != m.Image.Alt || m.Image.Alt == "" || fmt.Sprint(one["aspectRatio"]) != "map[height:630 width:1200]" {
					t.Errorf("the picture: %v", one)
				}
			}
		})
	}
}

// Where the server takes words and no pictures, the words go with the second
// try.
func TestWordsDoNotWaitForPicturesForEver(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"the server is ill":           channeltest.Status(500, `{"error":"InternalServerError"}`),
		"a page instead of an answer": channeltest.HTML(502),
		"nobody answers": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the caller left
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := start(t)
			c.uploadTime = 100 * time.Millisecond
			s.answer("uploadBlob", answer)
			m := suite.Rendered(t, c, channeltest.Actual, "a")
			m.Image.Bytes = picture64()
			_, err := c.Send(t.Context(), m)
			verdict(t, "the first try", err, channels.VerdictRetry)
			if r := sent(t, c, m); s.count("putRecord") != 1 || !strings.Contains(r.Note, "without the picture") {
				t.Errorf("%d records, note %q", s.count("putRecord"), r.Note)
			}
		})
	}
}

func TestAnAccountMayGoWithoutPictures(t *testing.T) {
	c := channel(t, "https://pds.example.test", func(c *Config) { c.NoImage = true })
	messages, err := c.Render(channeltest.Sample(channeltest.Actual))
	if err != nil || messages[0].Image != nil {
		t.Errorf("%+v, %v", messages, err)
	}
}

func TestAnEventIsOneThread(t *testing.T) {
	s, c := start(t)
	first := sent(t, c, suite.Rendered(t, c, channeltest.Actual, "a"))
	previous := first.ID
	for _, kind := range []channeltest.Kind{channeltest.Update, channeltest.AllClear} {
		m := suite.Rendered(t, c, kind, string(kind))
		m.Previous = previous
		r := sent(t, c, m)
		reply, _ := s.post(t, r)["reply"].(map[string]any)
		root, parent := reply["root"].(map[string]any), reply["parent"].(map[string]any)
		if root["uri"] != first.ID || parent["uri"] != previous || root["cid"] == "" || r.Note != "" {
			t.Errorf("%s: %v, %+v", kind, reply, r)
		}
		previous = r.ID
	}
}

func TestAnAlertDoesNotWaitForItsThread(t *testing.T) {
	for name, c := range map[string]struct {
		previous string
		answer   http.HandlerFunc // to getRecord
		want     channels.Verdict
		note     string
	}{
		"the earlier post is gone":        {uriOf("3lalertabcdef"), nil, channels.VerdictAccepted, "is gone"},
		"its id is no address":            {"17", nil, channels.VerdictAccepted, "is gone"},
		"it is of an account that moved":  {"at://did:plc:zzzzzzzzzzzzzzzzzzzzzzzz/app.bsky.feed.post/3lalertabcdef", nil, channels.VerdictAccepted, "is gone"},
		"the server has it no proper way": {uriOf("3lalertabcdef"), channeltest.Status(200, `{"uri":7}`), channels.VerdictAccepted, "not in the thread"},
		"it has no version":               {uriOf("3lalertabcdef"), channeltest.Status(200, `{"uri":"at://x"}`), channels.VerdictAccepted, "not in the thread"},
		"the server cannot read it":       {uriOf("3lalertabcdef"), channeltest.Status(500, `{"error":"InternalServerError"}`), channels.VerdictAccepted, "not in the thread"},
		"the server refuses":              {uriOf("3lalertabcdef"), channeltest.Status(400, `{"error":"RepoNotFound"}`), channels.VerdictAccepted, "not in the thread"},
		"the server wants us to wait":     {uriOf("3lalertabcdef"), channeltest.Status(429, `{}`, "Retry-After", "3"), channels.VerdictRetry, ""},
		"the server starts":               {uriOf("3lalertabcdef"), channeltest.HTML(503), channels.VerdictRetry, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, ch := start(t)
			s.answer("getRecord", c.answer)
			m := suite.Rendered(t, ch, channeltest.Update, "b")
			m.Previous = c.previous
			r, err := ch.Send(t.Context(), m)
			verdict(t, "send", err, c.want)
			if (c.note == "") != (r.Note == "") || !strings.Contains(r.Note, c.note) {
				t.Errorf("the note is %q, want %q", r.Note, c.note)
			}
			if err == nil && s.post(t, r)["reply"] != nil {
				t.Error("it answers something")
			}
			if want := map[bool]int{true: 1, false: 0}[err == nil]; s.count("putRecord") != want {
				t.Errorf("%d records written, want %d", s.count("putRecord"), want)
			}
		})
	}
}

func TestTheSameMessageIsTheSamePost(t *testing.T) {
	s, c := start(t)
	messages, err := c.Render(channeltest.Sample(channeltest.Actual))
	if err != nil || len(messages) != 2 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	var ids []string
	for range 3 {
		for _, m := range messages {
			m.Key, m.Sent = "a/1/comune-bluesky/", channeltest.SampleSent
			ids = append(ids, sent(t, c, m).ID)
		}
	}
	if len(s.records) != 2 || ids[0] == ids[1] || ids[0] != ids[2] || ids[1] != ids[5] {
		t.Errorf("%d posts, %v", len(s.records), ids)
	}
}

func TestWithdraw(t *testing.T) {
	s, c := start(t)
	r := sent(t, c, suite.Rendered(t, c, channeltest.Actual, "a"))
	for range 2 { // what is gone is gone
		if err := c.Withdraw(t.Context(), r.ID); err != nil {
			t.Error(err)
		}
	}
	if len(s.records) != 0 {
		t.Error("it is still there")
	}
	verdict(t, "of another account", c.Withdraw(t.Context(), "at://did:plc:zzzzzzzzzzzzzzzzzzzzzzzz/app.bsky.feed.post/3lalertabcdef"), channels.VerdictPermanent)
	verdict(t, "no address", c.Withdraw(t.Context(), "at://"+did+"/app.bsky.feed.like/3lalertabcdef"), channels.VerdictPermanent)
	if n := s.count("deleteRecord"); n != 2 {
		t.Errorf("%d deletions asked for", n)
	}
	s.answer("deleteRecord", channeltest.Status(400, `{"error":"RecordNotFound"}`))
	verdict(t, "a server that says so", c.Withdraw(t.Context(), r.ID), channels.VerdictAccepted)
	s.answer("deleteRecord", channeltest.Status(500, `{"error":"InternalServerError"}`))
	verdict(t, "perhaps", c.Withdraw(t.Context(), r.ID), channels.VerdictUncertain)
}

func TestFindTellsRevisionsApart(t *testing.T) {
	s, c := start(t)
	first, update := suite.Rendered(t, c, channeltest.Actual, "a"), suite.Rendered(t, c, channeltest.Update, "b")
	posted := sent(t, c, first)
	update.Previous = posted.ID
	if _, found, err := c.Find(t.Context(), update); found || err != nil {
		t.Errorf("the update: found %v, %v", found, err)
	}
	if r, found, err := c.Find(t.Context(), first); !found || r.ID != posted.ID || r.URL != posted.URL || err != nil {
		t.Errorf("the alert: %+v, %v, %v", r, found, err)
	}
	later := first
	later.Key, later.Sent = "c", first.Sent.Add(time.Hour)
	if _, found, _ := c.Find(t.Context(), later); found {
		t.Error("an older post was taken for a newer one")
	}
	// Other words under our key: sending puts ours in their place.
	first.Text += "\nE ancora."
	if _, found, err := c.Find(t.Context(), first); found || err != nil {
		t.Errorf("other words: found %v, %v", found, err)
	}
	if r := sent(t, c, first); r.ID != posted.ID || s.post(t, r)["text"] != first.Text || len(s.records) != 1 {
		t.Errorf("sent again: %+v, %d posts", r, len(s.records))
	}
	for status, want := range map[int]channels.Verdict{500: channels.VerdictRetry, 429: channels.VerdictRetry, 400: channels.VerdictPermanent} {
		s.answer("getRecord", channeltest.Status(status, `{"error":"Other"}`))
		_, found, err := c.Find(t.Context(), first)
		if verdict(t, fmt.Sprint(status), err, want); found {
			t.Errorf("%d: found", status)
		}
	}
}

// What the server answers to a post, as captured or as its source has it.
func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   channels.Verdict
		puts   int // how often the record is written
	}{
		"a text that is too long":            {400, `{"error":"InvalidRequest","message":"Invalid app.bsky.feed.post record: grapheme too big (maximum 300, got 301) at $.record.text"}`, channels.VerdictPermanent, 2},
		"a key that is none":                 {400, `{"error":"InvalidRequest","message":"Invalid record key for app.bsky.feed.post: Invalid TID string"}`, channels.VerdictPermanent, 2},
		"no token":                           {401, `{"error":"AuthMissing","message":"Authentication Required"}`, channels.VerdictUnauthorized, 2},
		"a token that cannot be verified":    {400, `{"error":"InvalidToken","message":"Token could not be verified"}`, channels.VerdictUnauthorized, 2},
		"a token that has expired":           {400, `{"error":"ExpiredToken","message":"Token has expired"}`, channels.VerdictUnauthorized, 2},
		"a token that has expired, with 401": {401, `{"error":"ExpiredToken","message":"Token has expired"}`, channels.VerdictUnauthorized, 2},
		"an account that was taken down":     {401, `{"error":"AccountTakedown","message":"Account has been taken down"}`, channels.VerdictUnauthorized, 1},
		"an account that is deactivated":     {401, `{"error":"AccountDeactivated","message":"Account is deactivated"}`, channels.VerdictUnauthorized, 1},
		"an account that is not there":       {403, `{"error":"AccountNotFound","message":"Account not found"}`, channels.VerdictUnauthorized, 1},
		"a record that is too large":         {413, `{"error":"PayloadTooLarge","message":"request entity too large"}`, channels.VerdictPermanent, 1},
		"too many writes":                    {429, `{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}`, channels.VerdictRetry, 1},
		"an error of the server":             {500, `{"error":"InternalServerError","message":"Internal Server Error"}`, channels.VerdictUncertain, 1},
		"an error behind the server":         {502, `{"error":"UpstreamFailure","message":"Upstream Failure"}`, channels.VerdictUncertain, 1},
		"a server that is full":              {503, `{"error":"NotEnoughResources","message":"Not Enough Resources"}`, channels.VerdictRetry, 1},
		"a server that took too long":        {504, `{"error":"UpstreamTimeout","message":"Upstream Timeout"}`, channels.VerdictUncertain, 1},
		"a server that has no such method":   {501, `{"error":"MethodNotImplemented","message":"Method Not Implemented"}`, channels.VerdictUncertain, 1},
		"an address without a cid":           {200, `{"uri":"` + uriOf("3lalertabcdef") + `"}`, channels.VerdictUncertain, 1},
		"a cid without an address":           {200, `{"cid":"bafyrei"}`, channels.VerdictUncertain, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, ch := start(t)
			s.answer("putRecord", channeltest.Status(c.status, c.body))
			_, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "a"))
			verdict(t, "send", err, c.want)
			if n := s.count("putRecord"); n != c.puts {
				t.Errorf("the record was written %d times, want %d", n, c.puts)
			}
		})
	}
}

func TestTheServerSaysHowLongToWait(t *testing.T) {
	s, c := start(t)
	s.answer("putRecord", channeltest.Status(429, `{"error":"RateLimitExceeded"}`, "RateLimit-Limit", "3000", "RateLimit-Remaining", "0", "RateLimit-Policy", "3000;w=300",
		"Retry-After", "289"))
	_, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.Actual, "a"))
	// The stub's own RateLimit-Reset is five minutes away, the later of the two.
	if wait := verdict(t, "429", err, channels.VerdictRetry); wait < 289*time.Second || wait > 5*time.Minute {
		t.Errorf("wait %v", wait)
	}
}

func TestLengthIsWhatBinds(t *testing.T) {
	for text, want := range map[string]int{
		"":                       0,
		"piove":                  5,
		strings.Repeat("è", 300): 300,
		strings.Repeat("👨‍👩‍👧‍👦", 4):        10, // of 100 bytes
		strings.Repeat("👨‍👩‍👧‍👦", 200):      500,
		strings.Repeat("🔥", 300):            300,
		strings.Repeat("e\u0301", 10):       10,
		"عاصفة":                             5,
		strings.Repeat("x", 11) + "👨‍👩‍👧‍👦": 12,
	} {
		if got := length(text); got != want {
			t.Errorf("%.30q: %d, want %d", text, got, want)
		}
	}
	c := channel(t, "https://pds.example.test", nil)
	if got := c.Measure("piove"); got != (channels.Measure{Unit: "graphemes", Used: 5, Max: 300, Part: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestWhatTheServerWouldRefuseIsNeverRendered(t *testing.T) {
	s, c := start(t)
	r := channeltest.Sample(channeltest.Actual, "it")
	r.Alert.Infos[0].Instruction = strings.Repeat("👨‍👩‍👧‍👦 ", 290) + strings.Repeat("Salite ai piani alti. ", 50)
	r.Alert.Infos[0].Language = "it-x-ponte"
	messages, err := c.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	messages[0].Key, messages[0].Sent = "a", channeltest.SampleSent
	if p := s.post(t, sent(t, c, messages[0])); fmt.Sprint(p["langs"]) != "[it]" || len(messages[0].Text) > 3000 {
		t.Errorf("%d bytes, posted %v", len(messages[0].Text), p)
	}
}

func TestLanguageOfAPost(t *testing.T) {
	for language, want := range map[string]string{"it": "[it]", "it-IT": "[it-IT]", "de-AT": "[de-AT]", "it-x-ponte": "[it]", "zh-Hant-TW": "[zh]", "lld": "[lld]", "italiano": "[]", "": "[]", "IT": "[it]"} {
		if got := fmt.Sprint(langs(language)); got != want {
			t.Errorf("%q: %s, want %s", language, got, want)
		}
	}
}

func TestLimitsKeepRoomForCorrections(t *testing.T) {
	c := channel(t, "https://pds.example.test", func(c *Config) { c.PointsPerHour = 300 })
	if got, want := c.Limit(), (channels.Limit{PerSecond: 1, Burst: 10, Window: 1, PerHour: 100, PerDay: 11666, Reserve: 0.25}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestNobodyRehearsesInPublic(t *testing.T) {
	s, c := start(t)
	if _, err := c.Rehearse(t.Context(), "Prova"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	if s.count("putRecord") != 0 {
		t.Error("posted")
	}
	if r := c.Renewal(); strings.Contains(r, password) || !strings.Contains(r, handle) || !strings.Contains(r, c.config.PasswordFile) {
		t.Errorf("renewal: %q", r)
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*pds)
		config func(*Config)
		want   channels.Verdict
		says   string
	}{
		"all is well":                    {nil, nil, channels.VerdictAccepted, ""},
		"an account named by its DID":    {nil, func(c *Config) { c.Handle = did }, channels.VerdictAccepted, ""},
		"a wrong password":               {nil, func(c *Config) { c.PasswordFile = "other" }, channels.VerdictUnauthorized, "signing in"},
		"an account that is deactivated": {func(s *pds) { s.inactive = "deactivated" }, nil, channels.VerdictUnauthorized, "deactivated"},
		"a handle that leads nowhere": {func(s *pds) {
			s.script["resolveHandle"] = channeltest.Status(400, `{"error":"InvalidRequest","message":"Unable to resolve handle"}`)
		}, nil, channels.VerdictPermanent, "nobody finds"},
		"a handle that leads elsewhere": {func(s *pds) {
			s.script["resolveHandle"] = channeltest.Status(200, `{"did":"did:plc:zzzzzzzzzzzzzzzzzzzzzzzz"}`)
		}, nil, channels.VerdictPermanent, "another account"},
		"a handle that leads to nonsense": {func(s *pds) { s.script["resolveHandle"] = channeltest.Status(200, `{"did":"17"}`) }, nil, channels.VerdictRetry, "no account"},
		"a directory that is away":        {func(s *pds) { s.script["resolveHandle"] = channeltest.Status(502, `{"error":"UpstreamFailure"}`) }, nil, channels.VerdictRetry, "502"},
		"a server that is ill":            {func(s *pds) { s.script["describeServer"] = channeltest.HTML(500) }, nil, channels.VerdictRetry, "500"},
		"no server of this kind":          {func(s *pds) { s.script["describeServer"] = channeltest.Status(200, `{}`) }, nil, channels.VerdictRetry, "describe"},
		"a session that is not ours": {func(s *pds) {
			s.script["getSession"] = channeltest.Status(200, `{"did":"did:plc:zzzzzzzzzzzzzzzzzzzzzzzz","handle":"x.test"}`)
		}, func(c *Config) { c.Handle = did }, channels.VerdictUnauthorized, "another account"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := start(t)
			if c.change != nil {
				c.change(s)
			}
			ch := channel(t, s.url, func(config *Config) {
				if c.config != nil {
					c.config(config)
				}
				if config.PasswordFile == "other" {
					config.PasswordFile = secretFile(t, "aaaa-bbbb-cccc-dddd")
				}
			})
			err := ch.Check(t.Context())
			verdict(t, "check", err, c.want)
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
			if s.count("putRecord")+s.count("uploadBlob") != 0 {
				t.Error("it posted something")
			}
		})
	}
}

func TestAccountOfOneLanguage(t *testing.T) {
	c := channel(t, "https://pds.example.test", func(c *Config) { c.Language = "en" })
	for languages, want := range map[string]string{"it en": "en", "it de": "it", "de": "de"} {
		messages, err := c.Render(channeltest.Sample(channeltest.Actual, strings.Fields(languages)...))
		if err != nil || len(messages) != 1 || messages[0].Language != want {
			t.Errorf("%s: got %+v, %v", languages, messages, err)
		}
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	_, err := New("B", Config{PDS: "bsky.social", Handle: "comune", PerSecond: -1, PointsPerHour: -5}, channeltest.Settings(), zap.NewNop())
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"name", "pds", "handle", "per_second", "points_per_hour", "password_file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	c, err := New("b2", Config{Handle: " @Comune.Example.test", PasswordFile: secretFile(t, password)}, channeltest.Settings(), zap.NewNop())
	if err != nil || c.config.PDS != "https://bsky.social" || c.config.Handle != handle || c.config.PerSecond != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}
