package dashboards

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
)

// ledgerPage is the register of who did what.
type ledgerPage struct {
	Acts      []ledgerLine
	Verbs     []verbLine
	Person    string
	Day       string
	Event     string
	Filtered  bool
	Before    int64
	Next      string // the address of the acts before these; "" where there are none
	Newest    string // the address of the first page
	CSV, JSON string // the addresses of the downloads with this filter
	Head      ledgerHead
}

type ledgerLine struct {
	N           int64
	At          instant
	Who, WhoURL string
	What, Of    string
	Reason, Via string
	Alert       alerts.ID
	Call        alerts.ID // of volunteers
	Digest      string
	Short       string
	Gone        bool // from the store
	Unread      bool // it is no act that this program knows
}

// ledgerHead is the newest signed head with what a look at the newest acts gave.
type ledgerHead struct {
	Size, Checked int64
	At            instant
	Note, Key     string
	Verify        string // the command
	Findings      []string
	More          int
}

// rechecked is how many of the newest acts each look verifies.
const rechecked = 500

func (c *console) ledgerRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/ledger", forStaff, c.ledgerPage},
		{"GET", "/console/ledger.csv", forStaff, c.ledgerCSV},
		{"GET", "/console/ledger.json", forStaff, c.ledgerJSON},
	}
}

// ledgerFilter reads what is asked for; false where that was answered already.
func (c *console) ledgerFilter(v *visit) (actFilter, map[string]string, bool) {
	if !readsAll(v.member.Person()) {
		c.say(v, http.StatusForbidden, v.l.must("console_not_yours"))
		return actFilter{}, nil, false
	}
	f, wrong := parseActFilter(v.r.URL.Query(), c.s.Zone)
	if len(wrong) > 0 {
		c.ledgerForm(v, f, ledgerPage{}, http.StatusUnprocessableEntity, v.l.must("ledger_wrong"), "f-"+wrong[0].Field)
		return f, nil, false
	}
	names, err := c.s.actNames(v.r.Context())
	if err != nil {
		c.fail(v, err)
		return f, nil, false
	}
	return f, names, true
}

func (c *console) ledgerPage(v *visit) {
	f, names, ok := c.ledgerFilter(v)
	if !ok {
		return
	}
	got, err := c.s.searchActs(v.r.Context(), f, names, actsShown, actsSearched, nil)
	if err != nil {
		c.fail(v, err)
		return
	}
	page := ledgerPage{}
	words := verbWords(v.l)
	for _, one := range got.acts {
		page.Acts = append(page.Acts, c.ledgerLine(v, f, one, names, words))
	}
	if got.next > 0 {
		q := f.query()
		q.Set("before", strconv.FormatInt(got.next, 10))
		page.Next = ledgerURL(v, "/console/ledger", q)
	}
	c.ledgerForm(v, f, page, 0, "", "")
}

