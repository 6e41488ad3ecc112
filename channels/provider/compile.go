package provider

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"martinella/alerts"
	"martinella/channels"
)

// compiler collects every mistake of a description.
type compiler struct {
	use      Use
	d        Description
	provider *Provider
	problems alerts.Problems
}

func (c *compiler) wrong(field, problem, hint string) {
	c.problems = append(c.problems, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelError})
}

// Compile reads the description and its secrets' files, and opens no
// connection. Without problems the provider is of use; fields are named as in
// the description ("request.headers[1].value").
func (d Description) Compile(u Use) (*Provider, alerts.Problems) {
	c := &compiler{use: u, d: d, provider: &Provider{platform: u.Platform, secrets: Values{}}}
	p := c.provider
	if err := channels.CheckURL("url", d.URL); err != nil {
		c.wrong("url", strings.TrimPrefix(err.Error(), "url "), "write it like https://api.provider.example/v2")
	}
	if strings.ContainsAny(d.URL, "?#{}") {
		c.wrong("url", "holds more than an address and a path", "write parameters in query, and what changes in path")
	}
	c.secrets()
	p.send = c.request("request", d.Request, []string{http.MethodPost, http.MethodPut})
	p.answer = c.answer(d.Answer)
	if !d.Probe.empty() || len(d.Probe.Match) > 0 || d.Probe.ID != "" {
		p.probe = c.probe(d.Probe)
	}
	if !d.Check.empty() {
		r := c.request("check", d.Check.Request, []string{http.MethodGet, http.MethodHead, http.MethodPost})
		p.check = &r
	}
	if h := d.Hook; !h.empty() {
		p.hook = c.hook(h)
	}
	return p, c.problems
}

func (h Hook) empty() bool {
	return h.Format == "" && h.TokenFile == "" && h.TokenHeader == "" && h.Username == "" && h.PasswordFile == "" && h.HMAC == HMAC{} &&
		h.Replies == Replies{} && h.Reports.ID == "" && h.Reports.State == "" && h.Reports.Items == "" && len(h.Reports.States) == 0
}

// secret reads one file; "" after a problem.
func (c *compiler) secret(field, file string) string {
	if file == "" {
		c.wrong(field, "is missing", "name the file that holds the secret")
		return ""
	}
	s, err := channels.ReadSecret(field, file)
	if err == nil && strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		c.wrong(field, "has more than one line", "the file holds the secret on one line")
		return ""
	}
	if err != nil {
		c.wrong(field, "cannot be used: "+strings.TrimPrefix(err.Error(), field+": "), "the file holds the secret on one line and is readable by the gateway alone")
	}
	return s
}

var secretNameForm = regexp.MustCompile(`^[a-z0-9_-]+$`)

func (c *compiler) secrets() {
	d, p := c.d, c.provider
	var all []string
	if d.SecretFile != "" {
		p.secrets["secret"] = c.secret("secret_file", d.SecretFile)
	}
	for i, s := range d.Secrets {
		at := index("secrets", i)
		if !secretNameForm.MatchString(s.Name) {
			c.wrong(at+".name", "is "+strconv.Quote(s.Name), "use a-z, 0-9, _ and -; {secret.NAME} stands for it")
			continue
		}
		if _, twice := p.secrets["secret."+s.Name]; twice {
			c.wrong(at+".name", "is given twice", "give every secret its own name")
		}
		p.secrets["secret."+s.Name] = c.secret(at+".value_file", s.ValueFile)
	}
	for _, s := range p.secrets {
		all = append(all, s)
	}
	if d.Username != "" || d.PasswordFile != "" {
		if d.Username == "" || strings.Contains(d.Username, ":") {
			c.wrong("username", "is missing or has a colon", "HTTP Basic needs a user name beside password_file")
		}
		password := c.secret("password_file", d.PasswordFile)
		token := base64.StdEncoding.EncodeToString([]byte(d.Username + ":" + password))
		p.basic = "Basic " + token
		all = append(all, password, token)
	}
	slices.Sort(all)
	p.call = channels.NewCaller(c.use.Platform, all...)
}

