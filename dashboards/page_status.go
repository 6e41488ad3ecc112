package dashboards

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// statusPage tells the public whether the service works.
type statusPage struct {
	Store     string // in words
	Good      bool
	Replicas  string // in words; "" where none is wanted
	Last      instant
	Now       instant
	Times     []channelTimes
	Away      bool // the times cannot be read now
	Mirrors   []mirrorLine
	Disturbed []disturbance
	Backup    *backupLine // nil: there is no place for any
}

// channelTimes is how fast a channel was for the latest public alerts.
type channelTimes struct {
	Name    string
	Alerts  int
	Taken   string // of those asked for
	Half    string // half of the recipients within; the median of the alerts
	Most    string // 99 of 100 likewise
	Slowest string // the worst 99 of 100; "" where that is the same
}

// measured is over how many alerts delivery times are published.
const measured = 20

func (p *pages) state(w http.ResponseWriter, r *http.Request) {
	p.serve(w, r, leaf{name: "status", make: func(l *locale, v *broadcast.View, now time.Time) (view, error) {
		page := statusPage{Now: l.At(now, now)}
		d, err := p.s.status.now(context.Background())
		switch {
		case err != nil:
			page.Store = l.must("store_down")
		case d.Memory:
			page.Store = l.must("store_memory")
		case !d.Durable:
			page.Store = l.must("store_weak")
		default:
			page.Good, page.Store = true, l.must("store_good")
		}
		if err == nil && d.Wanted > 0 {
			page.Replicas = l.must("replicas_few")
			if d.Replicated() {
				page.Replicas = l.must("replicas_good")
			}
		}
		var last time.Time
		for _, h := range v.Now(now) { // newest first
			last = h.Record.Published
			break
		}
		page.Last = l.At(last, now)
		page.Times, err = p.timesOf(r.Context(), l, v, now)
		page.Away = err != nil
		if !isCopy(r.Context()) { // one copy does not know how it or another fares later
			page.Mirrors, page.Backup = p.s.mirrorLines(l, now), p.s.newestBackup(l, now)
			page.Disturbed = p.s.disturbances(l, now)
		}
		return view{name: "status", title: l.must("status_title"), content: page}, nil
	}})
}

// sample is what the alerts say of one channel.
type sample struct {
	alerts, taken, total int
	half, most           []int64 // ms
}

// timesOf reads the deliveries of the latest public alerts and exercises. A
// channel that took nothing yet is there without times.
func (p *pages) timesOf(ctx context.Context, l *locale, v *broadcast.View, now time.Time) ([]channelTimes, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusTimeout)
	defer cancel()
	samples, names, n := map[string]*sample{}, []string{}, 0
	for _, h := range v.Now(now) {
		if h.Record.Alert.Status == alerts.StatusTest {
			continue
		}
		if n++; n > measured {
			break
		}
		all, err := p.s.Work.Deliveries(ctx, h.Record.ID)
		if err != nil {
			return nil, err
		}
		for _, d := range all {
			name := p.s.channelName(d.Channel)
			s := samples[name]
			if s == nil {
				s = &sample{}
				samples[name], names = s, append(names, name)
			}
			s.alerts, s.taken, s.total = s.alerts+1, s.taken+d.Accepted, s.total+d.Total
			if d.P50MS != nil && d.P99MS != nil {
				s.half, s.most = append(s.half, *d.P50MS), append(s.most, *d.P99MS)
			}
		}
	}
	slices.Sort(names)
	var lines []channelTimes
	for _, name := range names {
		s := samples[name]
		line := channelTimes{Name: name, Alerts: s.alerts, Taken: l.must("office_taken_of", "N", thousands(s.taken), "Total", thousands(s.total))}
		if len(s.half) > 0 {
			slices.Sort(s.half)
			slices.Sort(s.most)
			line.Half, line.Most = l.lasted(s.half[len(s.half)/2]), l.lasted(s.most[len(s.most)/2])
			if slowest := l.lasted(s.most[len(s.most)-1]); slowest != line.Most {
				line.Slowest = slowest
			}
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// channelName is how readers know a channel: its platform where it has an
// official account, else its configured name.
func (s *Server) channelName(channel string) string {
	for _, a := range s.accountsNow() {
		if a.Channel == channel {
			return platformName(a.Platform)
		}
	}
	return channel
}

// lasted is a time in milliseconds as people read it: "38 ms", "1,2 s", "4 min".
func (l *locale) lasted(ms int64) string {
	switch {
	case ms < 1000:
		return strconv.FormatInt(ms, 10) + " ms"
	case ms < 120_000:
		return strings.Replace(strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64), ".", l.must("office_point"), 1) + " s"
	}
	return l.must("office_minutes", "Minutes", (ms+59_999)/60_000)
}
