package callout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
)

// Callouts calls volunteers out: what coordinators and volunteers ask of it are
// its methods, and Run pages. Its methods may be called from many goroutines and
// block until the store answered; any number of nodes may run it.
type Callouts struct {
	Config
	metrics metrics
	stirred chan struct{}
}

// Config is what Callouts needs. What may be nil or zero says so.
type Config struct {
	Store  Store
	Roll   Roll
	Routes []broadcast.Route // in plan order; channels that cannot page are not used
	Areas  *areas.Gazetteer  // nil: exact codes only
	// Alerts gives the alerts that everybody may see now: where one of Severe
	// covers the meeting point, nobody is called by the gateway itself. It must
	// not block. nil: none.
	Alerts func(now time.Time) []broadcast.Happening
	// Durability is that of the store: [broadcast.Work.Durability].
	Durability func(ctx context.Context) (broadcast.Durability, error)

	// Outcomes tells of pages that failed, so that the next contact is tried at
	// once; nil: it is tried at its time.
	Outcomes States

	Authority alerts.Authority
	Language  string         // of the authority: for who has none that can be written
	Zone      *time.Location // of the authority; nil: the machine's
	PublicURL string         // without a path
	Practice  bool           // this gateway only practises: no call is in earnest

	NewID func(now time.Time) alerts.ID
	Write broadcast.Answers // brings an answer to a reply; nil: replies are taken without a word
	// Short is told that too few come to a call, so that somebody is rung: when
	// that is noticed, and again and again while it is so, since a node may die
	// between the two. [volunteers.Call.Short] tells one time from another; what
	// was rung for it is rung once. It must not block for long. nil: pages and
	// metrics say so.
	Short func(ctx context.Context, c *volunteers.Call)
	// Testing gives when contacts are tested, as it is set now; it must not block.
	// nil: never by itself.
	Testing func() volunteers.Testing
	// Welfare is after how long without a sign of life somebody who is there
	// counts as overdue; 0: two hours.
	Welfare time.Duration
	Now     func() time.Time // nil: the machine's clock
	Log     *zap.Logger
}

// Roll is what calls ask of the list of subscribers; see [broadcast.Roll].
type Roll interface {
	Volunteers(ctx context.Context) ([]*broadcast.Member, error)
	// Members gives several people at once, in the order of numbers; nil for who
	// is not there.
	Members(ctx context.Context, numbers []uint32) ([]*broadcast.Member, error)
	Lookup(ctx context.Context, kind, address string) (uint32, error)
	// Change edits one person; see [broadcast.Roll].
	Change(ctx context.Context, number uint32, act *alerts.Act, edit func(*broadcast.Member) (bool, error)) error
	MAC(text []byte) []byte
}

const (
	callWorkers = 2                // calls in hand of one node at a time
	poll        = time.Second      // how often a node looks for what is due
	lease       = 20 * time.Second // of one round; a dead node's call waits so long
	roundTime   = 15 * time.Second // of one round, so that it ends before its lease
	watchEvery  = 5 * time.Second  // the watchdog's measure
	sweepEvery  = 30 * time.Second
	lagError    = time.Minute // from here on the log says it as an error
	mostOpen    = 200         // calls that are looked through, the newest
	welfareTime = 2 * time.Hour
)

// New registers the metrics; it panics where they are registered already.
// Nothing leaves before Run.
func New(c Config, r prometheus.Registerer) *Callouts {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.Local
	}
	if c.Welfare == 0 {
		c.Welfare = welfareTime
	}
	return &Callouts{Config: c, metrics: newMetrics(r), stirred: make(chan struct{}, callWorkers)}
}

// gateway is who acts where the gateway itself does.
var gateway = alerts.By{ID: "gateway", Name: "gateway"}

// act is one of a call.
func act(c alerts.ID, verb string, by alerts.By, reason, via string, now time.Time) alerts.Act {
	return alerts.Act{V: 1, At: now.UTC().Truncate(time.Millisecond), By: by, Verb: verb, Event: c, Reason: reason, Via: via}
}

// person is a volunteer as the ledger names them: by number alone.
func person(number uint32) alerts.By { return alerts.By{ID: fmt.Sprintf("person:%d", number)} }

// now is in the authority's zone: availability and quiet hours are judged by it.
func (s *Callouts) now() time.Time { return s.Now().In(s.Zone) }

// stir has a worker look at once.
func (s *Callouts) stir() {
	select {
	case s.stirred <- struct{}{}:
	default:
	}
}

// Calls gives the newest calls, the newest first, without tests of contacts.
func (s *Callouts) Calls(ctx context.Context, most int) ([]*volunteers.Call, error) {
	calls, err := s.Store.Calls(ctx, most)
	if err != nil {
		return nil, fmt.Errorf("list the calls: %w", err)
	}
	return slices.DeleteFunc(calls, func(c *volunteers.Call) bool { return c.Test }), nil
}
