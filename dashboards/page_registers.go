package dashboards

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/dashboards/settings"
)

func (c *console) registerRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/settings/registers", forStaff, c.registersPage},
		{"POST", "/console/settings/registers", forAdministrators, c.register},
	}
}

// registerTable is one register: what the configuration says, and the rows of
// staff.
type registerTable struct {
	ID       string // phones, links, hashtags, accounts
	Columns  []registerColumn
	Fixed    [][]string // of the configuration, to be changed there
	Rows     []registerRow
	Revision int64
	By       string
	At       instant
	Mine     bool
	Probes   bool // its addresses can be tried
	Faults   []faultLine
}

type registerColumn struct {
	Name, Title, Hint string
	Most              int
}

type registerRow struct {
	N      int
	Values []string
	Wrong  string
	Probe  string // what the address answered
	OK     bool
}

type faultLine struct{ Field, Text string }

// registerIDs are the registers in the order of the page, with their columns.
var registerIDs = []struct {
	id      string
	columns []string
}{
	{"phones", []string{"number", "note"}},
	{"links", []string{"url", "note"}},
	{"hashtags", []string{"event", "language", "tags"}},
	{"accounts", []string{"platform", "name", "url"}},
}

// blankRows are there to be filled.
const blankRows = 3

func (c *console) registersPage(v *visit) { c.registersForm(v, 0, "", "", nil) }

// typedRegister is a register as it was sent, which did not go through, or was
// tried.
type typedRegister struct {
	id       string
	revision int64
	rows     [][]string
	faults   []settings.RowFault
	probes   map[int]linkAnswer
}

func (c *console) registersForm(v *visit, code int, said, wrong string, typed *typedRegister) {
	now := c.s.Settings.Now()
	var tables []registerTable
	for _, one := range registerIDs {
		paper := now.Of(one.id)
		t := registerTable{ID: one.id, Revision: paper.Revision, By: paper.By.Name, At: v.l.At(paper.At, v.now), Mine: v.member.Administers(), Probes: one.id == "links" || one.id == "accounts", Fixed: c.fixedRows(one.id)}
		for _, name := range one.columns {
			t.Columns = append(t.Columns, registerColumn{name, v.l.must("registers_" + one.id + "_" + name), v.l.must("registers_" + one.id + "_" + name + "_hint"), 300})
		}
		rows := ownRows(now, one.id)
		if typed != nil && typed.id == one.id {
			rows, t.Revision = typed.rows, typed.revision
		}
		for i, values := range rows {
			row := registerRow{N: i, Values: values}
			if typed != nil && typed.id == one.id {
				for _, f := range typed.faults {
					if f.Row == i {
						row.Wrong = v.l.must("registers_fault_" + string(f.Fault))
						t.Faults = append(t.Faults, faultLine{one.id + "-" + strconv.Itoa(i) + "-0", strconv.Itoa(i+1) + ": " + row.Wrong})
					}
				}
				if p, tried := typed.probes[i]; tried {
					row.Probe, row.OK = p.words(v.l), p.ok
				}
			}
			t.Rows = append(t.Rows, row)
		}
		for range blankRows {
			if t.Mine {
				t.Rows = append(t.Rows, registerRow{N: len(t.Rows), Values: make([]string, len(one.columns))})
			}
		}
		tables = append(tables, t)
	}
	if v.r.Method == http.MethodGet && v.r.URL.Query().Get("said") == "done" {
		said = v.l.must("registers_saved")
	}
	field := ""
	if typed != nil && wrong != "" {
		field = "h-" + typed.id
	}
	c.show(v, sheet{name: "registers", title: v.l.must("registers_title"), code: code, said: said, wrong: wrong, field: field, content: tables})
}

