package voice

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/provider"
)

// Channel makes calls through one provider. Its methods may be called from many
// goroutines. It holds nothing that must be closed.
type Channel struct {
	name     string
	config   Config
	settings channels.Settings
	carrier  carrier
	settle   time.Duration
	log      *zap.Logger
}

// finding is a channel whose provider can be asked.
type finding struct{ *Channel }

var (
	_ channels.Channel      = (*Channel)(nil)
	_ channels.Addressed    = (*Channel)(nil)
	_ channels.Limiter      = (*Channel)(nil)
	_ channels.Checker      = (*Channel)(nil)
	_ channels.Measurer     = (*Channel)(nil)
	_ channels.Inbound      = (*Channel)(nil)
	_ channels.HookAnswerer = (*Channel)(nil)
	_ channels.Pager        = (*Channel)(nil)
	_ channels.Finder       = finding{}
)

// call is what a provider needs of one message.
type call struct {
	channels.Message
	words     *words
	voice     Voice
	said      string // the text, once, as a voice reads it
	recording string // address of a recording of it; "": none
	page      bool   // it asks a volunteer to come
	code      string // of the volunteers' call that a key answers; "": no key does
}

// carrier is one provider. Its methods may be called at once.
type carrier interface {
	// dial begins one call; verdicts as of [channels.Channel].
	dial(ctx context.Context, c call) (id string, err error)
	// finds says whether find can be asked.
	finds() bool
	find(ctx context.Context, c call) (id string, found bool, err error)
	check(ctx context.Context) error
	// events reads a request to the hook; channels.ErrForged where it is not
	// the provider's.
	events(r *http.Request, body []byte) ([]channels.DeliveryReport, []channels.Reply, error)
	// keys reports whether a pressed key comes back as the person's answer.
	keys() bool
	// answer is what the provider waits for after such a request; nil: nothing.
	answer(r *http.Request) (contentType string, body []byte)
	// note is worth saying of the configuration; "" for nothing.
	note() string
}

// New checks the configuration and prepares the channel; it opens no connection.
// Its error joins every mistake as an [alerts.Problem]. What it gives is a
// [*Channel], and a [channels.Finder] where the provider can be asked what
// became of a call.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (channels.Channel, error) {
	ch, err := open(name, c, s, log)
	if err != nil {
		return nil, err
	}
	if ch.carrier.finds() {
		return finding{ch}, nil
	}
	return ch, nil
}

func open(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	carrier, problems := c.open(name, s)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if log == nil {
		log = zap.NewNop()
	}
	return &Channel{name: name, config: c, settings: s, carrier: carrier, settle: settleTime, log: log.With(zap.String("channel", name))}, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// AddressKind is "phone": numbers in E.164, mobile or landline.
func (c *Channel) AddressKind() string { return "phone" }

// Limit is the contract's pace: calls that begin.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{PerSecond: c.config.Rate, Burst: max(1, int(c.config.Rate)), Window: c.config.Window}
}

// Measure counts characters of what is said once.
func (c *Channel) Measure(text string) channels.Measure {
	return channels.Measure{Unit: string(channels.UnitChars), Used: channels.UnitChars.Count(text), Max: c.config.MaxChars, Part: 1}
}

var errNumber = errors.New("not a phone number in E.164")

// prepare makes a call of a message.
func (c *Channel) prepare(m channels.Message) (call, error) {
	if !numberForm.MatchString(m.To) {
		return call{}, channels.Permanent(fmt.Errorf("voice %s: %w", c.name, errNumber))
	}
	w, _ := wordsFor(m.Language)
	one := call{Message: m, words: w, voice: c.config.voice(m.Language), said: calm(m.Text), recording: string(m.Payload)}
	if code, ok := strings.CutPrefix(one.recording, pagePrefix); ok {
		one.recording, one.page, one.code = "", true, code
	}
	return one, nil
}

// Send begins one call and does not wait for its end: that is reported later.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	call, err := c.prepare(m)
	if err != nil {
		return channels.Receipt{}, err
	}
	id, err := c.carrier.dial(ctx, call)
	if err != nil {
		return channels.Receipt{}, worded(err, "voice "+c.name)
	}
	return channels.Receipt{ID: id}, nil
}

