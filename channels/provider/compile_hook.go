package provider

import (
	"crypto/sha1" //nolint:gosec // there are providers who sign with it
	"crypto/sha256"
	"crypto/sha512"
	"slices"
	"strconv"
	"strings"
)

func (c *compiler) hook(h Hook) *hook {
	if c.use.Hookless {
		c.wrong("hook", "is not for this provider", "leave it out")
	}
	out := &hook{form: h.Format == "form", tokenHeader: h.TokenHeader, header: h.HMAC.Header, prefix: h.HMAC.Prefix}
	if h.Format != "" && h.Format != "json" && h.Format != "form" {
		c.wrong("hook.format", "is "+strconv.Quote(h.Format), "use json or form")
	}
	if h.TokenFile != "" {
		out.token = c.secret("hook.token_file", h.TokenFile)
	} else if h.TokenHeader != "" {
		c.wrong("hook.token_file", "is missing", "name the file that holds the token of "+h.TokenHeader)
	}
	if h.Username != "" || h.PasswordFile != "" {
		out.username, out.password = h.Username, c.secret("hook.password_file", h.PasswordFile)
	}
	if h.HMAC != (HMAC{}) {
		c.hmac(h.HMAC, out)
	}
	if h.TokenFile+h.TokenHeader+h.Username+h.PasswordFile == "" && h.HMAC == (HMAC{}) {
		c.wrong("hook", "has nothing that proves whom a request is from", "add token_file, username and password_file, or hmac")
	}
	for _, s := range []string{out.token, out.password, string(out.key)} {
		if s != "" {
			c.provider.call.Secrets = append(c.provider.call.Secrets, s)
		}
	}
	if r := h.Reports; r.ID != "" || r.State != "" || r.Items != "" || len(r.States) > 0 {
		out.reports = c.reports(r)
	}
	if r := h.Replies; r != (Replies{}) {
		out.replies = &replies{items: c.path("hook.replies.items", r.Items), when: c.when("hook.replies.when", r.When),
			from: c.need("hook.replies.from", r.From, "say where the number of who answered stands"),
			text: c.need("hook.replies.text", r.Text, "say where the answer's text stands"),
			to:   c.path("hook.replies.to", r.To), at: c.path("hook.replies.at", r.At)}
	}
	if out.reports == nil && out.replies == nil {
		c.wrong("hook", "reads nothing", "add reports, replies or both")
	}
	return out
}

func (c *compiler) hmac(h HMAC, out *hook) {
	out.key = []byte(c.secret("hook.hmac.secret_file", h.SecretFile))
	if !headerName.MatchString(h.Header) {
		c.wrong("hook.hmac.header", "is missing or no name of a header", "name the header that holds the signature")
	}
	switch h.Algorithm {
	case "", "sha256":
		out.algorithm = sha256.New
	case "sha1":
		out.algorithm = sha1.New
	case "sha512":
		out.algorithm = sha512.New
	default:
		c.wrong("hook.hmac.algorithm", "is "+strconv.Quote(h.Algorithm), "use sha256, sha1 or sha512")
	}
	switch h.Encoding {
	case "", "hex":
	case "base64":
		out.base64 = true
	default:
		c.wrong("hook.hmac.encoding", "is "+strconv.Quote(h.Encoding), "use hex or base64")
	}
}

func (c *compiler) reports(r Reports) *reports {
	out := &reports{items: c.path("hook.reports.items", r.Items), when: c.when("hook.reports.when", r.When),
		id:    c.need("hook.reports.id", r.ID, "say where the message's id stands, as the answer gave it"),
		state: c.need("hook.reports.state", r.State, "say where the state stands"),
		code:  c.path("hook.reports.code", r.Code), hasCode: r.Code != "", at: c.path("hook.reports.at", r.At)}
	if len(r.States) == 0 {
		c.wrong("hook.reports.states", "is missing", "list the provider's words for "+strings.Join(c.use.States, ", "))
	}
	for i, s := range r.States {
		at := index("hook.reports.states", i)
		values := parseWords(s.Value)
		if len(values) == 0 {
			c.wrong(at+".value", "is missing", "the provider's word, several with commas")
		}
		if !slices.Contains(c.use.States, s.State) {
			c.wrong(at+".state", "is "+strconv.Quote(s.State), "use "+strings.Join(c.use.States, ", "))
		}
		out.states = append(out.states, stateRule{values, s.State})
	}
	return out
}

func (c *compiler) when(field, s string) *condition {
	if s == "" {
		return nil
	}
	place, want, ok := strings.Cut(s, "=")
	if !ok || strings.TrimSpace(place) == "" {
		c.wrong(field, "is "+strconv.Quote(s), "write it like type=delivery")
	}
	return &condition{c.path(field, strings.TrimSpace(place)), strings.TrimSpace(want)}
}