func index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// known judges the placeholders of a template.
func (c *compiler) known(field string, t template, numbers bool) {
	for _, name := range t.names() {
		_, secret := c.provider.secrets[name]
		if !secret && !slices.Contains(c.use.Placeholders, name) {
			c.wrong(field, "has the unknown placeholder {"+name+"}", "known here: "+c.placeholders())
		}
	}
	if t.numbers() && (!numbers || len(t) > 1) {
		c.wrong(field, "asks for a number where a text stands", "{name:number} is for JSON, and alone in its string")
	}
}

func (c *compiler) placeholders() string {
	all := slices.Clone(c.use.Placeholders)
	for name := range c.provider.secrets {
		all = append(all, name)
	}
	slices.Sort(all)
	for i, name := range all {
		all[i] = "{" + name + "}"
	}
	return strings.Join(all, " ")
}

// headerName is a token (RFC 9110 section 5.6.2).
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// ownHeaders are set by net/http or decide where a request ends.
var ownHeaders = []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Te", "Upgrade", "Expect"}

func (c *compiler) fields(field string, list []Field, headers bool) []named {
	var out []named
	for i, f := range list {
		at := index(field, i)
		switch {
		case f.Name == "":
			c.wrong(at+".name", "is missing", "")
		case placeholderForm.MatchString(f.Name):
			c.wrong(at+".name", "holds a placeholder", "only values may")
		case headers && !headerName.MatchString(f.Name):
			c.wrong(at+".name", "is no name of a header", "write it like X-Api-Key")
		case headers && slices.Contains(ownHeaders, http.CanonicalHeaderKey(f.Name)):
			c.wrong(at+".name", "is a header that the gateway sets itself", "leave it out")
		case headers && c.d.Username != "" && http.CanonicalHeaderKey(f.Name) == "Authorization":
			c.wrong(at+".name", "is given beside username", "keep one of the two")
		}
		t := parseTemplate(f.Value)
		c.known(at+".value", t, false)
		if headers && oneLine(f.Value) != f.Value {
			c.wrong(at+".value", "has more than one line, or space around it", "write it on one line")
		}
		out = append(out, named{f.Name, t})
	}
	return out
}

func (c *compiler) request(field string, r Request, methods []string) request {
	out := request{method: strings.ToUpper(r.Method), base: strings.TrimRight(c.d.URL, "/"), path: parseTemplate(r.Path)}
	if out.method == "" {
		out.method = methods[0]
	}
	if !slices.Contains(methods, out.method) {
		hint := "use " + strings.Join(methods, ", ")
		if field == "request" && asks(out.method) {
			hint += "; programs on the way may repeat a " + out.method + ", and people would get it twice"
		}
		c.wrong(field+".method", "is "+strconv.Quote(r.Method), hint)
	}
	c.known(field+".path", out.path, false)
	if r.Path != "" && !strings.HasPrefix(r.Path, "/") {
		c.wrong(field+".path", "does not begin with a slash", "write it like /messages")
	}
	if strings.ContainsAny(r.Path, "?#") || strings.ContainsFunc(r.Path, func(r rune) bool { return r <= ' ' || r == 0x7F }) {
		c.wrong(field+".path", "holds more than a path", "write parameters in query")
	}
	out.query = c.fields(field+".query", r.Query, false)
	out.headers = c.fields(field+".headers", r.Headers, true)
	if r.JSON != "" && len(r.Form) > 0 {
		c.wrong(field+".form", "is given beside json", "keep the one that the provider reads")
	}
	if len(r.Form) > 0 {
		out.form = c.fields(field+".form", r.Form, false)
	}
	if r.JSON != "" {
		t, err := parseTree(r.JSON)
		if err != nil {
			c.wrong(field+".json", "cannot be read: "+err.Error(), `write JSON with every placeholder inside quotes: {"to": "{to}"}; for a number "{name:number}"`)
		}
		t.templates(func(one template) { c.known(field+".json", one, true) })
		out.json = &t
	}
	if r.JSON == "" && len(r.Form) == 0 && !asks(out.method) {
		for i, h := range out.headers {
			if slices.Contains(idempotencyHeaders, http.CanonicalHeaderKey(h.name)) {
				c.wrong(index(field+".headers", i)+".name", "is an idempotency key of a request without a body", "write json or form: programs on the way may repeat it otherwise, and people would get it twice")
			}
		}
	}
	if (r.JSON != "" || len(r.Form) > 0) && asks(out.method) {
		c.wrong(field+".method", "is "+out.method+" and has a body", "use POST, or write parameters in query")
	}
	return out
}

