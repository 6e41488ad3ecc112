package dashboards

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"martinella/broadcast"
	"martinella/channels"
)

// pushRequest is what the page sends for its browser.
type pushRequest struct {
	Subscription json.RawMessage `json:"subscription"` // PushSubscription.toJSON
	Old          json.RawMessage `json:"old"`          // the same of before, from the worker: the browser has renewed it
	Where        string          `json:"where"`        // "all": the whole territory
	Areas        []string        `json:"areas"`        // else these
	Severity     string          `json:"severity"`
	Language     string          `json:"language"`
}

// maxPush bounds it: an endpoint has up to 2 KiB, and areas are few.
const maxPush = 16 << 10

// pushOf reads the request and judges where its endpoint leads; false where it
// was answered. Errors never repeat the endpoint: it is a capability.
func (s *Server) pushOf(w http.ResponseWriter, r *http.Request) (pushRequest, channels.PushAddress, bool) {
	var in pushRequest
	if !s.ownCall(w, r) {
		return in, channels.PushAddress{}, false
	}
	if !s.SignUps.Questions.Admit(s.from(r)) {
		s.tooMany(w, busyFor, "too many sign-ups from this address")
		return in, channels.PushAddress{}, false
	}
	err := s.decodeMost(w, r, &in, maxPush)
	if err != nil {
		s.fail(w, r, err)
		return in, channels.PushAddress{}, false
	}
	to, err := channels.ReadPushSubscription(in.Subscription)
	if err == nil {
		err = s.SignUps.Push.Admit(to)
	}
	if err != nil {
		s.fail(w, r, refuse(errBadRequest, "subscription", "is not one of a push service that is known here", "send what PushSubscription.toJSON gives; the operator adds other push services to the channel's services"))
		return in, to, false
	}
	return in, to, true
}

// subscribePush subscribes a browser. The person was asked by the browser, and
// nobody else knows the endpoint and its keys, so nothing is left to confirm.
func (s *Server) subscribePush(w http.ResponseWriter, r *http.Request) {
	in, to, ok := s.pushOf(w, r)
	if !ok {
		return
	}
	if len(in.Old) > 0 {
		s.renewPush(w, r, in.Old, to)
		return
	}
	c, wrong := chosenOf(url.Values{"where": {in.Where}, "area": in.Areas, "severity": {in.Severity}, "language": {in.Language}}, s.Areas)
	if len(wrong) > 0 {
		s.fail(w, r, refuse(errBadRequest, wrong[0].Field, "is none that can be chosen", "send what the page offers"))
		return
	}
	ctx, cancel := actContext(r)
	defer cancel()
	now := time.Now()
	if !s.SignUps.Questions.Enrolling() {
		s.tooMany(w, busyFor, "too many browsers subscribe at once")
		return
	}
	number, err := s.OwnPages.Enrol(ctx, c.subscriber("push", to.String()), now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"own": "/p/" + s.OwnPages.OwnToken(number, "push", to.String(), now)})
}

// renewPush puts the subscription that a browser has now in the place of its old
// one, which proves that it is the same browser: nobody else knows it. The choices
// stay as they are. 404 where nobody subscribes with the old one.
func (s *Server) renewPush(w http.ResponseWriter, r *http.Request, before json.RawMessage, to channels.PushAddress) {
	old, err := channels.ReadPushSubscription(before)
	if err != nil {
		s.fail(w, r, refuse(errBadRequest, "old", "is not the subscription of a browser", "send what PushSubscription.toJSON gave"))
		return
	}
	if !s.SignUps.Questions.Enrolling() {
		s.tooMany(w, busyFor, "too many browsers subscribe at once")
		return
	}
	ctx, cancel := actContext(r)
	defer cancel()
	number, err := s.OwnPages.Renew(ctx, "push", old.String(), to.String(), time.Now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.Logger.Info("a browser renewed its subscription", zap.Uint32("person", number))
	w.WriteHeader(http.StatusNoContent)
}

// stopPush takes a browser off the roll. One that is not on it is no error.
func (s *Server) stopPush(w http.ResponseWriter, r *http.Request) {
	_, to, ok := s.pushOf(w, r)
	if !ok {
		return
	}
	ctx, cancel := actContext(r)
	defer cancel()
	number, changed, err := broadcast.Unlist(ctx, s.OwnPages.Roll, "push", to.String(), "page", time.Now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if changed {
		s.Logger.Info("a browser unsubscribed", zap.Uint32("person", number))
	}
	w.WriteHeader(http.StatusNoContent)
}
