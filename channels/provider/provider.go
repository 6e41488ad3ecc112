package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"martinella/channels"
)

// Use is what an adapter makes of descriptions.
type Use struct {
	Platform     string   // for errors: "httpsms"
	Placeholders []string // without braces: what a request may hold besides secrets
	States       []string // what a report may say
	Hookless     bool     // the adapter takes nothing back: a hook is a mistake
}

// Provider is a description that holds. Its methods may be called from many
// goroutines; none of its errors holds a secret, an address of the network, a
// phone number or the words of an answer.
type Provider struct {
	platform string
	call     *channels.Caller
	secrets  Values // secret, secret.NAME
	basic    string // the Authorization header; "": none

	send   request
	answer answer
	probe  *probe
	check  *request
	hook   *hook
}

// Send makes the request that sends, once, and blocks until the provider
// answered or ctx ended. It gives the provider's id of what it took; "" where
// the description names no place of one. The verdicts are those of
// [channels.Channel].
func (p *Provider) Send(ctx context.Context, v Values) (id string, err error) {
	got, err := p.do(ctx, &p.send, v)
	if err != nil {
		return "", err
	}
	return p.judge(got, v, time.Now())
}

// Finds reports whether a probe is described.
func (p *Provider) Finds() bool { return p.probe != nil }

// Find asks what became of what Send sent with the same values. found=false
// with a nil error: the provider does not have it. It is an error where
// [Provider.Finds] is false.
func (p *Provider) Find(ctx context.Context, v Values) (id string, found bool, err error) {
	if p.probe == nil {
		return "", false, errors.New(p.platform + ": no probe is described")
	}
	got, err := p.do(ctx, &p.probe.request, v)
	if err != nil {
		return "", false, certain(err)
	}
	if p.probe.missing.has(got.Status) {
		return "", false, nil
	}
	if got.Status < 200 || got.Status > 299 {
		_, err := p.judge(got, v, time.Now())
		if err == nil {
			err = p.said(got.Status, "", nil)
		}
		return "", false, certain(err)
	}
	return p.probe.look(got, v, p.platform)
}

// Checks reports whether a check is described.
func (p *Provider) Checks() bool { return p.check != nil }

// Check proves the credentials by the request that is described for it; nil
// where none is.
func (p *Provider) Check(ctx context.Context, v Values) error {
	if p.check == nil {
		return nil
	}
	got, err := p.do(ctx, p.check, v)
	if err == nil && (got.Status < 200 || got.Status > 299) {
		_, err = p.judge(got, v, time.Now())
	}
	return certain(err)
}

// certain turns "perhaps taken" into a plain error: what only asks takes
// nothing.
func certain(err error) error {
	if v, _ := channels.VerdictOf(err); v == channels.VerdictUncertain {
		return errors.New(err.Error())
	}
	return err
}

// do makes one of the requests.
func (p *Provider) do(ctx context.Context, r *request, v Values) (*channels.Answer, error) {
	all := make(Values, len(v)+len(p.secrets))
	maps.Copy(all, v)
	maps.Copy(all, p.secrets)
	address, header, body, err := r.build(all)
	if err != nil {
		return nil, channels.Permanent(fmt.Errorf("%s: the request cannot be made: %w", p.platform, err))
	}
	if p.basic != "" {
		header.Set("Authorization", p.basic)
	}
	return p.call.Do(ctx, r.method, address, header, body)
}

// probe is a [Probe] that has been read.
type probe struct {
	request request
	items   path
	id      path
	match   []match
	missing statuses
}

type match struct {
	path path
	want template
}

// look searches an answer. A list that cannot be read is no "no", nor is one
// thing that is no message.
func (p *probe) look(got *channels.Answer, v Values, platform string) (string, bool, error) {
	var body any
	err := errors.New("it is not JSON")
	if got.JSON {
		body, err = decode(got.Body)
	}
	if err != nil {
		return "", false, fmt.Errorf("%s: the answer to the probe cannot be read: %w", platform, err)
	}
	if p.items != nil && p.items.in(body) == nil {
		return "", false, fmt.Errorf("%s: the answer to the probe has no list where one is described", platform)
	}
	if _, list := body.([]any); p.items == nil && (list && len(p.match) == 0 || !list && !usable(p.id.text(body))) {
		return "", false, fmt.Errorf("%s: the answer to the probe is not the one message that is described", platform)
	}
	for _, item := range p.items.list(body) {
		ours := true
		for _, m := range p.match {
			ours = ours && packed(m.path.text(item)) == packed(m.want.fill(v, plain))
		}
		if id := p.id.text(item); ours && usable(id) {
			return id, true, nil
		}
	}
	return "", false, nil
}

// packed is a text without its space, which providers change.
func packed(s string) string { return strings.Join(strings.Fields(s), "") }

// methods that may be repeated on the way by anybody.
func asks(method string) bool { return method == http.MethodGet || method == http.MethodHead }
