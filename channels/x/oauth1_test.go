package x

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestPercentEncoding(t *testing.T) {
	for in, want := range map[string]string{ // RFC 5849 section 3.6
		"abcXYZ019-._~":  "abcXYZ019-._~",
		"Ladies + Gents": "Ladies%20%2B%20Gents", "An encoded string!": "An%20encoded%20string%21", "Dogs, Cats & Mice": "Dogs%2C%20Cats%20%26%20Mice",
		"☃": "%E2%98%83", "r b": "r%20b", "=%3D": "%3D%253D", "*'()/": "%2A%27%28%29%2F", "": "",
	} {
		if got := encode(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestSignatureVectors(t *testing.T) {
	twitter := parameters{
		{"oauth_consumer_key", "xvz1evFS4wEEPTGEFPHBog"}, {"oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"},
		{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "1318622958"},
		{"oauth_token", "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"}, {"oauth_version", "1.0"},
		{"status", "Hello Ladies + Gentlemen, a signed OAuth request!"}, // of the form that the example has
	}
	for name, c := range map[string]struct {
		method, address             string
		more                        parameters
		consumerSecret, tokenSecret string
		base, signature             string
	}{
		"RFC 5849 section 1.2, a private photo": {
			"GET", "http://photos.example.net/photos?file=vacation.jpg&size=original",
			parameters{{"oauth_consumer_key", "dpf43f3p2l4k3l03"}, {"oauth_token", "nnch734d00sl2jdk"}, {"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131202"}, {"oauth_nonce", "chapoH"}},
			"kd94hf93k423kf44", "pfkkdhi9sl3r4s00",
			"GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key%3Ddpf43f3p2l4k3l03%26oauth_nonce%3DchapoH%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131202%26oauth_token%3Dnnch734d00sl2jdk%26size%3Doriginal",
			"MdpQcU8iPSUjWoN/UDMsK2sui9I=",
		},
		"RFC 5849 section 3.4.1.1, parameters that repeat and sort": {
			"post", "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
			parameters{{"oauth_consumer_key", "9djdj82h48djs9d2"}, {"oauth_token", "kkk9d7dh3k39sjv7"}, {"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131201"}, {"oauth_nonce", "7d8f3e4a"}, {"c2", ""}, {"a3", "2 q"}},
			"", "",
			"POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7",
			"",
		},
		"values of one name sort too": {
			"GET", "https://api.x.com/2/tweets?a=2&a=10&a=1", parameters{{"a", "0"}}, "", "",
			"GET&https%3A%2F%2Fapi.x.com%2F2%2Ftweets&a%3D0%26a%3D1%26a%3D10%26a%3D2", "",
		},
		"X's documentation, Creating a signature": {
			"POST", "https://api.twitter.com/1.1/statuses/update.json?include_entities=true", twitter,
			"kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw", "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
			"", "hCtSmYh+iHYCEqBWrE7C7hYmtUk=",
		},
		"the same in its older form": {
			"POST", "https://api.twitter.com/1/statuses/update.json?include_entities=true", twitter,
			"kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw", "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
			"", "tnnArxj06cWHq44gCs1OSKk/jLY=",
		},
	} {
		base, err := signatureBase(c.method, c.address, c.more)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.base != "" && base != c.base {
			t.Errorf("%s:\ngot  %s\nwant %s", name, base, c.base)
		}
		if got := sign(base, c.consumerSecret, c.tokenSecret); c.signature != "" && got != c.signature {
			t.Errorf("%s: got %s, want %s", name, got, c.signature)
		}
	}
	for _, address := range []string{"://", "/2/tweets", "https://api.x.com/2/tweets?a=%zz"} {
		if _, err := signatureBase("GET", address, nil); err == nil {
			t.Errorf("%s was signed", address)
		}
	}
}

func TestEverySignatureIsNew(t *testing.T) {
	u := newUserToken(userToken{consumerKey: "k", token: "t"})
	seen := map[string]bool{}
	for range 100 {
		header, _, err := u.authorize(t.Context(), "GET", "https://api.x.com/2/users/me")
		if err != nil || seen[header] {
			t.Fatalf("%s, %v", header, err)
		}
		seen[header] = true
	}
}

// foreignJudge asks the npm package oauth-1.0a about each request.
func foreignJudge(t *testing.T) func(r *http.Request) error {
	peer := channeltest.StartPeer(t, "oauth.js")
	var mu sync.Mutex
	return func(r *http.Request) error {
		mu.Lock()
		defer mu.Unlock()
		peer.Tell(t, map[string]string{"method": r.Method, "url": "http://" + r.Host + r.URL.RequestURI(), "authorization": r.Header.Get("Authorization"),
			"consumerSecret": consumerSecret, "tokenSecret": userSecret})
		var said struct {
			Verified                  bool
			ConsumerKey, Token, Error string
		}
		peer.Next(t, &said)
		if !said.Verified || said.ConsumerKey != consumerKey || said.Token != userKey {
			return fmt.Errorf("not verified: %s", said.Error)
		}
		return nil
	}
}

// The whole life of a post, each call of which a foreign implementation judges.
func TestAForeignJudgeBelievesEverySignature(t *testing.T) {
	s := newServer(t)
	s.judge = foreignJudge(t)
	c := channel(t, channeltest.StartStub(t, s, posting).URL, nil)
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	m.Image = card(nil)
	first, err := c.Send(t.Context(), m)
	if err != nil || first.Note != "" {
		t.Fatalf("%+v, %v", first, err)
	}
	if r, found, err := c.Find(t.Context(), m); err != nil || !found || r.ID != first.ID {
		t.Errorf("%+v, %v, %v", r, found, err)
	}
	if err := c.Withdraw(t.Context(), first.ID); err != nil {
		t.Error(err)
	}
	want := "GET /2/users/me, POST /2/media/upload, POST /2/media/metadata, POST /2/tweets, GET /2/users/7/tweets, DELETE /2/tweets/" + first.ID
	if got := strings.Join(s.calls, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAForeignJudgeAgreesOnOddAddresses(t *testing.T) {
	judge := foreignJudge(t)
	u := newUserToken(userToken{consumerKey: consumerKey, consumerSecret: consumerSecret, token: userKey, tokenSecret: userSecret})
	for _, address := range []string{
		"http://127.0.0.1:8080/2/users/7/tweets?max_results=25&tweet.fields=created_at%2Centities&exclude=retweets",
		"http://example.com/2/tweets?a=%C3%A8%20b&c=%21%2A%27%28%29%7E&empty=",
		"http://example.com/2/tweets?z=1&b=2&a=3&aa=4&a-b=5&a.b=6",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		header, _, err := u.authorize(t.Context(), http.MethodGet, address)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", header)
		if err := judge(req); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		req.Header.Set("Authorization", strings.Replace(header, `oauth_version="1.0"`, `oauth_version="1.00"`, 1))
		if judge(req) == nil {
			t.Errorf("%s: the judge believes anything", address)
		}
	}
}

func TestAClockThatIsWrongIsNamed(t *testing.T) {
	stub := channeltest.StartStub(t, newServer(t), func(*http.Request) bool { return true })
	for lag, want := range map[time.Duration]bool{0: false, 10 * time.Minute: true, -time.Hour: true} {
		stub.Answer(channeltest.Status(401, `{"title":"Unauthorized","status":401}`, "Date", time.Now().Add(lag).UTC().Format(http.TimeFormat)))
		err := channel(t, stub.URL, nil).Check(t.Context())
		suite.Refuses(t, lag.String(), err, channels.VerdictUnauthorized)
		if got := strings.Contains(fmt.Sprint(err), "clock differs"); got != want {
			t.Errorf("%v: %v", lag, err)
		}
	}
}

func FuzzSignatureBase(f *testing.F) {
	f.Add("a=b&c=%20d", "o", "v")
	f.Add("a=&a=&%3D=%26", "oauth_token", "è")
	f.Fuzz(func(t *testing.T, query, name, value string) {
		query, _, _ = strings.Cut(query, "#") // a fragment is not sent
		base, err := signatureBase("GET", "https://api.x.com/2/tweets?"+query, parameters{{name, value}})
		if err != nil {
			return
		}
		parts := strings.Split(base, "&")
		if len(parts) != 3 || parts[0] != "GET" {
			t.Fatalf("%q", base)
		}
		// What is signed can be read back, and holds every parameter once.
		all, err := url.PathUnescape(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		got, err := url.ParseQuery(all)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := url.ParseQuery(query)
		want.Add(name, value)
		for n, values := range want {
			if len(got[n]) != len(values) {
				t.Errorf("%q: got %q, want %q", n, got[n], values)
			}
		}
	})
}
