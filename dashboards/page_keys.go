package dashboards

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/dashboards/settings"
	"martinella/dashboards/signin"
)

func (c *console) keyRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/settings/keys", forAdministrators, c.keysPage},
		{"POST", "/console/settings/keys", forAdministrators, c.key},
	}
}

type keysPage struct {
	Keys     []keyLine
	Ended    []keyLine
	Wishes   []wishLine
	Secret   string // of the key that was just made, shown once
	For      string
	Form     url.Values
	Verbs    []roleLine
	Max      []severityLine
	Channels []roleLine
	Lasts    []lastsLine
}

type keyLine struct {
	ID, Name, Rights, By   string
	Created, Used, Expires instant
	Revoked                instant
}

type wishLine struct {
	Digest, Name, Rights, By string
	At, Expires              instant
	Own                      bool
}

type lastsLine struct {
	Days  int
	Words string
	Has   bool
}

// keyLasts are the times that a key may hold, in days; 0 is for ever.
var keyLasts = []int{30, 90, 365, 0}

// maxKeyName bounds the name of a key, in characters.
const maxKeyName = 100

func (c *console) keysPage(v *visit) { c.keysForm(v, keysPage{}, 0, "", "") }

func (c *console) keysForm(v *visit, page keysPage, code int, wrong, field string) {
	ctx := v.r.Context()
	keys, err := c.s.Keys.List(ctx)
	if err != nil {
		c.fail(v, err)
		return
	}
	for _, k := range slices.Backward(keys) {
		line := keyLine{k.Person.ID, k.Person.Name, c.keyWords(v.l, k.Person.Rights), k.By.Name, v.l.At(k.Created, v.now), v.l.At(k.LastUsed, v.now), v.l.At(k.Expires, v.now), v.l.At(k.Revoked, v.now)}
		if k.Live(v.now) {
			page.Keys = append(page.Keys, line)
		} else {
			page.Ended = append(page.Ended, line)
		}
	}
	wishes, err := c.office.KeyWishes(ctx)
	if err != nil {
		c.fail(v, err)
		return
	}
	for _, digest := range slices.Sorted(maps.Keys(wishes)) {
		k := wishes[digest]
		page.Wishes = append(page.Wishes, wishLine{digest, k.Name, c.keyWords(v.l, k.Rights), k.By.Name, v.l.At(k.At, v.now), v.l.At(k.Expires, v.now), k.By.ID == v.member.ID})
	}
	if page.Form == nil {
		page.Form = url.Values{"days": {"365"}}
	}
	for _, verb := range alerts.Verbs {
		page.Verbs = append(page.Verbs, roleLine{string(verb), v.l.must("keys_verb_" + string(verb)), slices.Contains(page.Form["can"], string(verb))})
	}
	page.Max = severityLines(v.l, page.Form.Get("severity-max"))
	for _, d := range c.s.Channels {
		name := d.Route.Name()
		page.Channels = append(page.Channels, roleLine{name, name, slices.Contains(page.Form["channel"], name)})
	}
	for _, days := range keyLasts {
		words := v.l.must("keys_for_ever")
		if days > 0 {
			words = v.l.must("keys_days", "N", days)
		}
		page.Lasts = append(page.Lasts, lastsLine{days, words, page.Form.Get("days") == strconv.Itoa(days)})
	}
	said := ""
	switch v.r.URL.Query().Get("said") {
	case "revoked":
		said = v.l.must("keys_revoked")
	case "waits":
		said = v.l.must("keys_waits")
	case "dropped":
		said = v.l.must("said_done")
	}
	c.show(v, sheet{name: "keys", title: v.l.must("keys_title"), passkeys: true, code: code, said: said, wrong: wrong, field: field, content: page})
}

// keyWords says in one line what a key may do.
func (c *console) keyWords(l *locale, r alerts.Rights) string {
	var verbs []string
	for _, verb := range r.Verbs {
		verbs = append(verbs, l.must("keys_verb_"+string(verb)))
	}
	words := []string{strings.Join(verbs, ", "), c.limitsWords(l, r)}
	if r.SelfApprove {
		words = append(words, l.must("keys_alone"))
	}
	for _, limit := range []struct {
		key    string
		values []string
	}{{"keys_senders", r.Senders}, {"keys_hazards", r.Hazards}, {"channels_title", r.Channels}} {
		if len(limit.values) > 0 {
			words = append(words, l.must(limit.key)+": "+strings.Join(limit.values, ", "))
		}
	}
	return strings.Join(words, " · ")
}

