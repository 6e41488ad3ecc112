package broadcast

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/cap"
)

// Feed is a source of warnings of another authority: Atom, RSS, EDXL-DE or one
// CAP message at an address.
type Feed struct {
	Name     string
	URL      string
	Every    time.Duration // between two readings
	Language string        // of messages that name none
	// What concerns us: within the outlines of the authority, or with one of
	// these codes ("052032", "Tosc-*", "EMMA_ID=IT009"). Without codes a place
	// that no outline knows concerns us too: rather one too many.
	Areas       []string
	Hazards     []string        // values of category; none: all
	Severity    alerts.Severity // the least
	Exercises   bool            // take Exercise too
	Hosts       []string        // beside its own, to which links and redirects may lead
	Certificate *x509.Certificate
}

// Feeds reads the feeds of others, one node at a time, keeps what concerns us,
// and sees that somebody answers it.
type Feeds struct {
	FeedsConfig
	client   *http.Client
	verifier *cap.Verifier
	metrics  feedMetrics
}

// FeedsConfig is what reading feeds needs. Areas may be nil, and Transport: then
// it is the usual one.
type FeedsConfig struct {
	Feeds     []Feed
	Store     Warnings
	Ringer    alerts.Ringer
	Areas     *areas.Gazetteer
	Language  string // of the authority
	Again     time.Duration
	Escalate  time.Duration
	Transport http.RoundTripper
	Log       *zap.Logger
}

// The times after which duty is rung once more and then everyone, where the
// configuration says nothing.
const (
	WarningAgain    = 5 * time.Minute
	WarningEscalate = 15 * time.Minute
)

const (
	watchWarnings  = 15 * time.Second
	warningsBack   = 30 * 24 * time.Hour // how far back an unanswered warning is looked for
	mostWarnings   = 500
	ringsOfReading = 10 // more new warnings than that in one reading ring nobody each
)

// NewFeeds registers the metrics; it panics where they are registered already.
func NewFeeds(c FeedsConfig, r prometheus.Registerer) *Feeds {
	if c.Again <= 0 {
		c.Again = WarningAgain
	}
	if c.Escalate <= 0 {
		c.Escalate = WarningEscalate
	}
	if c.Transport == nil {
		c.Transport = feedTransport()
	}
	f := &Feeds{FeedsConfig: c, verifier: cap.NewVerifier(), metrics: newFeedMetrics(r, c.Feeds)}
	f.client = &http.Client{Transport: c.Transport, Timeout: feedTime}
	return f
}

// Run reads every feed and looks after warnings until ctx ends. Any number of
// nodes may run it.
func (f *Feeds) Run(ctx context.Context) error {
	done := make(chan struct{})
	for _, feed := range f.Feeds {
		go func() {
			defer func() { done <- struct{}{} }()
			f.follow(ctx, feed)
		}()
	}
	for pause(ctx, roughly(watchWarnings)) {
		if err := f.Watch(ctx, time.Now()); err != nil && ctx.Err() == nil {
			f.Log.Warn("official warnings were not looked after; it is tried again", zap.Error(err))
		}
	}
	for range f.Feeds {
		<-done
	}
	return nil
}

// follow reads one feed whenever it is this node's turn. Every node looks four
// times as often, so that one takes over soon where another dies.
func (f *Feeds) follow(ctx context.Context, feed Feed) {
	for wait := sometime(min(feed.Every/4, 5*time.Second)); pause(ctx, wait); wait = roughly(feed.Every / 4) {
		turn, err := f.Store.TakeTurn(ctx, feed.Name, roughly(feed.Every))
		if err == nil && turn {
			err = guard(func() error { return f.Read(ctx, feed) })
		}
		state, stateErr := f.Store.FeedState(ctx, feed.Name)
		if stateErr == nil {
			f.metrics.show(feed.Name, state)
		}
		if err = errors.Join(err, stateErr); err != nil && ctx.Err() == nil {
			f.Log.Warn("a feed of official warnings was not read", zap.String("feed", feed.Name), zap.String("reason", short(err)))
		}
	}
}

