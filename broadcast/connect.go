package broadcast

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// connectTime is how long a link works by which a person connects a platform.
const connectTime = time.Hour

// Sizes of a code: number and end, and what only this authority can make of them.
// As base64url it is 32 characters, of which Telegram takes 64; guessing one is
// one chance in 2^128.
const (
	connectHead = 8
	connectSize = connectHead + 16
)

// Connection is a kind of contact that a volunteer can connect or has connected.
type Connection struct {
	Kind string // "telegram"
	Link string // opens the platform's app; "" where the platform cannot be reached yet
	Has  bool   // it is connected
}

// connectCode is the code of a link for a kind of contact: it ends after an hour
// and once it was used, since the contact is part of it. Never log it.
func (p *VolunteerPages) connectCode(m *Member, kind string, until time.Time) string {
	b := make([]byte, connectHead, connectSize)
	binary.BigEndian.PutUint32(b, m.Number)
	binary.BigEndian.PutUint32(b[4:], uint32(until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, p.connectMAC(b, kind, m.Contacts[kind])...))
}

func (p *VolunteerPages) connectMAC(head []byte, kind, address string) []byte {
	sum := sha256.Sum256([]byte(string(head) + kind + "\x00" + address))
	return p.Roll.MAC(append([]byte("connect "), sum[:]...))[:connectSize-connectHead]
}

// Connections tells which kinds of contact the volunteer of a token can connect
// by a link, which works for an hour and once; [ErrToken] where the token opens
// nothing.
func (p *VolunteerPages) Connections(ctx context.Context, token string, now time.Time) ([]Connection, error) {
	m, _, err := p.Own(ctx, token, now)
	if err != nil {
		return nil, err
	}
	var all []Connection
	for _, r := range p.Routes {
		kind := r.addressKind()
		linker, ok := r.Channel.(channels.Linker)
		if !ok || kind == "" || r.Standby || slices.ContainsFunc(all, func(c Connection) bool { return c.Kind == kind }) {
			continue
		}
		all = append(all, Connection{Kind: kind, Link: linker.Link(p.connectCode(m, kind, now.Add(connectTime))), Has: m.Reachable(kind) != ""})
	}
	return all, nil
}

// Connect gives the volunteer of a code the address that opened its link, and
// what is to be written back to it. A code that is spent, ended or made up
// changes nothing, nor does an address that is somebody else's: the words say so.
// The error is the store's. Doing it again is safe.
func (p *VolunteerPages) Connect(ctx context.Context, kind, code, address, via string, now time.Time) (string, error) {
	b := readConnect(code)
	if b == nil || kind == "" || address == "" {
		return p.connectSays("", connectEnded, ""), nil
	}
	number, late := binary.BigEndian.Uint32(b), now.Unix() > int64(binary.BigEndian.Uint32(b[4:]))
	has, err := p.Roll.Lookup(ctx, kind, address)
	if err != nil && !errors.Is(err, alerts.ErrNotFound) {
		return "", fmt.Errorf("connect a contact: %w", err)
	}
	there := err == nil
	m, err := p.Roll.Member(ctx, number)
	if errors.Is(err, alerts.ErrNotFound) || err == nil && (m.Audience != AudienceVolunteers || m.Volunteer == nil) {
		return p.connectSays("", connectEnded, ""), nil
	} else if err != nil {
		return "", fmt.Errorf("connect a contact: %w", err)
	}
	good := !late && hmac.Equal(b[connectHead:], p.connectMAC(b[:connectHead], kind, m.Contacts[kind]))
	switch {
	case there && has == number && hmac.Equal(b[connectHead:], p.connectMAC(b[:connectHead], kind, "")): // what was done before, brought again
		return p.connectSays(m.Language, connectDone, m.Volunteer.Name), nil
	case !good:
		return p.connectSays("", connectEnded, ""), nil
	case there && has != number:
		return p.connectSays(m.Language, connectTaken, ""), nil
	}
	act := &alerts.Act{V: 1, At: now.UTC(), By: alerts.By{ID: PersonID(number)}, Verb: ActVolunteerChanged, Reason: "connected " + kind, Via: via}
	err = p.Roll.Change(ctx, number, act, func(m *Member) (bool, error) {
		if !hmac.Equal(b[connectHead:], p.connectMAC(b[:connectHead], kind, m.Contacts[kind])) {
			return false, ErrToken // spent meanwhile
		}
		_, stopped := m.Stopped[kind]
		delete(m.Stopped, kind)
		changed := stopped || m.Contacts[kind] != address
		m.Contacts[kind] = address
		return changed, nil
	})
	switch {
	case errors.Is(err, ErrToken), errors.Is(err, alerts.ErrNotFound):
		return p.connectSays("", connectEnded, ""), nil
	case errors.Is(err, alerts.ErrConflict):
		return p.connectSays(m.Language, connectTaken, ""), nil
	case err != nil:
		return "", fmt.Errorf("connect a contact: %w", err)
	}
	return p.connectSays(m.Language, connectDone, m.Volunteer.Name), nil
}

