package provider

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/channels"
)

// answer is an [Answer] that has been read.
type answer struct {
	asText  bool
	hasID   bool
	id      path
	code    path
	hasCode bool
	idForm  *regexp.Regexp // where asText
	codes   *regexp.Regexp
	rules   []rule
}

// mostID bounds an id: those of providers have up to 64 characters.
const mostID = 200

// read finds id and code. known is false where the body cannot be read.
func (a *answer) read(got *channels.Answer) (id, code string, known bool) {
	if a.asText {
		text := strings.ToValidUTF8(string(got.Body), "")
		return group(a.idForm, text), group(a.codes, text), true
	}
	if !got.JSON {
		return "", "", false
	}
	v, err := decode(got.Body)
	if err != nil {
		return "", "", false
	}
	if a.hasID {
		id = a.id.text(v)
	}
	if a.hasCode {
		code = a.code.text(v)
	}
	return id, code, true
}

func group(form *regexp.Regexp, text string) string {
	if form == nil {
		return ""
	}
	if m := form.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// usable reports whether an id can be stored and looked up.
func usable(id string) bool {
	return id != "" && len(id) <= mostID && utf8.ValidString(id) &&
		!strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7F })
}

// judge gives the provider's id, or the verdict.
func (p *Provider) judge(got *channels.Answer, v Values, now time.Time) (string, error) {
	a := &p.answer
	id, code, known := a.read(got)
	said := p.said(got.Status, code, v)
	for _, r := range a.rules {
		if !r.fits(got.Status, code) {
			continue
		}
		switch r.verdict {
		case channels.VerdictAccepted:
			if got.Status >= 300 && !usable(id) {
				return "", nil // it has it already, and does not say under which id
			}
			return p.taken(id, known, said)
		case channels.VerdictRetry:
			return "", channels.RetryAfter(said, channels.WaitOf(got.Status, got.Header, got.Body, now))
		case channels.VerdictUnauthorized:
			return "", channels.Unauthorized(said)
		case channels.VerdictPermanent:
			return "", channels.Permanent(said)
		default:
			return "", channels.Uncertain(said)
		}
	}
	return p.usual(got, id, known, said, now)
}

// usual is the table of statuses for what no rule decides.
func (p *Provider) usual(got *channels.Answer, id string, known bool, said error, now time.Time) (string, error) {
	// The words of the answer may repeat a number: only status and code are told.
	err := p.call.Verdict(&channels.Answer{Status: got.Status, Header: got.Header, Body: got.Body}, now)
	switch verdict, wait := channels.VerdictOf(err); verdict {
	case channels.VerdictAccepted:
		return p.taken(id, known, said)
	case channels.VerdictRetry:
		return "", channels.RetryAfter(said, wait)
	case channels.VerdictUnauthorized:
		return "", channels.Unauthorized(said)
	case channels.VerdictPermanent:
		return "", channels.Permanent(said)
	}
	return "", channels.Uncertain(said)
}

// taken is a yes; a yes without the id that belongs to it may be anybody's.
func (p *Provider) taken(id string, known bool, said error) (string, error) {
	switch {
	case !p.answer.hasID && p.answer.idForm == nil:
		return "", nil
	case !known:
		return "", channels.Uncertain(fmt.Errorf("%w: its body cannot be read", said))
	case !usable(id):
		return "", channels.Uncertain(fmt.Errorf("%w: it gives no id", said))
	}
	return id, nil
}

// codeForm is what a code may look like to be told.
var codeForm = regexp.MustCompile(`^[A-Za-z0-9_.:/ -]{1,40}$`)

// said is what an answer is called in errors.
func (p *Provider) said(status int, code string, v Values) error {
	text := p.platform + " answered " + strconv.Itoa(status)
	if code != "" {
		text += " with code " + p.shown(code, v)
	}
	return errors.New(text)
}

// shown is a code without what must not be told: secrets, and digits as long as
// a phone number's.
func (p *Provider) shown(code string, v Values) string {
	digits := 0
	for _, r := range code {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	hidden := !codeForm.MatchString(code) || digits > 6
	for _, s := range p.call.Secrets {
		hidden = hidden || s != "" && strings.Contains(code, s)
	}
	for _, value := range v {
		hidden = hidden || len(value) > 5 && strings.Contains(code, value)
	}
	if hidden {
		return "***"
	}
	return code
}