func (c *compiler) path(field, s string) path {
	p, err := parsePath(s)
	if err != nil {
		c.wrong(field, err.Error(), "write it like data.messages[0].id")
	}
	return p
}

// need is a path that must be there.
func (c *compiler) need(field, s, hint string) path {
	if s == "" {
		c.wrong(field, "is missing", hint)
	}
	return c.path(field, s)
}

func (c *compiler) pattern(field, s string) *regexp.Regexp {
	if s == "" {
		return nil
	}
	form, err := regexp.Compile(s)
	if err != nil || form.NumSubexp() != 1 {
		c.wrong(field, "is no regular expression with one group", "write it like ^OK ([0-9]+), or use format: json")
		return nil
	}
	return form
}

func (c *compiler) answer(a Answer) answer {
	out := answer{}
	switch a.Format {
	case "", "json":
		out.hasID, out.hasCode = a.ID != "", a.Code != ""
		out.id, out.code = c.path("answer.id", a.ID), c.path("answer.code", a.Code)
	case "text":
		out.asText = true
		out.idForm, out.codes = c.pattern("answer.id", a.ID), c.pattern("answer.code", a.Code)
	default:
		c.wrong("answer.format", "is "+strconv.Quote(a.Format), "use json or text")
	}
	for i, r := range a.Verdicts {
		at := index("answer.verdicts", i)
		s, ok := parseStatuses(r.Status)
		if !ok {
			c.wrong(at+".status", "is "+strconv.Quote(r.Status), "write it like 400, 4xx or 500-503, several with commas")
		}
		codes := parseWords(r.Code)
		if len(s) == 0 && len(codes) == 0 && ok {
			c.wrong(at, "fits every answer", "name a status or a code")
		}
		if len(codes) > 0 && a.Code == "" {
			c.wrong(at+".code", "can never fit", "say in answer.code where the code stands")
		}
		if !slices.Contains(channels.Verdicts, channels.Verdict(r.Verdict)) {
			c.wrong(at+".verdict", "is "+strconv.Quote(r.Verdict), "use accepted, permanent, retry, unauthorized or uncertain")
		}
		out.rules = append(out.rules, rule{s, codes, channels.Verdict(r.Verdict)})
	}
	return out
}

func (c *compiler) probe(p Probe) *probe {
	out := &probe{request: c.request("probe", p.Request, []string{http.MethodGet, http.MethodPost}), missing: statuses{{404, 404}}}
	out.items = c.path("probe.items", p.Items)
	out.id = c.need("probe.id", p.ID, "say where the message's id stands in an item")
	if p.Missing != "" {
		s, ok := parseStatuses(p.Missing)
		if !ok {
			c.wrong("probe.missing", "is "+strconv.Quote(p.Missing), "write it like 404")
		}
		out.missing = s
	}
	for i, m := range p.Match {
		at := index("probe.match", i)
		t := parseTemplate(m.Value)
		c.known(at+".value", t, false)
		out.match = append(out.match, match{c.need(at+".path", m.Path, "say where the value stands in an item"), t})
	}
	if len(p.Match) == 0 && p.Items != "" {
		c.wrong("probe.match", "is missing", "say how ours is told from the others in the list, best by {key}")
	}
	return out
}