// wishOf reads a key from a form; field says where something is wrong.
func (c *console) wishOf(v *visit, form url.Values) (k signin.KeyWish, wrong, field string) {
	g := grantOf(form)
	k = signin.KeyWish{Name: strings.TrimSpace(form.Get("name")), Rights: g.Limits}
	for _, verb := range alerts.Verbs {
		if slices.Contains(form["can"], string(verb)) {
			k.Rights.Verbs = append(k.Rights.Verbs, verb)
		}
	}
	k.Rights.SelfApprove = form.Get("alone") != ""
	for _, name := range form["channel"] {
		if c.s.Channels.Of(name) == nil {
			return k, v.l.must("channels_none"), "channels"
		}
		k.Rights.Channels = append(k.Rights.Channels, name)
	}
	days, err := strconv.Atoi(form.Get("days"))
	switch {
	case k.Name == "" || utf8.RuneCountInString(k.Name) > maxKeyName || settings.Unprintable(k.Name):
		return k, v.l.must("keys_name"), "name"
	case len(k.Rights.Verbs) == 0:
		return k, v.l.must("keys_no_verb"), "can"
	case k.Rights.SelfApprove && !slices.Contains(k.Rights.Verbs, alerts.VerbIssue):
		return k, v.l.must("keys_alone_issue"), "alone"
	case slices.ContainsFunc(k.Rights.Areas, settings.Unprintable):
		return k, v.l.must("keys_areas"), "new-areas"
	case err != nil || !slices.Contains(keyLasts, days):
		return k, v.l.must("console_unread"), "days"
	case days > 0:
		k.Expires = v.now.UTC().Add(time.Duration(days) * 24 * time.Hour)
	}
	return k, "", ""
}

// key does what an administrator asks.
func (c *console) key(v *visit) {
	if !c.readForm(v) {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	form := v.r.PostForm
	do := form.Get("do")
	var wish signin.KeyWish
	switch do {
	case "make":
		var wrong, field string
		if wish, wrong, field = c.wishOf(v, form); wrong != "" {
			c.keysForm(v, keysPage{Form: form}, http.StatusUnprocessableEntity, wrong, field)
			return
		}
	case "confirm", "revoke":
	case "drop":
		if err := c.office.DropKey(ctx, form.Get("of")); err != nil {
			c.fail(v, err)
			return
		}
		c.log("wish for a key dropped", v.member)
		c.to(v, "/console/settings/keys?said=dropped")
		return
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if wrong, code, err := c.provedAccount(ctx, v); wrong != "" {
		c.keysForm(v, keysPage{Form: form}, code, wrong, "")
		return
	} else if err != nil {
		c.fail(v, err)
		return
	}
	var err error
	switch do {
	case "make":
		var waits bool
		if waits, err = c.office.AskKey(ctx, v.member, wish, v.now); err == nil && waits {
			c.log("key asked for", v.member, zap.String("name", wish.Name))
			c.to(v, "/console/settings/keys?said=waits")
			return
		}
		wish.By = v.by()
	case "confirm":
		wish, err = c.office.ConfirmKey(ctx, v.member, form.Get("of"))
		if err == nil && !wish.Expires.IsZero() && !v.now.Before(wish.Expires) {
			err = signin.ErrGone
		}
	case "revoke":
		c.revoke(ctx, v, form.Get("key"))
		return
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	secret, err := c.makeKey(ctx, v, wish)
	if err != nil {
		c.fail(v, err)
		return
	}
	c.log("key made", v.member, zap.String("name", wish.Name), zap.String("asked", wish.By.ID))
	c.keysForm(v, keysPage{Secret: secret, For: wish.Name}, 0, "", "")
}

// makeKey stores a key and gives its secret, which is shown once.
func (c *console) makeKey(ctx context.Context, v *visit, wish signin.KeyWish) (string, error) {
	k, secret := alerts.NewKey(wish.Name, wish.Rights, v.now)
	k.By, k.Expires = wish.By, wish.Expires
	may := wish.Rights.String()
	if wish.By.ID != v.member.ID {
		may += "; confirmed by " + v.member.ID
	}
	if err := c.s.Keys.Add(ctx, k, nil, alerts.KeyAct(wish.By, alerts.ActKeyCreated, k.Person.ID, may, "console", v.now)); err != nil {
		return "", fmt.Errorf("store the key: %w", err)
	}
	return secret, nil
}

func (c *console) revoke(ctx context.Context, v *visit, id string) {
	err := c.s.Keys.Revoke(ctx, id, alerts.KeyAct(v.member.Person().By(), alerts.ActKeyRevoked, id, "", "console", v.now))
	switch {
	case errors.Is(err, alerts.ErrNotFound):
		c.keysForm(v, keysPage{}, http.StatusNotFound, v.l.must("keys_none"), "")
	case err != nil:
		c.fail(v, err)
	default:
		c.log("key revoked", v.member, zap.String("key", id))
		c.to(v, "/console/settings/keys?said=revoked")
	}
}
