package provider

// Description is what a configuration says of a provider. Values, paths, query,
// headers and bodies may hold the placeholders of the adapter's [Use], like
// {text}, and those of secrets.
type Description struct {
	URL          string   `yaml:"url"`           // where every path begins: https://api.provider.example/v2
	Username     string   `yaml:"username"`      // HTTP Basic, with password_file
	PasswordFile string   `yaml:"password_file"` // one line
	SecretFile   string   `yaml:"secret_file"`   // what {secret} stands for
	Secrets      []Secret `yaml:"secrets"`       // where there are several: {secret.NAME}

	Request Request `yaml:"request"` // what sends
	Answer  Answer  `yaml:"answer"`  // how its answer is read
	Probe   Probe   `yaml:"probe"`   // optional: asks what became of a request whose answer was lost
	Check   Check   `yaml:"check"`   // optional: proves the credentials and sends nothing
	Hook    Hook    `yaml:"hook"`    // optional: what the provider says later, under /hooks/{channel}
}

// Secret is one of several secrets.
type Secret struct {
	Name      string `yaml:"name"`
	ValueFile string `yaml:"value_file"`
}

// Field is a named value: a header, a parameter. One whose value is nothing but
// a placeholder, and that is empty, is left out.
type Field struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

// Request is one HTTP request. It has a JSON body, a form, or neither.
type Request struct {
	Method  string  `yaml:"method"` // POST or PUT (default POST); probe and check: GET (default), HEAD or POST
	Path    string  `yaml:"path"`   // behind url
	Query   []Field `yaml:"query"`
	Headers []Field `yaml:"headers"`

	// JSON is a JSON text in whose strings placeholders may stand. A string
	// that is only a placeholder is left out of its object where that is empty,
	// and "{name:number}" becomes a number.
	JSON string  `yaml:"json"`
	Form []Field `yaml:"form"`
}

func (r Request) empty() bool {
	return r.Method == "" && r.Path == "" && r.JSON == "" && len(r.Query)+len(r.Headers)+len(r.Form) == 0
}

// Answer says how the answer to a request is read. A place is a path into JSON
// like data.messages[0].id, or, where format is text, a regular expression with
// one group.
type Answer struct {
	Format   string `yaml:"format"`   // json (default) or text
	ID       string `yaml:"id"`       // place of the provider's id; "": its status alone is the yes
	Code     string `yaml:"code"`     // place of the provider's own code
	Verdicts []Rule `yaml:"verdicts"` // the first that fits decides; then the usual table of statuses
}

// Rule says what an answer decides.
type Rule struct {
	Status  string `yaml:"status"`  // "400", "4xx", "500-503", several with commas; "": any
	Code    string `yaml:"code"`    // "E12", "30*", several with commas; "": any
	Verdict string `yaml:"verdict"` // accepted, permanent, retry, unauthorized, uncertain
}

// Probe asks for what may have been taken. It must be able to say no for
// certain: what it does not find is sent again.
type Probe struct {
	Request `yaml:",inline"`
	Items   string  `yaml:"items"`   // path of a list; "": the answer is the one item
	Match   []Match `yaml:"match"`   // an item is ours if all of them are equal; {text} is compared without its space
	ID      string  `yaml:"id"`      // path of the id within an item
	Missing string  `yaml:"missing"` // statuses that say it is not there; default 404
}

// Match compares a place of an item with a value.
type Match struct {
	Path  string `yaml:"path"`
	Value string `yaml:"value"`
}

// Check is a request that sends nothing. A 2xx is well; all else is judged like
// an answer.
type Check struct {
	Request `yaml:",inline"`
}

// Hook is what the provider says later. A request must prove whom it is from in
// every way that is configured, of which there must be at least one.
type Hook struct {
	Format string `yaml:"format"` // json (default) or form

	TokenFile    string `yaml:"token_file"`    // a token in the address (?token=...) or in token_header
	TokenHeader  string `yaml:"token_header"`  // the header that holds the token
	Username     string `yaml:"username"`      // HTTP Basic, with password_file
	PasswordFile string `yaml:"password_file"` //
	HMAC         HMAC   `yaml:"hmac"`

	Reports Reports `yaml:"reports"` // what became of a message
	Replies Replies `yaml:"replies"` // what people answered
}

// HMAC is a signature over the body.
type HMAC struct {
	SecretFile string `yaml:"secret_file"`
	Header     string `yaml:"header"`
	Prefix     string `yaml:"prefix"`    // before the signature: "sha256="
	Algorithm  string `yaml:"algorithm"` // sha256 (default), sha1, sha512
	Encoding   string `yaml:"encoding"`  // hex (default) or base64
}

// Reports says where a report stands in the body. In a form a place is the name
// of a parameter.
type Reports struct {
	Items  string      `yaml:"items"` // path of a list; "": the body is the one item
	When   string      `yaml:"when"`  // "path=value": only such items are reports
	ID     string      `yaml:"id"`
	State  string      `yaml:"state"`
	States []StateRule `yaml:"states"` // what is not listed is still on its way
	Code   string      `yaml:"code"`
	At     string      `yaml:"at"`
}

// StateRule translates states: values with commas, * at the end for any ending.
type StateRule struct {
	Value string `yaml:"value"`
	State string `yaml:"state"` // one of the adapter's
}

// Replies says where a reply stands in the body.
type Replies struct {
	Items string `yaml:"items"`
	When  string `yaml:"when"`
	From  string `yaml:"from"`
	To    string `yaml:"to"`
	Text  string `yaml:"text"`
	At    string `yaml:"at"`
}
