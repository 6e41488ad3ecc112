package dashboards

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/cap"
	"martinella/alerts/lint"
	"martinella/alerts/templates"
	"martinella/broadcast"
	"martinella/broadcast/backup"
	"martinella/channels"
	"martinella/dashboards/certificate"
	"martinella/dashboards/mirror"
	"martinella/dashboards/photo"
	"martinella/dashboards/settings"
	"martinella/dashboards/signin"
)

// Config is what the doors open on. The fields up to Registry are required;
// the zero value of each other one means "not here".
type Config struct {
	Authority alerts.Authority
	PublicURL string         // "https://allerta.comune.example", without a slash at the end
	Zone      *time.Location // of every time that is shown
	Desk      *alerts.Desk
	Keys      alerts.Keys
	Log       broadcast.Log
	Work      broadcast.Work
	Outcomes  broadcast.Outcomes
	Board     Board
	Acts      broadcast.Ledger
	Registry  *prometheus.Registry
	Logger    *zap.Logger

	Live   http.Handler // GET /live, WebSocket
	Events http.Handler // GET /events, server-sent events
	// Following is how many public pages and programs follow the live feed of
	// this node now; nil: nobody counts.
	Following func() int
	// Hooks are the channels that receive requests at /hooks/{channel}; what
	// they read goes to Sink.
	Hooks map[string]channels.Inbound
	Sink  channels.Sink
	// Outbox is what was written instead of sent, shown at /outbox: to
	// everybody in practice, else on the administration port alone.
	Outbox Outbox
	// Staff lets the members of staff into the console; nil: there is none.
	// Troubles are the channels that do not work now, for the console; the public
	// reads which way is disturbed and since when, nothing else.
	Staff    *signin.Office
	Troubles func() []broadcast.Trouble
	// Papers keeps drafts, own templates and settings of the console; Preview
	// tells what each channel would say of a record, also to keys. The first
	// comes with Staff, the second with the planner: nil answers no preview.
	Papers  broadcast.Papers
	Preview func(ctx context.Context, r *alerts.Record) ([]broadcast.Preview, error)
	// Areas names the areas that alerts are for, for the console; nil knows none.
	Areas *areas.Gazetteer
	// Rings calls a member of staff to try out their contacts, and Rung keeps
	// whom calls reached; nil: nobody is called here.
	Rings Rings
	Rung  broadcast.RingStore
	// Callouts calls volunteers out; nil: nobody is called out here.
	Callouts Callouts
	// Warnings keeps the official warnings of others, and Feeds are where they
	// come from; nil: none are read here.
	Warnings broadcast.Warnings
	Feeds    []broadcast.Feed
	// Settings is what staff set in the console, over the fields of this
	// configuration; nil: nothing can be set. Channels are those of this node,
	// for the console. PackKey signs packs of templates.
	Settings *settings.Book
	Channels broadcast.Dispatchers
	PackKey  func() (ed25519.PrivateKey, error)
	// Outlines are the files of areas that are loaded, for the console.
	Outlines []Outline
	// StartedAreas is what this node knows of areas since its start.
	StartedAreas StartedAreas
	// Kits are what people post by hand, and Cards draws the picture that goes
	// with an alert.
	Kits  Kits
	Cards broadcast.Cards

	// Photos are those of live updates, served at /photo/{file}; nil: there are
	// none.
	Photos broadcast.Photos

	// Written gives the texts of a published revision as its readers got them, of
	// the channels that are for everybody, for /verify; nil: the alert's own
	// wordings alone. It blocks until the store answered.
	Written func(ctx context.Context, r *alerts.Record) ([]WrittenText, error)
	// Statements signs what /verify says (ECDSA on P-256); nil: nothing is signed.
	Statements *ecdsa.PrivateKey
	// OwnPages opens the pages of subscribers, whose links are in messages to
	// them, and confirms sign-ups; nil: there are none. SignUps lets people
	// subscribe themselves; nil: nobody can, and it needs OwnPages.
	OwnPages *broadcast.SignUps
	// TextsStop tells that text messages are sent to people, who can answer them
	// with STOP.
	TextsStop bool
	SignUps   *SignUps
	// Volunteers is the roster of volunteers, for the console and for their own
	// pages; nil: there is none.
	Volunteers *Volunteers

	// Words is what the linter knows of the authority's words: its sites, its
	// approved links and telephone numbers.
	Words lint.Context
	// Templates gives the warnings written in advance; nil: the shipped ones.
	Templates func() ([]templates.Template, error)

	// Mirrors tells how the copies of the public pages on other hosts fare; nil:
	// there are none.
	Mirrors func() []mirror.State

	// Backups tells how old the last good backup in each place is; nil: there are
	// no places.
	Backups func() []backup.Status

	// Examined tells staff what this node found when it last made its checks;
	// nil: it makes none.
	Examined func() broadcast.Examination

	// Ready lists why alerts cannot be accepted durably now; none means ready.
	Ready func(ctx context.Context) []string
	// Ledger counts the acts; its value is a metric.
	Ledger  func(ctx context.Context) (int64, error)
	Version Version

	// Direct says that no proxy stands before the listener; TrustedProxies
	// are those that do. Without either, addresses are not known and nothing
	// is limited by address (DECISIONS 15).
	Direct         bool
	TrustedProxies []netip.Prefix

	// KeyRate and KeyBurst limit the requests of one API key; 0 takes 100 a
	// second and 500 at once, a negative rate means no limit.
	KeyRate  float64
	KeyBurst int

	// Limits of a submitted message; zero takes cap.Submit. Sources have their
	// own, by the person's id: national ones send more.
	Limits  cap.Limits
	Sources map[string]cap.Limits
	// Signers may send without a key what they have signed (XML signature).
	Signers []Signer
	// Signing signs the CAP messages at /cap/; nil: they carry no signature.
	Signing *Signing
	// Certificates, by a name for the metric of their expiry: TLS, signing,
	// and those of senders.
	Certificates map[string]*x509.Certificate
	// TLS tells of the certificate of the public listener; nil: TLS is a proxy's
	// business.
	TLS func() certificate.State

	// Site is the institution's own page; the contacts are shown in the footer
	// and on the pages about accessibility and privacy. Brand is "#rrggbb".
	Site          string
	Accessibility string // address of the statement of accessibility, if it is elsewhere
	Feedback      string // e-mail address for problems of the pages
	Brand         string
	// Licence is under which texts and feeds may be used again, in words.
	Licence string
	// Accounts and Hashtags are the register that /accounts shows. Stopped tells
	// of a channel whether its account is not updated at the moment; nil: none.
	Accounts []Account
	Hashtags channels.Hashtags
	// EmbedOrigins are the sites that may show /embed in a frame, as scheme and
	// host ("https://www.comune.example"); none: our own alone.
	EmbedOrigins []string
	Stopped      func(channel string) bool
	Profiling    bool // serve /debug/pprof on the administration port
}