// settleTime is how long after a "no" the provider is asked again: none says how
// soon a call that it took is listed.
const settleTime = 5 * time.Second

// Find asks for a call whose answer was lost.
func (c finding) Find(ctx context.Context, m channels.Message) (channels.Receipt, bool, error) {
	call, err := c.prepare(m)
	if err != nil {
		return channels.Receipt{}, false, err
	}
	id, found, err := c.carrier.find(ctx, call)
	if err == nil && !found && c.settle > 0 {
		timer := time.NewTimer(c.settle)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return channels.Receipt{}, false, fmt.Errorf("voice %s: too early to say that the provider does not have it", c.name)
		}
		id, found, err = c.carrier.find(ctx, call)
	}
	if err != nil {
		return channels.Receipt{}, false, worded(err, "voice "+c.name)
	}
	if !found {
		return channels.Receipt{}, false, nil
	}
	return channels.Receipt{ID: id}, true, nil
}

// Check proves the credentials without calling anybody.
func (c *Channel) Check(ctx context.Context) error {
	if err := c.carrier.check(ctx); err != nil {
		return worded(err, "voice "+c.name)
	}
	return nil
}

// Inbound reads what the provider says of calls at /hooks/{channel}. A key that
// answers a volunteers' call is a reply of its code: "SI V-0417", "NO V-0417".
func (c *Channel) Inbound(r *http.Request) ([]channels.DeliveryReport, []channels.Reply, error) {
	body, err := provider.ReadBody(r)
	if err != nil {
		return nil, nil, err
	}
	return c.carrier.events(r, body)
}

// HookAnswer is what the person hears who pressed a key.
func (c *Channel) HookAnswer(r *http.Request) (contentType string, body []byte) {
	return c.carrier.answer(r)
}

// Notes are worth saying when a configuration is checked, and no mistakes.
func (c *Channel) Notes() []string {
	if note := c.carrier.note(); note != "" {
		return []string{note}
	}
	return nil
}

// outcome is what became of a call.
type outcome string

// The outcomes. The words are those that a description may use.
const (
	heard      outcome = "heard"      // 1 was pressed
	answered   outcome = "answered"   // somebody took it, and pressed nothing
	machine    outcome = "machine"    // an answering machine or a fax took it
	busy       outcome = "busy"       //
	unanswered outcome = "unanswered" // nobody took it
	failed     outcome = "failed"     // it could not be made
	enroute    outcome = "enroute"    // not over yet
)

var outcomes = []string{string(heard), string(answered), string(machine), string(busy), string(unanswered), string(failed), string(enroute)}

// report is what the broadcast learns: only a pressed key is a delivery. Who
// answered and pressed nothing stays accepted, neither reached for certain nor
// missed; who was not there has failed, with the reason, and is called again
// some minutes later as often as configured. The broadcast does that, so that it
// survives a restart and ends with the alert.
func (c *Config) report(o outcome, id, code string, at time.Time) channels.DeliveryReport {
	r := channels.DeliveryReport{MessageID: id, State: channels.ReportEnroute, Code: code, At: at}
	if r.Code == "" {
		r.Code = string(o)
	}
	switch o {
	case heard:
		r.State = channels.ReportDelivered
	case machine, busy, unanswered:
		r.State, r.Again, r.After = channels.ReportFailed, c.redial(), c.RedialAfter
	case failed:
		r.State = channels.ReportFailed
	}
	return r
}

// worded adds words to an error and keeps its verdict.
func worded(err error, what string) error {
	text := fmt.Errorf("%s: %w", what, err)
	switch v, after := channels.VerdictOf(err); v {
	case channels.VerdictPermanent:
		return channels.Permanent(text)
	case channels.VerdictUnauthorized:
		return channels.Unauthorized(text)
	case channels.VerdictUncertain:
		return channels.Uncertain(text)
	default:
		return channels.RetryAfter(text, after)
	}
}
