package voice

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"martinella/alerts/lexicon"
	"martinella/channels"
	"martinella/channels/twilio"
)

// events reads the end of a call, a pressed key, or who answered.
func (c *twilioCarrier) events(r *http.Request, body []byte) ([]channels.DeliveryReport, []channels.Reply, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || c.hook == "" {
		return nil, nil, channels.ErrForged
	}
	address := c.hook
	if r.URL.RawQuery != "" {
		address += "?" + r.URL.RawQuery
	}
	if !twilio.Verify(c.token, address, form, r.Header.Get(twilio.SignatureHeader)) {
		return nil, nil, channels.ErrForged
	}
	r.PostForm = form // the answer depends on the key
	sid := form.Get("CallSid")
	if !callSID.MatchString(sid) {
		return nil, nil, errors.New("twilio: the request names no call")
	}
	became, code := enroute, ""
	var replies []channels.Reply
	switch r.URL.Query().Get("on") {
	case onKey:
		said, known := keyed(r.URL.Query().Get("call"), form.Get("Digits"))
		switch {
		case !known:
			code = "another key"
		case said != "" && numberForm.MatchString(form.Get("To")):
			replies = append(replies, channels.Reply{From: form.Get("To"), To: c.config.Source, Text: said, At: time.Now()})
			became = heard
		default:
			became = heard
		}
	case onMachine:
		if byMachine(form.Get("AnsweredBy")) {
			c.known.machine(sid)
			code = "machine"
		}
	case onEnd:
		became, code = c.ended(sid, form)
	default:
		return nil, nil, errors.New("twilio: the request is about nothing that we asked for")
	}
	return []channels.DeliveryReport{c.config.report(became, sid, code, time.Now())}, replies, nil
}

var callCode = regexp.MustCompile(`^[A-Z]{1,3}-[0-9]{1,10}$`)

// keyed says what a key means: that the message was heard, and in a volunteers'
// call, in the words of an answer by text message, whether they come. The code
// stands with it, so that it is never taken for an answer to another call.
func keyed(code, digits string) (said string, known bool) {
	asks := callCode.MatchString(code)
	switch {
	case asks && digits == "1":
		return "SI " + code, true
	case asks && digits == "2":
		return "NO " + code, true
	}
	return "", digits == "1" && !asks
}

// ended reads CallStatus (twilio.com/docs/voice/api/call-resource). A call that
// a machine took is over only now: until its end a person may have come to the
// phone and pressed 1.
func (c *twilioCarrier) ended(sid string, form url.Values) (outcome, string) {
	switch form.Get("CallStatus") {
	case "completed":
		if byMachine(form.Get("AnsweredBy")) || c.known.byMachine(sid) {
			return machine, ""
		}
		return answered, ""
	case "busy":
		return busy, ""
	case "no-answer":
		return unanswered, ""
	case "canceled":
		return failed, "canceled"
	case "failed":
		if sip := form.Get("SipResponseCode"); len(sip) == 3 && sip[0] >= '1' && sip[0] <= '9' && sip[1] >= '0' && sip[1] <= '9' && sip[2] >= '0' && sip[2] <= '9' {
			return failed, "failed: SIP " + sip
		}
		return failed, ""
	}
	return enroute, "" // queued, initiated, ringing, in-progress
}

// answer is what Twilio says after a key; it ends a call with an excuse where it
// gets nothing.
func (c *twilioCarrier) answer(r *http.Request) (string, []byte) {
	query := r.URL.Query()
	if query.Get("on") != onKey {
		return "", nil
	}
	digits, lang, code := r.PostForm.Get("Digits"), query.Get("lang"), query.Get("call")
	_, known := keyed(code, digits)
	if !callCode.MatchString(code) {
		w, _ := wordsFor(lang)
		return "text/xml; charset=utf-8", thanks(w.Thanks, w.Press, c.config.voice(w.Language), known, c.address(onKey, lang))
	}
	w := lexicon.ForPages(lang)
	return "text/xml; charset=utf-8", thanks(w.Thanks, w.Press, c.config.voice(w.Language), known, c.address(onKey, lang, "call", code))
}

// sids remembers, as long as the process lives, whose calls are whose and which
// of them a machine took. Its methods may be called at once.
type sids struct {
	mu    sync.Mutex
	calls map[string]*remembered
	order []string // the oldest first
}

type remembered struct {
	key     string // of the message; "": not known
	machine bool
}

// mostCalls bounds the memory.
const mostCalls = 1 << 15

func (s *sids) get(sid string) *remembered {
	one := s.calls[sid]
	if one == nil {
		if s.calls == nil {
			s.calls = map[string]*remembered{}
		}
		if len(s.order) >= mostCalls {
			delete(s.calls, s.order[0])
			s.order = s.order[1:]
		}
		one = &remembered{}
		s.calls[sid], s.order = one, append(s.order, sid)
	}
	return one
}

func (s *sids) add(sid, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.get(sid).key = key
}

// free reports whether no other message has the call.
func (s *sids) free(sid, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.calls[sid]
	return one == nil || one.key == "" || one.key == key
}

func (s *sids) machine(sid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.get(sid).machine = true
}

func (s *sids) byMachine(sid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.calls[sid]
	return one != nil && one.machine
}
