package dashboards

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// alertPage is one event for ever: what holds now, and how it came to it.
type alertPage struct {
	Card     card
	Map      *picture
	Timeline []revision
	Share    []passing
	CAP      string
	Advice   *adviceLink
	Picture  string   // the card; "": none is drawn here
	Sheet    string   // to print
	Proof    codeLink // of the revision
	Code     *squares // leads to the page; nil: its address is too long for one
	Address  string   // of the page, whole
	Cards    []card   // those of the map
	Long     bool     // of a sheet: more words than stand on it in large letters
}

// revision is one line of the timeline.
type revision struct {
	At   instant
	What string
	Text words
	Seen *seenLine // a live update

	when time.Time
}

// share is a plain link with its words.
type share struct{ Name, URL string }

// passing is a link by which a reader passes the page on.
type passing struct {
	Name string
	URL  template.URL
}

func (p *pages) alert(w http.ResponseWriter, r *http.Request) { p.event(w, r, "alert") }

// sheet is the event on one sheet of paper, for notice boards.
func (p *pages) sheet(w http.ResponseWriter, r *http.Request) { p.event(w, r, "sheet") }

// event serves a page of one event, by the name of its template.
func (p *pages) event(w http.ResponseWriter, r *http.Request, name string) {
	id := alerts.ID(r.PathValue("id"))
	if !plausible(id) {
		p.missing(w, r)
		return
	}
	var h happening
	p.serve(w, r, leaf{name: name, id: string(id), basis: func(v *broadcast.View, now time.Time) (basis string, err error) {
		if h, err = p.find(r, v, id, now); err != nil {
			return "", err
		}
		return string(h.ID) + " " + string(h.State) + " " + string(h.Standing) + seenBasis(v.Sitreps(h.Event)), nil
	}, make: func(l *locale, v *broadcast.View, now time.Time) (view, error) {
		c := p.s.card(l, h, now)
		a := alertPage{
			Card: c, Cards: []card{c}, Map: p.s.draw(l, []card{c}, []happening{h}), CAP: "/cap/" + string(h.ID) + ".xml",
			Sheet: c.URL + "/sheet?lang=" + l.Tag, Proof: linkOf(h.ID), Address: p.s.PublicURL + c.URL,
		}
		if c.Over() {
			a.Map = nil
		}
		a.Code, _ = codeOf(a.Address) // without one the address stands there in words
		a.Advice = p.s.adviceFor(l, h.Record)
		title := c.Title()
		if c.Exercise {
			title = l.lex.Exercise + " - " + title
		}
		out := view{name: name, title: title, exercise: c.Exercise, style: "sheet.css"}
		if name == "sheet" {
			a.setForPaper()
		}
		if name == "alert" {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), statusTimeout)
			defer cancel()
			known, _ := p.s.revisionsOf(ctx, h.Record) // the page shows what could be read
			a.Timeline = withSeen(p.timeline(l, h, known, now), p.seen(l, p.s.sitrepsOf(ctx, v, h.Event), now))
			a.Share = shares(title, a.Address)
			if p.s.Cards != nil {
				a.Picture = c.URL + "/card.png?lang=" + l.Tag
			}
			out.live, out.graph = true, p.s.graph(l, h, c, title)
		}
		out.content = a
		return out, nil
	}})
}

// find gives the newest public revision of an event: from memory, or from the
// store where the event is long over or the id is that of an older revision.
func (p *pages) find(r *http.Request, v *broadcast.View, id alerts.ID, now time.Time) (happening, error) {
	if h, found := v.Get(id, now); found {
		return happening{h.Record, h.Standing}, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), statusTimeout)
	defer cancel()
	record, err := p.s.Desk.Store.Get(ctx, id, alerts.Published)
	if err != nil {
		return happening{}, err
	}
	if !broadcast.Public(record) {
		return happening{}, alerts.ErrNotFound
	}
	if newest, found := v.Get(record.Event, now); found {
		return happening{newest.Record, newest.Standing}, nil
	}
	return happening{record, standing(record, now)}, nil
}

// plausible spares the store what is no ULID.
func plausible(id alerts.ID) bool {
	return len(id) == 26 && strings.Trim(string(id), "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == ""
}

func (p *pages) timeline(l *locale, h happening, revisions []*alerts.Record, now time.Time) []revision {
	var out []revision
	if h.Standing == broadcast.StandingLapsed {
		out = append(out, revision{At: l.At(h.Alert.Expires(), now), What: l.must("timeline_lapsed"), when: h.Alert.Expires()})
	}
	for _, r := range revisions {
		v := revision{At: l.At(r.Published, now), when: r.Published}
		infos, tag := p.s.wording(r, l.Tag)
		if len(infos) > 0 {
			v.Text = words{Text: tidy(infos[0].Headline)}
			if alerts.PrimaryLanguage(tag) != l.Tag {
				v.Text.Lang = tag
			}
		}
		switch r.Change {
		case alerts.ChangeUpdated:
			v.What = l.must("timeline_updated", "N", r.Revision-1)
		case alerts.ChangeCancelled:
			v.What, v.Text = l.must("cancelled"), words{}
			if r.Alert.Practice() {
				v.What = l.must("drill_stopped")
			}
		case alerts.ChangeEnded:
			v.What, v.Text = l.must("all_clear"), words{}
		default:
			v.What = l.must("timeline_issued")
		}
		out = append(out, v)
	}
	return out
}

// shares are links only: no script or picture of anybody else's.
func shares(title, address string) []passing {
	text := title + " " + address
	link := func(name, before string, parts ...string) passing {
		return passing{name, template.URL(before + strings.Join(parts, ""))} //nolint:gosec // G203: the schemes are ours, and strangers' text is escaped
	}
	return []passing{
		link("WhatsApp", "https://wa.me/?text=", url.QueryEscape(text)),
		link("Telegram", "https://t.me/share/url?url=", url.QueryEscape(address), "&text=", url.QueryEscape(title)),
		link("SMS", "sms:?body=", url.PathEscape(text)),
		link("E-mail", "mailto:?subject=", url.PathEscape(title), "&body=", url.PathEscape(address)),
	}
}