// ledgerURL is an address of the ledger in the language that was asked for.
func ledgerURL(v *visit, path string, q url.Values) string {
	if lang := askedOf(v.r).lang; lang != "" {
		q.Set("lang", lang)
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func (c *console) ledgerLine(v *visit, f actFilter, one actLine, names, words map[string]string) ledgerLine {
	line := ledgerLine{N: one.N, Gone: one.Text == nil, Unread: one.Text != nil && !one.Read}
	if !one.Read {
		return line
	}
	a := one.Act
	line.At = v.l.At(a.At, v.now)
	line.Who = whoWords(v.l, a.By.ID, a.By.Name, names)
	if a.By.ID != "" {
		q := f.query()
		q.Set("person", a.By.ID)
		line.WhoURL = ledgerURL(v, "/console/ledger", q)
	}
	line.What = didWords(v.l, a, words)
	if a.Of != "" && a.Of != a.By.ID {
		line.Of = whoWords(v.l, a.Of, "", names)
	}
	line.Reason, line.Via, line.Alert = reasonWords(v.l, a, names), viaWords(v.l, a.Via), a.Alert
	if line.Call = callOf(a); line.Call != "" {
		line.Alert = "" // the record of a page to volunteers is none that people open
	}
	line.Digest = string(a.Digest)
	line.Short = line.Digest[:min(12, len(line.Digest))]
	return line
}

// ledgerForm shows a page with its filter, and what the head says.
func (c *console) ledgerForm(v *visit, f actFilter, page ledgerPage, code int, wrong, field string) {
	report, err := c.s.Acts.Recheck(v.r.Context(), rechecked)
	if err != nil {
		c.fail(v, err)
		return
	}
	page.Head = ledgerHead{Size: report.Head.Size, Checked: report.Entries, At: v.l.At(report.Head.At, v.now), Note: string(report.Head.Note), Key: report.Key.String(),
		Verify: "martinella ledger verify ledger.jsonl --key '" + report.Key.String() + "'", More: report.More}
	for _, finding := range report.Findings {
		page.Head.Findings = append(page.Head.Findings, finding.String())
	}
	page.Verbs = verbLines(v.l)
	for i := range page.Verbs {
		page.Verbs[i].Has = page.Verbs[i].Verb == f.verb
	}
	page.Person, page.Event, page.Before = f.person, string(f.event), f.before
	page.Day = v.r.URL.Query().Get("day")
	page.Filtered = f != actFilter{before: f.before}
	page.Newest = ledgerURL(v, "/console/ledger", f.query())
	page.CSV, page.JSON = ledgerURL(v, "/console/ledger.csv", f.query()), ledgerURL(v, "/console/ledger.json", f.query())
	c.show(v, sheet{name: "ledger", title: v.l.must("ledger_title"), scripts: []string{"print.js"}, code: code, wrong: wrong, field: field, content: page})
}

// download gives every act that passes the filter, the newest first: one
// reader at a time, however long that takes.
func (c *console) download(v *visit, media, ending string, begin func(w *patient) error, each func(actLine) error, end func() error) {
	f, names, ok := c.ledgerFilter(v)
	if !ok {
		return
	}
	select {
	case c.s.exporting <- struct{}{}:
		defer func() { <-c.s.exporting }()
	default:
		v.w.Header().Set("Retry-After", "10")
		c.say(v, http.StatusServiceUnavailable, v.l.must("ledger_busy"))
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="ledger-`+c.s.Authority.Slug+"-"+v.now.UTC().Format("20060102-150405")+ending+`"`)
	err := begin(&patient{v.w, http.NewResponseController(v.w)})
	if err == nil {
		_, err = c.s.searchActs(v.r.Context(), f, names, 0, 0, each)
	}
	if err == nil {
		err = end()
	}
	if err != nil {
		if v.r.Context().Err() == nil {
			c.s.Logger.Warn("a download of the ledger ended early", zap.Error(err))
		}
		panic(http.ErrAbortHandler) // half a list must not look like a whole one
	}
}

func (c *console) ledgerCSV(v *visit) {
	var rows *csv.Writer
	words := verbWords(v.l)
	c.download(v, mediaCSV+"; charset=utf-8; header=present", ".csv", func(w *patient) error {
		rows = csv.NewWriter(w)
		rows.UseCRLF = true // RFC 4180
		return rows.Write([]string{"n", "at", "by", "name", "verb", "what", "of", "alert", "event", "digest", "reason", "via"})
	}, func(l actLine) error {
		var at, what string
		a := l.Act
		switch {
		case l.Text == nil:
			what = v.l.must("ledger_gone_act")
		case !l.Read:
			what = v.l.must("ledger_unread")
		default:
			at, what = a.At.UTC().Format(time.RFC3339), words[a.Verb]
			if callOf(a) != "" {
				what = didWords(v.l, a, words)
			}
		}
		row := []string{strconv.FormatInt(l.N, 10), at, a.By.ID, a.By.Name, a.Verb, what, a.Of, string(a.Alert), string(a.Event), string(a.Digest), a.Reason, a.Via}
		for i := range row {
			row[i] = harmless(row[i])
		}
		return rows.Write(row)
	}, func() error {
		rows.Flush()
		return rows.Error()
	})
}

func (c *console) ledgerJSON(v *visit) {
	var out *patient
	first := true
	c.download(v, mediaJSON, ".json", func(w *patient) error {
		out = w
		_, err := out.Write([]byte("["))
		return err
	}, func(l actLine) error {
		b, err := json.Marshal(entryOf(l))
		if err != nil {
			return err
		}
		if !first {
			b = append([]byte(",\n"), b...)
		}
		first = false
		_, err = out.Write(b)
		return err
	}, func() error {
		_, err := out.Write([]byte("]\n"))
		return err
	})
}

// entryJSON is one entry of the ledger in a list.
type entryJSON struct {
	N   int64           `json:"n"`
	Act json.RawMessage `json:"act"` // as it is stored; null: gone, or no JSON
}

func entryOf(l actLine) entryJSON {
	e := entryJSON{N: l.N}
	if json.Valid(l.Text) {
		e.Act = l.Text
	}
	return e
}

// alone are the acts that every member must see: an administrator took rights
// from somebody who may approve, and nobody was there to confirm it.
func (c *console) alone(v *visit) ([]ledgerLine, error) {
	acts, err := c.office.Alone(v.r.Context(), v.now)
	if err != nil || len(acts) == 0 {
		return nil, err
	}
	names, err := c.s.actNames(v.r.Context())
	if err != nil {
		return nil, err
	}
	words := verbWords(v.l)
	lines := make([]ledgerLine, len(acts))
	for i, a := range acts {
		lines[i] = c.ledgerLine(v, actFilter{}, actLine{N: a.Seq, Act: a, Read: true}, names, words)
	}
	return lines, nil
}
