package dashboards

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// pastPath is the archive.
const pastPath = "/past"

// pastPage is one page of the archive: events that are no longer on the first
// page, of a month.
type pastPage struct {
	Area         *namedArea // of whose archive it is; nil: of all
	Months       []monthLink
	Name         string // of the month that is shown
	Cards        []card
	Page, Pages  int
	Newer, Older string // addresses
	Query        string // "?area=CODE", for feeds
}

type monthLink struct {
	URL, Name string
	N         int
	Here      bool
}

// pastTimeout is how long reading the events of one page may take.
const pastTimeout = 3 * time.Second

// pastAtOnce is how many events are on one page: as many are read from the store.
const pastAtOnce = 50

// past serves the archive by month, of everywhere or of one area.
func (p *pages) past(w http.ResponseWriter, r *http.Request) {
	month, code := r.PathValue("month"), r.PathValue("code")
	if asked := r.URL.Query().Get("area"); code == "" && asked != "" {
		// One address for one page; and strangers cannot fill the memory with areas
		// that are not there.
		one := p.atlas.find(asked)
		if one == nil {
			p.sought(w, r, asked, true)
			return
		}
		q := r.URL.Query()
		q.Del("area")
		r.URL.RawQuery = q.Encode()
		p.lead(w, r, one.URL()+pastPath)
		return
	}
	if _, err := time.Parse("2006-01", month); month != "" && err != nil {
		p.missing(w, r)
		return
	}
	var area *namedArea
	var around *surroundings
	base := pastPath
	if code != "" {
		rest := pastPath
		if month != "" {
			rest += "/" + month
		}
		if area = p.areaOf(w, r, rest); area == nil {
			return
		}
		around, base = p.atlas.surroundings(area), area.URL()+pastPath
	}
	number := 1
	if asked := r.URL.Query().Get("page"); asked != "" {
		n, err := strconv.Atoi(asked)
		if err != nil || n < 1 || n > 100_000 {
			p.missing(w, r)
			return
		}
		number = n
	}
	p.serve(w, r, leaf{name: "past", id: strings.Join([]string{base, month, itoa(number)}, " "), make: func(l *locale, v *broadcast.View, now time.Time) (view, error) {
		months, events, err := p.archive.months(r.Context(), v.Cursor, around, month, p.s.Zone, now)
		if err != nil {
			return view{}, err
		}
		page := pastPage{Area: area, Page: number, Pages: max(1, (len(events)+pastAtOnce-1)/pastAtOnce)}
		if month != "" && len(events) == 0 || number > page.Pages {
			return view{}, alerts.ErrNotFound
		}
		title := l.must("past_title")
		if area != nil {
			page.Query = area.query()
			title = l.must("area_archive_of", "Name", area.Name)
		}
		shown := month
		for _, m := range months {
			if shown == "" {
				shown = m.key
			}
			link := monthLink{base + "/" + m.key, l.month(m.first), m.n, m.key == shown}
			if link.Here {
				page.Name = link.Name
			}
			page.Months = append(page.Months, link)
		}
		at := base + "/" + shown + "?page="
		if number > 1 {
			page.Newer = at + itoa(number-1)
		}
		if number < page.Pages {
			page.Older = at + itoa(number+1)
		}
		from := (number - 1) * pastAtOnce
		if page.Cards, err = p.pastCards(r.Context(), l, events[from:min(from+pastAtOnce, len(events))], now); err != nil {
			return view{}, err
		}
		return view{name: "past", title: title, content: page}, nil
	}})
}

// pastCards reads the events of one page.
func (p *pages) pastCards(ctx context.Context, l *locale, events []*pastEvent, now time.Time) ([]card, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pastTimeout)
	defer cancel()
	var cards []card
	for _, e := range events {
		r, err := p.s.Desk.Store.Get(ctx, e.id, alerts.Exactly)
		if errors.Is(err, alerts.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if broadcast.Public(r) {
			cards = append(cards, p.s.card(l, happening{r, standing(r, now)}, now))
		}
	}
	return cards, nil
}
