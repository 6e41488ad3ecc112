package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/alerts/lexicon"
	"martinella/broadcast"
	"martinella/broadcast/backup"
	"martinella/broadcast/callout"
	"martinella/broadcast/live"
	"martinella/channels"
	"martinella/channels/imagecard"
	"martinella/dashboards"
	"martinella/dashboards/mirror"
	"martinella/dashboards/settings"
	"martinella/dashboards/signin"
)

// gateway is one node with everything that it runs.
type gateway struct {
	config      *Config
	log         *zap.Logger
	store       *store
	desk        *alerts.Desk
	preview     func(context.Context, *alerts.Record) ([]broadcast.Preview, error)
	board       *broadcast.Board
	hub         *live.Hub
	metrics     *broadcast.Metrics
	dispatchers []*broadcast.Dispatcher
	answering   *broadcast.Answering
	questions   *broadcast.Questions // nil: nobody subscribes by themselves
	subscribing *dashboards.SignUps  // nil as well
	rings       *broadcast.Rings
	callouts    *callout.Callouts
	roster      *dashboards.Volunteers
	feeds       *broadcast.Feeds
	ledger      *broadcast.LedgerKeeper
	channels    []channels.Channel
	office      *signin.Office
	book        *settings.Book
	started     dashboards.StartedAreas
	server      *dashboards.Server
	files       openFiles
	door        *dashboards.Door
	mirror      *mirror.Keeper
	backup      *backup.Keeper
	examiner    *broadcast.Examiner
	stopping    atomic.Bool
	stirred     chan struct{} // has the sweep look at once
}

// newGateway builds every part over an open store. site is the public address
// where none is configured.
func newGateway(c *Config, s *store, site string, log *zap.Logger) (*gateway, error) {
	if c.PublicURL == "" {
		c.PublicURL = site
	}
	g := &gateway{config: c, log: log, store: s, stirred: make(chan struct{}, 1)}
	if err := g.settle(); err != nil {
		return nil, err
	}
	g.survey()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	routes, err := g.routes()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(routes))
	for i, r := range routes {
		names[i] = r.Name()
	}
	g.metrics = broadcast.NewMetrics(registry, names)
	queues := broadcast.NewQueues(s)
	g.answering = broadcast.NewAnswering(routes, log)
	sink := &broadcast.Sink{Queues: queues, Metrics: g.metrics, Roll: s.People(), Answer: g.answering.Answer, Kinds: broadcast.AddressKinds(routes), Log: log}
	g.subscribing = g.signUps(routes)
	own := broadcast.SignUps{Roll: s.People()}
	ownPage := func(number uint32, kind, address string, at time.Time) string {
		return strings.TrimSuffix(c.PublicURL, "/") + "/p/" + own.OwnToken(number, kind, address, at)
	}
	g.callouts = g.callOut(routes, registry)
	sink.Replies = g.callouts.Reply
	cards := imagecard.New(g.settings())
	for _, r := range routes {
		g.dispatchers = append(g.dispatchers, &broadcast.Dispatcher{Route: r, Queues: queues, People: s.People(), Sink: sink, Metrics: g.metrics, Cards: cards, OwnPage: ownPage, CallPage: g.callouts.Link, Log: log})
	}
	g.fallBack()
	g.roster = g.volunteers()
	sink.Connect = g.roster.Pages.Connect
	planner := &broadcast.Planner{
		Routes: planned(routes), Records: s.Store(), People: s.People(), Store: s, Work: s, Queues: queues,
		Language: c.Authority.Language, Zone: c.zone(), Areas: c.gazetteer, Log: log,
	}
	g.preview = planner.Preview
	g.desk = &alerts.Desk{
		Authority: c.authority(),
		Policy:    alerts.Policy{SecondPersonReach: c.Policy.SecondPersonReach, Practice: c.Mode == modePractice},
		Store:     s.Store(),
		Publisher: planner,
		NewID:     newID,
		Digest:    digest,
		Sitreps:   s.Store(),
		Instructs: c.words().Instructs,
		Suspended: func(language string) string { return lexicon.For(language).Suspended },
		Over: func(language string, change alerts.Change, exercise bool, event string) (headline, text string) {
			return lexicon.For(language).Closing(change, exercise, event)
		},
	}
	if g.office, err = signin.New(s.Staff(), c.Authority.Name, c.PublicURL); err != nil {
		return nil, err
	}
	provider, err := c.provider()
	if err != nil {
		return nil, err
	}
	g.office.Through(provider)
	g.rings = broadcast.NewRings(broadcast.RingsConfig{
		Store: s, Records: s.Store(), Crew: g.office, Routes: routes, Approves: g.desk.MayApprove, PublicURL: c.PublicURL, Authority: c.Authority.Name, Log: log,
		Warning: g.warning, Callout: g.callouts.Shortage, Operators: c.operators(), Zone: c.zone(),
	}, registry)
	g.desk.Ringer, g.desk.TellSends = g.rings, len(c.Operators) > 0
	feeds, err := c.feeds()
	if err != nil {
		return nil, err
	}
	g.feeds = broadcast.NewFeeds(broadcast.FeedsConfig{
		Feeds: feeds, Store: s.Warnings(), Ringer: g.rings, Areas: c.gazetteer, Language: c.Authority.Language,
		Again: c.Policy.WarningAgain, Escalate: c.Policy.WarningEscalate, Log: log,
	}, registry)
	g.files = c.Limits.openFiles(log)
	if err := g.follow(registry); err != nil {
		return nil, err
	}
	if g.backup, err = c.keeper(s, registry, log); err != nil {
		return nil, err
	}
	g.examiner = broadcast.NewExaminer(g.examine, registry, log)
	if err := g.doors(registry, sink); err != nil {
		return nil, err
	}
	if err := g.mirrors(registry); err != nil {
		return nil, err
	}
	g.board.Observe(func(broadcast.Entry) { g.mirror.Stir() })
	g.board.OnLoad(func(broadcast.Cursor) { g.mirror.Stir() })
	return g, nil
}

