package twilio

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/channels"
)

// The example of Twilio's own documentation.
const (
	docsToken     = "12345"
	docsAddress   = "https://mycompany.com/myapp.php?foo=1&bar=2"
	docsSignature = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
)

var docsForm = url.Values{"Digits": {"1234"}, "To": {"+18005551212"}, "From": {"+14158675309"}, "Caller": {"+14158675309"}, "CallSid": {"CA1234567890ABCDE"}}

func TestVerify(t *testing.T) {
	changed := maps.Clone(docsForm)
	changed["Digits"] = []string{"1235"}
	for name, c := range map[string]struct {
		token, address string
		form           url.Values
		signature      string
		want           bool
	}{
		"Twilio's own example":     {docsToken, docsAddress, docsForm, docsSignature, true},
		"with the scheme's port":   {docsToken, strings.Replace(docsAddress, ".com/", ".com:443/", 1), docsForm, docsSignature, true},
		"with another port":        {docsToken, strings.Replace(docsAddress, ".com/", ".com:444/", 1), docsForm, docsSignature, false},
		"another query":            {docsToken, docsAddress + "&x=1", docsForm, docsSignature, false},
		"another key pressed":      {docsToken, docsAddress, changed, docsSignature, false},
		"another token":            {"12346", docsAddress, docsForm, docsSignature, false},
		"no token":                 {"", docsAddress, url.Values{"a": {"1"}}, base64.StdEncoding.EncodeToString(sign("", docsAddress+"a1")), false},
		"a token, signed so":       {"t", docsAddress, url.Values{"a": {"1"}}, base64.StdEncoding.EncodeToString(sign("t", docsAddress+"a1")), true},
		"no signature":             {docsToken, docsAddress, docsForm, "", false},
		"a signature without form": {docsToken, docsAddress, docsForm, "%%%", false},
		"an address that is none":  {docsToken, "://", docsForm, docsSignature, false},
	} {
		if got := Verify(c.token, c.address, c.form, c.signature); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(docsAddress, "Digits=1&To=2", docsSignature)
	f.Add("http://a:80", "a=1&a=1&a=2", "")
	f.Fuzz(func(t *testing.T, address, query, signature string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if Verify(docsToken, address, form, signature) {
			t.Fatalf("%q is proved by %q", address, signature)
		}
	})
}

func TestJudge(t *testing.T) {
	call := channels.NewCaller("twilio")
	for name, c := range map[string]struct {
		status int
		body   string
		want   channels.Verdict
		text   string
	}{
		"a yes":                      {201, `{"sid":"CA1"}`, channels.VerdictAccepted, ""},
		"wrong credentials":          {401, `{"code":20003,"message":"Authenticate +393331234567"}`, channels.VerdictUnauthorized, "twilio answered 401 with code 20003: the credentials are wrong"},
		"an invalid number":          {400, `{"code":21211,"message":"The 'To' number +393331234567 is not a valid phone number."}`, channels.VerdictPermanent, "twilio answered 400 with code 21211: not a phone number"},
		"an unverified caller":       {400, `{"code":21210}`, channels.VerdictUnauthorized, ""},
		"a country that is closed":   {400, `{"code":21215}`, channels.VerdictPermanent, ""},
		"too many requests":          {429, `{"code":20429}`, channels.VerdictRetry, ""},
		"too many calls at once":     {400, `{"code":10004}`, channels.VerdictRetry, ""},
		"a code that is not known":   {400, `{"code":99999}`, channels.VerdictPermanent, "twilio answered 400 with code 99999"},
		"no code":                    {404, ``, channels.VerdictPermanent, "twilio answered 404"},
		"a server that failed":       {500, `{"code":20003}`, channels.VerdictUncertain, ""},
		"a server that is away":      {503, ``, channels.VerdictRetry, ""},
		"a code that is not a code":  {400, `{"code":"x"}`, channels.VerdictPermanent, ""},
		"a code that is a number":    {400, `{"code":393331234567}`, channels.VerdictPermanent, "twilio answered 400"},
		"an account that was closed": {403, `{"code":20005}`, channels.VerdictUnauthorized, ""},
	} {
		err := Judge(call, &channels.Answer{Status: c.status, Body: []byte(c.body), JSON: true, Header: http.Header{}}, time.Now())
		if got, _ := channels.VerdictOf(err); got != c.want {
			t.Errorf("%s: got %s (%v), want %s", name, got, err, c.want)
		}
		if err != nil && (c.text != "" && err.Error() != c.text || strings.Contains(err.Error(), "3331234567")) {
			t.Errorf("%s: got %q, want %q", name, err, c.text)
		}
	}
}