// Watch rings again for what nobody has answered, each step once. It is called
// now and then by every node.
func (f *Feeds) Watch(ctx context.Context, now time.Time) error {
	all, err := f.Store.LatestWarnings(ctx, now.Add(-warningsBack), mostWarnings)
	if err != nil {
		return err
	}
	var failed error
	for _, w := range all {
		if !w.Stands(now) {
			continue
		}
		age := now.Sub(w.Received)
		switch {
		case age >= f.Escalate:
			err = f.ring(ctx, w, alerts.CallEveryone, alerts.WhyWarningEscalated, now)
		case age >= f.Again:
			err = f.ring(ctx, w, alerts.CallDuty, alerts.WhyWarningAgain, now)
		default:
			continue
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

func (f *Feeds) ring(ctx context.Context, w *Warning, who alerts.Call, why alerts.Why, now time.Time) error {
	r := alerts.Ring{Who: who, Why: why, Warning: w.Key, At: now}
	first, err := f.Store.RingWarning(ctx, w.Key, "rung:"+string(why), r, w.act("rung", string(who)+": "+string(why), now))
	if err == nil && first {
		f.Ringer.Ring(ctx, r)
	}
	return err
}

// act is what the gateway did about a warning.
func (w *Warning) act(verb, reason string, now time.Time) alerts.Act {
	return alerts.Act{V: 1, At: now.UTC(), By: alerts.By{ID: "gateway", Name: "gateway"}, Verb: verb, Alert: alerts.ID(w.Key), Event: alerts.ID(w.Key), Digest: cap.Digest(w.Alert), Reason: reason, Via: "feed"}
}

// take stores an alert of a feed where it concerns us; rings says whether
// somebody is rung for it.
func (f *Feeds) take(ctx context.Context, feed Feed, a *alerts.Alert, rings bool, now time.Time) (fresh bool, err error) {
	w := f.judge(feed, a, now)
	for _, ref := range a.References {
		if ref.Sender != a.Sender || a.MsgType != alerts.MsgUpdate && a.MsgType != alerts.MsgCancel {
			continue // nobody takes back what another one said
		}
		keys, err := f.Store.WarningsOf(ctx, ref.Sender, ref.Identifier)
		if err != nil {
			return false, err
		}
		for _, key := range keys {
			if key != w.Key && !slices.Contains(w.Follows, key) {
				w.Follows = append(w.Follows, key)
			}
		}
	}
	if w.Quiet && len(w.Follows) == 0 {
		return false, nil
	}
	var ring *alerts.Ring
	if !w.Quiet && rings {
		ring = &alerts.Ring{Who: alerts.CallDuty, Why: alerts.WhyWarning, Warning: w.Key, At: now}
	}
	fresh, err = f.Store.TakeWarning(ctx, w, w.act("warning-received", feed.Name, now), ring)
	if err == nil && fresh {
		f.Log.Info("an official warning came in", zap.String("feed", feed.Name), zap.String("warning", w.Key), zap.String("severity", string(w.Severity)), zap.Bool("quiet", w.Quiet))
		if ring != nil {
			f.Ringer.Ring(ctx, *ring)
		}
	}
	return fresh && !w.Quiet, err
}

// withoutEnd is how long a warning holds that does not say it.
const withoutEnd = 24 * time.Hour

// judge says what of an alert concerns us; it is quiet where nothing does.
func (f *Feeds) judge(feed Feed, a *alerts.Alert, now time.Time) *Warning {
	w := &Warning{V: WarningVersion, Key: WarningKey(a), Feed: feed.Name, Alert: a, Received: now.UTC(), State: WarningOpen, Quiet: true}
	taken := a.Status == alerts.StatusActual || feed.Exercises && a.Status == alerts.StatusExercise
	if !taken || a.MsgType != alerts.MsgAlert && a.MsgType != alerts.MsgUpdate || a.Sent.After(now.Add(alerts.SentAhead)) {
		return w
	}
	for i := range a.Infos {
		in := &a.Infos[i]
		end := in.Expires
		if end.IsZero() {
			end = a.Sent.Add(withoutEnd)
		}
		if !end.After(now) || in.Severity.Rank() < feed.Severity.Rank() || !feed.hazard(in) || slices.Contains(in.ResponseTypes, alerts.ResponseAllClear) {
			continue
		}
		concerned, known := f.concerns(feed, in)
		if !concerned {
			continue
		}
		w.Quiet = false
		w.Unknown = w.Unknown || !known
		if in.Severity.Rank() > w.Severity.Rank() || w.Severity == "" {
			w.Severity = in.Severity
		}
		if end.After(w.Until) {
			w.Until = end.UTC()
		}
	}
	return w
}

func (feed Feed) hazard(in *alerts.Info) bool {
	return len(feed.Hazards) == 0 || slices.ContainsFunc(in.Categories, func(c alerts.Category) bool { return slices.Contains(feed.Hazards, string(c)) })
}

// concerns compares the place of an info with ours; known: it was found.
func (f *Feeds) concerns(feed Feed, in *alerts.Info) (concerned, known bool) {
	found := false // a place that can be compared
	for i := range in.Areas {
		at := &in.Areas[i]
		for _, g := range at.Geocodes {
			if feed.names(g) {
				return true, true
			}
			if f.Areas == nil {
				continue
			}
			if _, known := f.Areas.Area(g.Value); known {
				return true, true
			}
		}
		if f.Areas != nil && len(at.Polygons)+len(at.Circles) > 0 {
			if f.Areas.Resolve(nil, at.Polygons, at.Circles).Touched > 0 {
				return true, true
			}
			found = true
		}
	}
	return len(feed.Areas) == 0 && !found, false
}

// names reports whether a code is one of the configured ones.
func (feed Feed) names(code alerts.Value) bool {
	return slices.ContainsFunc(feed.Areas, func(wanted string) bool {
		if name, value, named := strings.Cut(wanted, "="); named {
			if name != code.Name {
				return false
			}
			wanted = value
		}
		if prefix, open := strings.CutSuffix(wanted, "*"); open {
			return strings.HasPrefix(code.Value, prefix)
		}
		return code.Value == wanted
	})
}