// warning is what a ring for an official warning says, and whether it is needed.
func (g *gateway) warning(ctx context.Context, key string) (string, bool, error) {
	w, err := g.store.Warnings().Warning(ctx, key)
	if err != nil {
		return "", false, err
	}
	return w.Headline(g.config.Authority.Language), w.Stands(time.Now()), nil
}

// newID is a ULID.
func newID(now time.Time) alerts.ID {
	return alerts.ID(ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String())
}

// digest is over the canonical CAP; that of an own alert leaves sent out.
func digest(a *alerts.Alert, own bool) (alerts.Digest, error) {
	if own {
		return cap.DigestOwn(a), nil
	}
	return cap.Digest(a), nil
}

// routes builds the channels that the mode uses, in the order of the
// configuration.
func (g *gateway) routes() ([]broadcast.Route, error) {
	var routes []broadcast.Route
	for i := range g.config.Channels {
		c := &g.config.Channels[i]
		if !g.config.uses(c) {
			g.log.Warn("mode practice: the channel is not used", zap.String("channel", c.Name))
			continue
		}
		ch, err := c.build(g.settings(), g.config.Data, g.log)
		if err != nil {
			return nil, usage(fmt.Errorf("channel %s: %w", c.Name, err), "martinella config check names the line")
		}
		g.channels = append(g.channels, ch)
		r := c.route(ch)
		r.Standby = g.config.standby(c)
		routes = append(routes, r)
	}
	return routes, nil
}

// planned leaves out what only stands by: it makes no deliveries of its own.
func planned(routes []broadcast.Route) []broadcast.Route {
	return slices.DeleteFunc(slices.Clone(routes), func(r broadcast.Route) bool { return r.Standby })
}

// fallBack gives each channel the one that carries for it while its own
// provider fails, as far as the mode uses both.
func (g *gateway) fallBack() {
	carried := map[string]*broadcast.Dispatcher{}
	for _, d := range g.dispatchers {
		carried[d.Route.Name()] = d
	}
	for i := range g.config.Channels {
		c := &g.config.Channels[i]
		if d, second := carried[c.Name], carried[c.Fallback]; d != nil && second != nil {
			d.Fallback = second
		}
	}
}

// follow builds what shows published changes: the board, and the live feed
// behind it.
func (g *gateway) follow(registry *prometheus.Registry) error {
	metrics, err := live.NewMetrics(registry)
	if err != nil {
		return err
	}
	build := func(write func(broadcast.Entry, string, string, time.Duration) []byte) live.Build {
		return func(e broadcast.Entry, lang string, spread time.Duration) []byte {
			return write(e, g.config.PublicURL, lang, spread)
		}
	}
	g.hub, err = live.New(live.Config{
		Log: g.store.Log(), Brief: build(broadcast.Brief), Full: build(broadcast.Full), Metrics: metrics, Logger: g.log,
		Public: broadcast.Public, Origins: g.origins(), Path: live.Path(g.config.Limits.LivePath),
		MaxClients: g.files.live, JoinsPerSecond: g.config.Limits.LiveJoins, ShutdownSpread: g.config.Limits.LiveFarewell,
		Languages: g.languages(),
	})
	if err != nil {
		return err
	}
	g.board = broadcast.NewBoard(g.store.Store(), g.store.Log(), g.log)
	g.board.Sitreps(g.store.Store())
	g.board.OnLoad(g.hub.Begin)
	g.board.Observe(g.hub.Publish)
	g.board.Observe(g.stir)
	return nil
}

