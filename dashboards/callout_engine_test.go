package dashboards

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// fixedRoll is a list of volunteers that nobody changes, by number from 1.
type fixedRoll []*broadcast.Member

func (r fixedRoll) Volunteers(context.Context) ([]*broadcast.Member, error) { return r, nil }

func (r fixedRoll) Members(_ context.Context, numbers []uint32) ([]*broadcast.Member, error) {
	out := make([]*broadcast.Member, len(numbers))
	for i, n := range numbers {
		if n >= 1 && int(n) <= len(r) {
			out[i] = r[n-1]
		}
	}
	return out, nil
}

func (fixedRoll) Lookup(context.Context, string, string) (uint32, error) {
	return 0, alerts.ErrNotFound
}

func (fixedRoll) Change(context.Context, uint32, *alerts.Act, func(*broadcast.Member) (bool, error)) error {
	return nil
}

func (fixedRoll) MAC(text []byte) []byte {
	h := hmac.New(sha256.New, []byte("a key of this test"))
	h.Write(text)
	return h.Sum(nil)
}

// texts is a channel of text messages that can page.
type texts struct{}

func (texts) Name() string        { return "sms" }
func (texts) AddressKind() string { return "phone" }
func (texts) Render(*alerts.Record) ([]channels.Message, error) {
	return nil, errors.New("no alerts here")
}
func (texts) Send(context.Context, channels.Message) (channels.Receipt, error) {
	return channels.Receipt{}, nil
}
func (texts) RenderPage(p channels.Page) (channels.Message, error) {
	return channels.Message{Language: p.Language, Text: p.Authority + " " + p.Code + ": " + p.What + ". " + p.Link}, nil
}

// The console does with the engine what it does with the stand-in.
func TestACallOnTheEngine(t *testing.T) {
	var roll fixedRoll
	for i := range 12 {
		m := &broadcast.Member{Number: uint32(i + 1), Subscriber: broadcast.Subscriber{Audience: channels.AudienceVolunteers, Language: "it", Areas: []string{"*"},
			Contacts: map[string]string{"phone": "+39333000000" + itoa(i%10)}, Volunteer: &volunteers.Profile{Name: "Volontaria " + itoa(i+1), Organisation: "ANA Valdemo"}}}
		if i < 3 {
			m.Volunteer.Skills = []volunteers.Skill{{Name: "motosega"}}
		}
		roll = append(roll, m)
	}
	routes := []broadcast.Route{{Channel: texts{}, Kind: "smpp", Exercise: true}}
	g := openDesktop(t, func(c *Config) {
		c.Callouts = callout.New(callout.Config{Store: broadcasttest.NewCallouts(), Roll: roll, Routes: routes, Durability: func(context.Context) (broadcast.Durability, error) { return broadcast.Durability{Durable: true}, nil },
			Authority: c.Authority, Language: "it", Zone: rome, PublicURL: c.PublicURL, NewID: c.Desk.NewID, Log: zap.NewNop()}, prometheus.NewRegistry())
		c.Channels = broadcast.Dispatchers{{Route: routes[0]}}
	})
	p, _ := g.colleague("carla", "Carla Bianchi", "approver", "author")
	form := with(typedCall(), url.Values{"people": {"1", "1", ""}, "skill": {"motosega", "", ""}})
	wants(t, p.do("POST", "/console/d/new?lang=it", form), 200, "Chiama ora 7 volontari", "V-0000: Sacchi in via del Ponte", "/d/…")
	wants(t, p.do("POST", "/console/d/new?lang=it", with(form, url.Values{"people": {"5", "1", ""}})), 200, "solo 3", "Non ci sono abbastanza volontari")
	wants(t, p.do("POST", "/console/d/new?lang=it", with(form, url.Values{"groups": {"Marziani"}})), 422, "nessuno")
	r := p.do("POST", "/console/d/new?lang=it", with(form, url.Values{"do": {"call"}}))
	id := strings.TrimPrefix(r.Request.URL.Path, "/console/d/")
	wants(t, r, 200, "0 di 2", "Chiamata aperta", "Volontaria 1")
	path := "/console/d/" + id
	wants(t, p.do("POST", path+"/people?lang=it", url.Values{"say": {"1.coming.20"}}), 200, "Annotato.", "viene fra 20 min", "annotato qui")
	wants(t, p.do("POST", path+"/people?lang=it", url.Values{"say": {"1.arrived"}}), 200, "qui dalle")
	wants(t, p.do("POST", path+"/people?lang=it", url.Values{"say": {"2.left"}}), 409)
	wants(t, p.do("POST", path+"/people?lang=it", url.Values{"say": {"999.coming"}}), 404)
	wants(t, p.do("POST", path+"/wave?lang=it", url.Values{"most": {"2"}, "waves": {"1"}}), 200, "Chiamati ancora: 2.")
	wants(t, p.do("POST", path+"/wave?lang=it", url.Values{"most": {"2"}, "waves": {"1"}}), 200, "Nel frattempo la chiamata")
	wants(t, p.do("POST", path+"/close?lang=it", url.Values{"words": {strings.Repeat("à", 501)}}), 422, strings.Repeat("à", 501))
	wants(t, p.do("POST", path+"/close?lang=it", url.Values{"words": {"Grazie di cuore"}}), 200, "Chiamata chiusa", "Grazie di cuore")
	wants(t, p.do("POST", path+"/people?lang=it", url.Values{"say": {"2.coming"}}), 409)
	wants(t, p.do("POST", path+"/people?lang=it", url.Values{"say": {"1.left"}}), 200, "via dalle")
	wants(t, p.get(path+"/attendance?lang=it"), 200, "Volontaria 1", "ANA Valdemo")
	wants(t, p.get("/console/d?lang=it"), 200, "chiusa", "Chiama di nuovo")
}