// readConnect gives the bytes of a code that has its form, else nil.
func readConnect(code string) []byte {
	b, err := base64.RawURLEncoding.Strict().DecodeString(code)
	if err != nil || len(b) != connectSize || len(code) != base64.RawURLEncoding.EncodedLen(len(b)) {
		return nil
	}
	return b
}

// ErrLastContact is the error for taking away the only contact of somebody, who
// could not be called any more.
var ErrLastContact = errors.New("it is the only contact")

// Disconnect takes a connected contact away from the volunteer of a token;
// [ErrToken] where it opens nothing, [ErrLastContact] where no other one is left.
// Where it is not connected it does nothing.
func (p *VolunteerPages) Disconnect(ctx context.Context, token, kind string, now time.Time) error {
	if !slices.ContainsFunc(p.Routes, func(r Route) bool { _, ok := r.Channel.(channels.Linker); return ok && r.addressKind() == kind }) {
		return nil
	}
	last := false
	err := p.door().change(ctx, token, ActVolunteerChanged, "disconnected "+kind, now, func(m *Member) bool {
		if _, has := m.Contacts[kind]; !has {
			return false
		}
		if last = len(m.Contacts) == 1; last {
			return false
		}
		delete(m.Contacts, kind)
		delete(m.Stopped, kind)
		m.Channels = slices.DeleteFunc(slices.Clone(m.Channels), func(k string) bool { return k == kind })
		return true
	})
	if err == nil && last {
		return ErrLastContact
	}
	return err
}

// What is said of a connection.
const (
	connectDone  = iota // {name}
	connectEnded        // spent, too late, or none of ours
	connectTaken        // the address is another person's
)

var connectWords = map[string][3]string{
	"it": {"Collegato a {name}: le chiamate ai volontari arrivano anche qui, e puoi rispondere con i pulsanti. Se non sei tu, scrivi /stop.",
		"Questo collegamento non vale più: riaprilo dalla tua pagina di volontario. Per un'emergenza chiama il 112.",
		"Questo Telegram è già di un'altra persona dell'elenco: scrivi all'ufficio."},
	"en": {"Connected to {name}: calls to volunteers come here too, and you can answer with the buttons. If this is not you, write /stop.",
		"This link does not work any more: open it again on your volunteer's page. In an emergency call 112.",
		"This Telegram belongs to another person on the roster: write to the office."},
	"de": {"Verbunden mit {name}: Rufe an Freiwillige kommen auch hier an, und du kannst mit den Knöpfen antworten. Wenn du das nicht bist, schreibe /stop.",
		"Dieser Link gilt nicht mehr: öffne ihn neu auf deiner Seite für Freiwillige. Im Notfall 112 anrufen.",
		"Dieses Telegram gehört schon einer anderen Person der Liste: schreibe dem Büro."},
	"sl": {"Povezano z osebo {name}: klici prostovoljcem prihajajo tudi sem, odgovoriš lahko z gumbi. Če to nisi ti, napiši /stop.",
		"Ta povezava ne velja več: znova jo odpri na svoji strani za prostovoljce. V sili pokliči 112.",
		"Ta Telegram že pripada drugi osebi s seznama: piši uradu."},
	"fr": {"Relié à {name} : les appels aux volontaires arrivent aussi ici, et vous pouvez répondre avec les boutons. Si ce n’est pas vous, écrivez /stop.",
		"Ce lien n’est plus valable : rouvrez-le sur votre page de volontaire. En cas d’urgence appelez le 112.",
		"Ce Telegram appartient déjà à une autre personne de la liste : écrivez au bureau."},
}

// connectSays is in the person's language, or else in the authority's; in Italian
// where that has none.
func (p *VolunteerPages) connectSays(language string, what int, name string) string {
	for _, lang := range []string{language, p.Language} {
		if texts, ok := connectWords[alerts.PrimaryLanguage(lang)]; ok {
			return strings.ReplaceAll(texts[what], "{name}", name)
		}
	}
	return strings.ReplaceAll(connectWords["it"][what], "{name}", name)
}