// origins are the sites whose pages may open the feed: the configured ones and
// the gateway's own address, also behind a proxy.
func (g *gateway) origins() []string {
	return append(slices.Clone(g.config.Origins), g.config.PublicURL)
}

// languages of the live feed: the authority's first.
func (g *gateway) languages() []string {
	all := []string{alerts.PrimaryLanguage(g.config.Authority.Language)}
	for _, l := range []string{"it", "en", "de", "sl", "fr"} {
		if !slices.Contains(all, l) {
			all = append(all, l)
		}
	}
	return all
}

// doors builds the HTTP side.
func (g *gateway) doors(registry *prometheus.Registry, sink channels.Sink) error {
	c := g.config
	acts, err := g.store.Ledger()
	if err != nil {
		return err
	}
	g.ledger = broadcast.NewLedgerKeeper(acts, registry, g.log)
	statements, err := g.store.StatementKey()
	if err != nil {
		return err
	}
	conf := dashboards.Config{
		Authority: c.authority(), PublicURL: c.PublicURL, Zone: c.zone(), Desk: g.desk, Keys: g.store.Keys(),
		Log: g.store.Log(), Ledger: g.store.Store().ActCount, Work: g.store, Outcomes: g.store, Board: g.board, Acts: acts, Registry: registry, Logger: g.log,
		Live: g.hub, Events: g.hub.Events(), Following: g.hub.Open, Hooks: map[string]channels.Inbound{}, Sink: sink, Outbox: newOutboxPage(g.channels),
		Ready: g.reasons, Direct: c.Direct, KeyRate: c.Limits.KeyRate, KeyBurst: c.Limits.KeyBurst,
		Version: dashboards.Version{Version: version(), Go: runtime.Version()}, Certificates: map[string]*x509.Certificate{},
		Site: c.Pages.Site, Accessibility: c.Pages.Accessibility, Feedback: c.Pages.Feedback, Brand: c.Pages.Brand, Licence: c.Pages.Licence, Profiling: c.Profiling,
		Accounts: c.accounts(), Hashtags: c.Hashtags, Stopped: g.stopped, EmbedOrigins: c.Embed.Origins,
		Kits: g.kits(), Cards: g.cards(), Words: c.words(), Templates: g.book.Templates, Settings: g.book, Channels: g.dispatchers, PackKey: templateFolder(c.Data).key, Outlines: g.outlines(), StartedAreas: g.started, Staff: g.office, Troubles: g.troubles, Papers: g.store.Papers(), Preview: g.preview, Areas: c.gazetteer,
		SignUps: g.subscribing, OwnPages: &broadcast.SignUps{Roll: g.store.People()}, TextsStop: g.textsStop(),
		Volunteers: g.roster, Callouts: g.callouts,
		Photos: g.store.Store(), Rings: g.rings, Rung: g.store, Written: g.written, Statements: statements, Warnings: g.store.Warnings(), Feeds: g.feeds.Feeds,
		Mirrors: func() []mirror.State { return g.mirror.States() }, Backups: g.backup.States, Examined: g.examined(),
	}
	if c.certificate != nil {
		conf.TLS = c.certificate.State
	}
	for _, p := range c.TrustedProxies {
		prefix, err := parsePrefix(p)
		if err != nil {
			return err
		}
		conf.TrustedProxies = append(conf.TrustedProxies, prefix)
	}
	g.door = dashboards.NewDoor(g.files.pages, func(a netip.Addr) bool {
		return a.IsLoopback() || slices.ContainsFunc(conf.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}, registry)
	if conf.Signing, err = c.signing(); err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	if conf.Signing != nil {
		conf.Certificates["signing"] = conf.Signing.Certificate
	}
	for _, s := range c.Senders {
		cert, err := readCertificate(s.Certificate)
		if err != nil {
			return err
		}
		rights, _ := rightsOf(s.Can, s.Areas, s.Hazards, s.SeverityMax, s.Status, nil, false)
		rights.Senders = trimmed(s.Senders)
		conf.Signers = append(conf.Signers, dashboards.Signer{Person: alerts.Person{ID: "sender:" + s.Name, Name: s.Name, Rights: rights}, Certificate: cert})
		conf.Certificates[s.Name] = cert
	}
	for _, ch := range g.channels {
		if in, ok := ch.(channels.Inbound); ok {
			conf.Hooks[ch.Name()] = in
		}
	}
	g.server, err = dashboards.New(conf)
	return err
}

// sweepEvery is how often the desk looks for what is due.
const sweepEvery = 15 * time.Second

// stir has the sweep look at once: a real alert ends exercises.
func (g *gateway) stir(e broadcast.Entry) {
	if e.Record.Alert.Practice() || e.Sitrep != nil {
		return
	}
	select {
	case g.stirred <- struct{}{}:
	default:
	}
}

// sweep does what is due until ctx ends.
func (g *gateway) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		done, err := g.desk.Watch(ctx, time.Now())
		if err != nil && ctx.Err() == nil {
			g.log.Warn("not all that is due was done; it is tried again", zap.Error(err))
		}
		if done.Lapsed+done.Suspended > 0 {
			g.log.Info("events have ended", zap.Int("lapsed", done.Lapsed), zap.Int("suspended", done.Suspended))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-g.stirred:
		case <-tick.C:
		}
	}
}