// fixedRows are those of the configuration.
func (c *console) fixedRows(id string) (rows [][]string) {
	switch id {
	case "phones":
		for _, p := range c.s.Words.Phones {
			rows = append(rows, []string{p})
		}
	case "links":
		for _, l := range c.s.Words.Links {
			if !slices.ContainsFunc(c.s.Accounts, func(a Account) bool { return a.URL == l }) { // they stand below
				rows = append(rows, []string{l})
			}
		}
	case "hashtags":
		for _, h := range c.s.Hashtags {
			rows = append(rows, []string{h.Event, h.Language, strings.Join(signed(h), " ")})
		}
	case "accounts":
		for _, a := range c.s.Accounts {
			rows = append(rows, []string{a.Platform, a.Name, a.URL})
		}
	}
	return rows
}

func ownRows(now *settings.Now, id string) (rows [][]string) {
	switch id {
	case "phones":
		for _, p := range now.Phones {
			rows = append(rows, []string{p.Number, p.Note})
		}
	case "links":
		for _, l := range now.Links {
			rows = append(rows, []string{l.URL, l.Note})
		}
	case "hashtags":
		for _, t := range now.Hashtags {
			rows = append(rows, []string{t.Event, t.Language, strings.Join(t.Tags, " ")})
		}
	case "accounts":
		for _, a := range now.Accounts {
			rows = append(rows, []string{a.Platform, a.Name, a.URL})
		}
	}
	return rows
}

