package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rivo/tview"
	"github.com/spf13/cobra"

	"martinella/alerts"
	"martinella/broadcast"
)

const (
	// watchEvery is how often the gateway is asked what there is. How the
	// deliveries of what is on its way go, it tells by itself.
	watchEvery = 500 * time.Millisecond
	// watchAlerts is how many alerts are shown, watchSettled of how many that
	// are settled the deliveries are asked for every other time: of the newest.
	watchAlerts  = 20
	watchSettled = 5
)

func watchCommand(sh shell) *cobra.Command {
	var admin string
	var once bool
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Live view of alerts, channels and queues",
		Long: `Live view of alerts, channels and queues: a screen on a terminal (q ends it),
one line for each change elsewhere. Queues and health are read from the
administration port where it can be reached: durability, channels, what was
given up, the age of backups, when certificates and tokens end.

With --once it ends with 0 where all is well, with 1 where something is wrong,
and with 4 where --admin-url is given and does not answer.`,
		Example: "  martinella watch --key-file author.key\n  martinella watch --once --key-file reader.key || mail -s gateway ced@comune.example",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(sh, cmd.Flags())
			if err != nil {
				return err
			}
			w := newWatcher(c, strings.TrimRight(admin, "/"))
			first, err := w.look(cmd.Context())
			if err != nil {
				return asFailure(err)
			}
			defer w.close()
			switch {
			case once:
				(&watchLines{out: sh.out, last: map[string]string{}}).show(first)
				return first.verdict(cmd.Flags().Changed("admin-url"))
			case isTerminal(sh.out):
				return w.screen(cmd.Context(), first)
			}
			return w.lines(cmd.Context(), sh.out, first)
		},
	}
	clientFlags(cmd.Flags())
	cmd.Flags().StringVar(&admin, "admin-url", "http://127.0.0.1:9090", "`ADDRESS` of the administration port")
	cmd.Flags().BoolVar(&once, "once", false, "print how things stand and end")
	return cmd
}

// sight is what a look at the gateway found.
type sight struct {
	at         time.Time
	alerts     []view
	deliveries map[alerts.ID][]broadcast.Delivery
	queues     []string // lines of metrics that are not 0
	troubles   []string // what the numbers say is wrong
	unseen     bool     // there are no numbers
	err        error    // the gateway did not answer; the rest is older
}

type watcher struct {
	client *client
	admin  string
	last   sight
	looks  int

	streams *streams
}

func newWatcher(c *client, admin string) *watcher {
	return &watcher{client: c, admin: admin, streams: newStreams(c)}
}

// close ends what listens.
func (w *watcher) close() { w.streams.close() }

// look asks the gateway.
func (w *watcher) look(ctx context.Context) (sight, error) {
	s := sight{at: time.Now(), deliveries: map[alerts.ID][]broadcast.Delivery{}}
	var err error
	if s.alerts, err = w.client.list(ctx, watchAlerts); err != nil {
		return w.old(err)
	}
	settled := 0
	w.looks++
	for _, a := range s.alerts {
		if !a.State.Published() {
			continue
		}
		if told, ok := w.streams.told(a.ID); ok {
			s.deliveries[a.ID] = told
			continue
		}
		if known := w.last.deliveries[a.ID]; len(known) > 0 && allOver(known) {
			if settled++; settled > watchSettled || w.looks%2 == 0 {
				s.deliveries[a.ID] = known
				continue
			}
		}
		if s.deliveries[a.ID], err = w.client.deliveries(ctx, a.ID); err != nil {
			return w.old(err)
		}
	}
	s.queues, s.troubles, s.unseen = w.numbers(ctx)
	w.last = s
	return s, nil
}

// old is what was known, with the reason why there is nothing newer.
func (w *watcher) old(err error) (sight, error) {
	s := w.last
	s.err = err
	return s, err
}

// each gives a sight whenever there may be a new one, until ctx ends.
func (w *watcher) each(ctx context.Context, show func(sight)) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		w.streams.follow(w.last)
		select {
		case <-ctx.Done():
			return
		case <-w.streams.moved:
			show(w.heard())
		case <-tick.C:
			s, _ := w.look(ctx) // the error is shown
			if ctx.Err() == nil {
				show(s)
			}
		}
	}
}

// heard is the last sight with what the streams have told since.
func (w *watcher) heard() sight {
	s := w.last
	s.at, s.deliveries = time.Now(), maps.Clone(w.last.deliveries)
	for id := range s.deliveries {
		if told, ok := w.streams.told(id); ok {
			s.deliveries[id] = told
		}
	}
	w.last = s
	return s
}

func allOver(ds []broadcast.Delivery) bool {
	return !slices.ContainsFunc(ds, func(d broadcast.Delivery) bool { ended, _ := over(d); return !ended })
}

// queueMetrics are the numbers worth seeing while they are not 0.
var queueMetrics = []string{"martinella_queue_jobs{", "martinella_queue_oldest_seconds{", "martinella_dead_letters{", "martinella_breaker_open{", "martinella_live_clients{"}

// numbers reads the administration port; unseen where it does not answer.
func (w *watcher) numbers(ctx context.Context) (queues, troubles []string, unseen bool) {
	if w.admin == "" {
		return nil, nil, true
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.admin+"/metrics", nil)
	if err != nil {
		return nil, nil, true
	}
	resp, err := w.client.http.Do(req)
	if err != nil {
		return nil, nil, true
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, nil, true
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if slices.ContainsFunc(queueMetrics, func(m string) bool { return strings.HasPrefix(line, m) }) && !strings.HasSuffix(line, " 0") {
			queues = append(queues, strings.TrimPrefix(line, "martinella_"))
		}
	}
	return queues, health(string(b)), false
}