// Version is what /version answers.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
}

// Server answers HTTP. Its handlers may be used by many goroutines; it keeps
// no goroutine of its own but one for each alert whose progress is followed.
type Server struct {
	Config
	metrics *metrics
	auth    *authenticator
	pages   *pages
	feeds   *shelf // those that were rendered, for everybody
	// filtered are the feeds and strips of which readers chose a part.
	filtered *filtered
	widget   *ready   // the custom element for other sites
	framed   []string // the policy of /embed
	status   *status
	console  *console // nil without staff

	ownPosts *http.CrossOriginProtection // tells our forms from those of other sites

	dressed dressed
	zones   func() *zones // of the maps

	watchers *watchers

	photos  photoShelf
	reader  *photo.Reader
	uploads chan struct{} // holds a token for each photo that is coming in
	drawing chan struct{} // holds a token for each picture of an alert that is drawn for a stranger

	verifying  *verifier
	statements *statementKey // nil without a key

	exporting chan struct{} // holds a token while the ledger is exported

	sameSite *http.CrossOriginProtection // of forms on public pages that are one person's

	bodyTime time.Duration // see [Server.hurried]
}

// New checks the configuration and prepares templates, catalogues and assets,
// so that what is missing is known at start and not at the first visit.
func New(c Config) (*Server, error) {
	switch {
	case c.Desk == nil, c.Keys == nil, c.Log == nil, c.Work == nil, c.Outcomes == nil, c.Board == nil, c.Acts == nil, c.Registry == nil, c.Logger == nil:
		return nil, errors.New("dashboards: Desk, Keys, Log, Work, Outcomes, Board, Acts, Registry and Logger are required")
	case c.Zone == nil:
		return nil, errors.New("dashboards: Zone is required")
	}
	if c.Signing != nil && !cap.CanSign(c.Signing.Key, c.Signing.Certificate) {
		return nil, errors.New("dashboards: Signing: the key is not the RSA key of the certificate")
	}
	for _, o := range c.EmbedOrigins {
		if !Origin(o) {
			return nil, fmt.Errorf("dashboards: EmbedOrigins: %q is not scheme and host", o)
		}
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	sameSite := http.NewCrossOriginProtection()
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("dashboards: PublicURL is not an http address")
	} else if err := sameSite.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil { // a proxy may change Host
		return nil, err
	}
	if c.Limits == (cap.Limits{}) {
		c.Limits = cap.Submit
	}
	if c.KeyRate == 0 {
		c.KeyRate, c.KeyBurst = 100, 500
	}
	s := &Server{Config: c, sameSite: sameSite, bodyTime: bodyTime, exporting: make(chan struct{}, 1), feeds: newShelf(), filtered: newFiltered(filteredBytes), reader: photo.NewReader(), uploads: make(chan struct{}, uploadsAtOnce), verifying: newVerifier(), drawing: make(chan struct{}, cardsAtOnce)}
	s.zones = sync.OnceValue(func() *zones { return newZones(c.Areas) })
	var err error
	if s.statements, err = newStatementKey(c.Statements); err != nil {
		return nil, err
	}
	if s.metrics, err = newMetrics(c); err != nil {
		return nil, err
	}
	s.auth = newAuthenticator(s)
	s.watchers = newWatchers(s)
	s.status = &status{work: c.Work}
	if s.pages, err = newPages(s); err != nil {
		return nil, err
	}
	s.pages.assets.renew = s.catchUp
	s.framed, s.widget = framedBy(c.EmbedOrigins), newWidget(s.pages.locales)
	if s.ownPosts, err = newOwnPosts(c.PublicURL); err != nil {
		return nil, err
	}
	s.console = newConsole(s)
	return s, nil
}

// actTimeout is how long an act of the desk may take. It goes on when the
// client hangs up, so that nothing is left half done.
const actTimeout = 10 * time.Second

func actContext(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), actTimeout)
}