// register saves a register, or tries its addresses.
func (c *console) register(v *visit) {
	if !c.readForm(v) {
		return
	}
	form := v.r.PostForm
	typed, ok := typedOf(form)
	if !ok {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if c.s.Settings == nil {
		c.registersForm(v, http.StatusServiceUnavailable, "", v.l.must("settings_nowhere"), typed)
		return
	}
	save := c.judge(typed)
	switch {
	case len(typed.rows) > settings.MostRows:
		c.registersForm(v, http.StatusUnprocessableEntity, "", v.l.must("registers_many", "N", settings.MostRows), typed)
	case len(typed.faults) > 0:
		c.registersForm(v, http.StatusUnprocessableEntity, "", v.l.must("registers_wrong", "N", len(typed.faults)), typed)
	case form.Get("do") == "probe":
		column := map[string]int{"links": 0, "accounts": 2}[typed.id]
		var addresses []string
		for _, row := range typed.rows {
			addresses = append(addresses, row[column])
		}
		typed.probes = probeAll(v.r.Context(), outside(), addresses)
		c.registersForm(v, 0, v.l.must("registers_probed"), "", typed)
	default:
		ctx, cancel := actContext(v.r)
		defer cancel()
		if err := save(ctx, v); err != nil {
			if words := c.stale(v, err); words != "" {
				c.registersForm(v, http.StatusConflict, "", words, typed)
				return
			}
			c.fail(v, err)
			return
		}
		c.log("register changed", v.member, zap.String("register", typed.id), zap.Int("rows", len(typed.rows)))
		c.to(v, "/console/settings/registers?said=done")
	}
}

// typedOf reads the rows of a form; those that are empty are left out.
func typedOf(form url.Values) (*typedRegister, bool) {
	t := &typedRegister{id: form.Get("register")}
	i := slices.IndexFunc(registerIDs, func(one struct {
		id      string
		columns []string
	}) bool {
		return one.id == t.id
	})
	if i < 0 {
		return nil, false
	}
	var err error
	if t.revision, err = strconv.ParseInt(form.Get("revision"), 10, 64); err != nil {
		return nil, false
	}
	columns := registerIDs[i].columns
	for n := range form[columns[0]] {
		row := make([]string, len(columns))
		for k, name := range columns {
			if n >= len(form[name]) {
				return nil, false
			}
			row[k] = strings.TrimSpace(form[name][n])
		}
		if strings.Join(row, "") != "" {
			t.rows = append(t.rows, row)
		}
	}
	return t, true
}

// judge fills the faults of what was typed, and gives what saves it.
func (c *console) judge(t *typedRegister) func(ctx context.Context, v *visit) error {
	taken := map[string]bool{}
	switch t.id {
	case "phones":
		var rows []settings.Phone
		for _, r := range t.rows {
			rows = append(rows, settings.Phone{Number: r[0], Note: r[1]})
		}
		for _, p := range c.s.Words.Phones {
			taken[settings.Phone{Number: p}.Key()] = true
		}
		t.faults = settings.Faults(rows, taken)
		return func(ctx context.Context, v *visit) error {
			return c.s.Settings.PutPhones(ctx, t.revision, rows, v.by(), v.now)
		}
	case "links":
		var rows []settings.Link
		for _, r := range t.rows {
			rows = append(rows, settings.Link{URL: r[0], Note: r[1]})
		}
		for _, l := range c.s.Words.Links {
			taken[settings.Link{URL: l}.Key()] = true
		}
		t.faults = settings.Faults(rows, taken)
		return func(ctx context.Context, v *visit) error {
			return c.s.Settings.PutLinks(ctx, t.revision, rows, v.by(), v.now)
		}
	case "hashtags":
		var rows []settings.Tags
		for _, r := range t.rows {
			tags := strings.FieldsFunc(strings.ReplaceAll(r[2], "#", " "), func(one rune) bool { return one == ' ' || one == ',' || one == ';' })
			rows = append(rows, settings.Tags{Event: r[0], Language: r[1], Tags: tags})
		}
		for _, h := range c.s.Hashtags {
			taken[settings.Tags{Event: h.Event, Language: h.Language}.Key()] = true
		}
		t.faults = settings.Faults(rows, taken)
		return func(ctx context.Context, v *visit) error {
			return c.s.Settings.PutHashtags(ctx, t.revision, rows, v.by(), v.now)
		}
	}
	var rows []settings.Account
	for _, r := range t.rows {
		rows = append(rows, settings.Account{Platform: strings.ToLower(r[0]), Name: r[1], URL: r[2]})
	}
	for _, a := range c.s.Accounts {
		taken[a.URL] = true
	}
	t.faults = settings.Faults(rows, taken)
	return func(ctx context.Context, v *visit) error {
		return c.s.Settings.PutAccounts(ctx, t.revision, rows, v.by(), v.now)
	}
}

// linkAnswer is what an address answered.
type linkAnswer struct {
	ok     bool
	status int // 0: it did not answer
}

func (p linkAnswer) words(l *locale) string {
	switch {
	case p.ok:
		return l.must("registers_answers")
	case p.status == 0:
		return l.must("registers_silent")
	}
	return l.must("registers_status", "Status", p.status)
}

// The bounds of trying addresses: all together end within probeTime.
const (
	probeTime = 8 * time.Second
	probeOne  = 5 * time.Second
	probes    = 8 // at once
)

// outside makes connections for trying addresses: to the Internet at large alone,
// also where a page sends on or a name leads elsewhere, so nobody learns through
// the gateway what stands in its network. It goes through no proxy, which would
// connect in its place.
func outside() *http.Transport {
	dialer := &net.Dialer{Timeout: probeOne, ControlContext: channels.DialPublic}
	return &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 32 << 10}
}

// probeAll asks each address for its page. Nothing of what it answers is kept.
func probeAll(ctx context.Context, by *http.Transport, addresses []string) map[int]linkAnswer {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	client := &http.Client{Timeout: probeOne, Transport: by}
	found := map[int]linkAnswer{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	free := make(chan struct{}, probes)
	for i, address := range addresses {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			var p linkAnswer
			if r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody); err == nil {
				if res, err := client.Do(r); err == nil {
					_, _ = io.CopyN(io.Discard, res.Body, 1<<10) // only whether it answers counts
					_ = res.Body.Close()
					p = linkAnswer{res.StatusCode < 400, res.StatusCode}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			found[i] = p
		})
	}
	wg.Wait()
	return found
}