// The times of shutdown: what is being answered, then what is being sent.
const answersEnd = 10 * time.Second

// run serves both listeners until ctx ends, then ends everything in order:
// readiness first, live clients with 1012, answers, sendings, and last the
// store's own loop: with it goes the lease, and from then on other nodes send
// what this one had in hand. ready is called once alerts can be accepted.
func (g *gateway) run(ctx context.Context, doors *listeners, ready func(context.Context) error) error {
	defer runtime.KeepAlive(reserve())
	loops, keep := &supervisor{log: g.log}, &supervisor{log: g.log}
	kept, giveBack := context.WithCancel(context.WithoutCancel(ctx))
	defer giveBack()
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	feed, stopFeed := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFeed()

	keep.start(kept, "store", g.store.Run)
	loops.start(background, "board", g.board.Run)
	for _, d := range g.dispatchers {
		loops.start(background, "channel "+d.Route.Name(), d.Run)
	}
	loops.start(background, "answers", g.answering.Run)
	loops.start(background, "rings", g.rings.Run)
	loops.start(background, "callouts", g.callouts.Run)
	if g.questions != nil {
		loops.start(background, "sign-ups", g.questions.Run)
	}
	loops.start(background, "feeds", g.feeds.Run)
	loops.start(background, "sweep", g.sweep)
	loops.start(background, "people", g.people)
	loops.start(background, "settings", g.book.Run)
	loops.start(background, "ledger", g.ledger.Run)
	loops.start(background, "mirror", g.mirrored)
	loops.start(background, "watchdog", g.watched)
	loops.start(background, "backup", g.backup.Run)
	loops.start(background, "examination", g.examination)
	loops.start(background, "durability", func(ctx context.Context) error { return g.metrics.Watch(ctx, g.store) })
	feedEnded := make(chan struct{})
	go func() {
		defer close(feedEnded)
		_ = g.hub.Run(feed) // always nil
	}()

	servers := g.servers(doors)
	broken := make(chan error, len(servers))
	for l, server := range servers {
		go func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				broken <- fmt.Errorf("listen on %s: %w", l.Addr(), err)
			}
		}()
	}
	if doors.source != nil {
		loops.start(background, "certificate", g.fetch)
	}

	err := g.awaitReady(ctx, broken)
	if err == nil && ctx.Err() == nil {
		err = ready(ctx)
	}
	if err == nil {
		select {
		case <-ctx.Done():
			g.log.Info("stopping")
		case err = <-broken:
		}
	}

	g.stopping.Store(true)
	notify(daemon.SdNotifyStopping, g.log)
	stopFeed()
	<-feedEnded
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), answersEnd)
	defer cancel()
	for _, s := range servers {
		if shutErr := s.Shutdown(end); shutErr != nil {
			_ = s.Close() // what is still open after ten seconds is cut
		}
	}
	stopBackground()
	loops.wait()
	giveBack()
	keep.wait()
	return errors.Join(err, g.closeChannels())
}

// mirrored keeps the copies once there is something to copy.
func (g *gateway) mirrored(ctx context.Context) error {
	if err := loaded(ctx, g.board); err != nil {
		return err
	}
	return g.mirror.Run(ctx)
}

// awaitReady waits until the board is loaded: from then on the gateway accepts
// alerts and shows them.
func (g *gateway) awaitReady(ctx context.Context, broken <-chan error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := g.board.Health(); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-broken:
			return err
		case <-tick.C:
		}
	}
}