// verdict is how --once ends; asked: the administration port was named.
func (s *sight) verdict(asked bool) error {
	switch {
	case s.unseen && asked:
		return unreachable(errors.New("the administration port does not answer"), "check --admin-url; it is admin_listen of the gateway, and stays on its machine")
	case len(s.troubles) > 0:
		return refused(errors.New("not all is well"), "martinella doctor says what can be done")
	}
	return nil
}

// lines prints changes until ctx ends.
func (w *watcher) lines(ctx context.Context, out io.Writer, first sight) error {
	show := &watchLines{out: out, last: map[string]string{}}
	show.show(first)
	w.each(ctx, show.show)
	return nil
}

// watchLines prints a line when what it says has changed.
type watchLines struct {
	out  io.Writer
	last map[string]string
}

func (l *watchLines) say(key, line string) {
	if l.last[key] != line {
		l.last[key] = line
		fmt.Fprintln(l.out, line)
	}
}

func (l *watchLines) show(s sight) {
	gateway := "gateway: answers"
	if s.err != nil {
		gateway = "gateway: " + s.err.Error()
	}
	l.say("gateway", gateway)
	l.say("health", s.wellness())
	for _, a := range slices.Backward(s.alerts) { // oldest first, as it happened
		l.say(string(a.ID), alertLine(a))
		for _, d := range s.deliveries[a.ID] {
			l.say(string(a.ID)+d.Channel, "  "+deliveryLine(a.ID, d))
		}
	}
	for _, q := range s.queues {
		name, value, _ := strings.Cut(q, "} ")
		l.say(name, "  "+name+"} "+value)
	}
}

func alertLine(a view) string {
	headline, severity, status := "", "", ""
	if a.Alert != nil {
		severity, status = string(a.Alert.Severity()), string(a.Alert.Status)
		if len(a.Alert.Infos) > 0 {
			if headline = a.Alert.Infos[0].Headline; headline == "" {
				headline = a.Alert.Infos[0].Event
			}
		}
	}
	if a.Change == alerts.ChangeCancelled || a.Change == alerts.ChangeEnded { // the severity is that of what is over
		severity = strings.ToUpper(string(a.Change))
	}
	return fmt.Sprintf("%s %s %s %s revision %d: %s", a.ID, a.State, status, severity, a.Revision, headline)
}

func deliveryLine(id alerts.ID, d broadcast.Delivery) string {
	s := fmt.Sprintf("%s %s: %s, %d of %d accepted", id, d.Channel, d.State, d.Accepted, d.Total)
	if d.Failed+d.Uncertain > 0 {
		s += fmt.Sprintf(", %d failed, %d uncertain", d.Failed, d.Uncertain)
	}
	if d.Error != "" {
		s += ": " + d.Error
	}
	return s
}

// screen shows tables until q is pressed or ctx ends.
func (w *watcher) screen(ctx context.Context, first sight) error {
	app := tview.NewApplication()
	head := tview.NewTextView().SetDynamicColors(false)
	table := tview.NewTable().SetFixed(1, 0).SetSelectable(true, false)
	queues := tview.NewTextView()
	queues.SetBorder(true).SetTitle(" health and queues ")
	table.SetBorder(true).SetTitle(" alerts and channels ")
	layout := tview.NewFlex().SetDirection(tview.FlexRow).
		AddItem(head, 1, 0, false).AddItem(table, 0, 3, true).AddItem(queues, 0, 1, false)
	app.SetRoot(layout, true).SetInputCapture(quitKey(app))

	draw := func(s sight) {
		state := "answers"
		if s.err != nil {
			state = s.err.Error()
		}
		head.SetText(fmt.Sprintf("%s  %s  %s  (q ends)", w.client.base, s.at.Format(time.TimeOnly), state))
		fillTable(table, s)
		queues.SetText(s.wellness() + "\n" + strings.Join(s.queues, "\n"))
	}
	draw(first)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.each(ctx, func(s sight) {
			go app.QueueUpdateDraw(func() { draw(s) }) // does not return once the screen has ended
		})
		app.Stop()
	}()
	err := app.Run()
	cancel()
	<-stopped
	if err != nil {
		return errors.New("the terminal cannot show a screen: " + err.Error())
	}
	return nil
}

func fillTable(t *tview.Table, s sight) {
	t.Clear()
	for i, title := range []string{"alert / channel", "state", "accepted", "delivered", "failed", "uncertain", "first ms", "note"} {
		t.SetCell(0, i, tview.NewTableCell(title).SetSelectable(false))
	}
	row := 1
	for _, a := range s.alerts {
		t.SetCell(row, 0, tview.NewTableCell(tview.Escape(alertLine(a))).SetExpansion(1))
		t.SetCell(row, 1, tview.NewTableCell(string(a.State)))
		row++
		for _, d := range s.deliveries[a.ID] {
			note := d.Error
			if note == "" {
				note = d.URL
			}
			for i, text := range []string{"  " + d.Channel, d.State, fmt.Sprintf("%d/%d", d.Accepted, d.Total), fmt.Sprint(d.Delivered), fmt.Sprint(d.Failed), fmt.Sprint(d.Uncertain), milliseconds(d.FirstMS), note} {
				t.SetCell(row, i, tview.NewTableCell(tview.Escape(text)))
			}
			row++
		}
	}
}
