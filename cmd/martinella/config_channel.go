package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.yaml.in/yaml/v3"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// ChannelConfig is one entry of the list of channels: what every kind has, and
// the kind's own fields.
type ChannelConfig struct {
	channelHead
	kind   kind
	fields any       // of the kind, a pointer to its configuration
	node   yaml.Node // as written, for config print
}

// channelHead is what every kind has.
type channelHead struct {
	Name     string         `yaml:"name"`
	Kind     string         `yaml:"kind"`
	Exercise bool           `yaml:"exercise"`
	Readers  alerts.Readers `yaml:"readers"`
	Limits   ChannelLimits  `yaml:"limits"`
	Fallback string         `yaml:"fallback"` // the channel that carries its messages while its own provider fails
	Alone    bool           `yaml:"alone"`    // of a fallback: it is a channel of its own as well
	Withdraw bool           `yaml:"withdraw"` // its posts of an alert that was sent by mistake are taken back; else they are put right
}

// kind is a way to build channels; wire.go lists them.
type kind struct {
	empty func() any // a pointer to its configuration with the defaults
	build func(name string, fields any, s channels.Settings, log *zap.Logger) (channels.Channel, error)

	connect channels.Connect // walks a person through connecting an account; nil: by hand

	social bool // a social platform
	memory bool // may be used with a store that keeps nothing: it warns nobody
	byHand bool // a person posts what it lays out
}

// adapter makes a kind of a constructor. The constructor must open nothing: the
// check of a configuration calls it.
func adapter[C any, T channels.Channel](build func(name string, c C, s channels.Settings, log *zap.Logger) (T, error)) kind {
	return kind{
		empty: func() any { return new(C) },
		build: func(name string, fields any, s channels.Settings, log *zap.Logger) (channels.Channel, error) {
			c, ok := fields.(*C)
			if !ok {
				return nil, fmt.Errorf("channel %s has the fields of another kind: %T", name, fields)
			}
			ch, err := build(name, *c, s, log)
			if err != nil {
				return nil, err // not a typed nil
			}
			return ch, nil
		},
	}
}

func (k kind) connectedBy(connect channels.Connect) kind {
	k.connect = connect
	return k
}

func (k kind) asSocial() kind {
	k.social = true
	return k
}

func (k kind) asByHand() kind {
	k.byHand = true
	return k
}

func (k kind) asMemory() kind {
	k.memory = true
	return k
}

// languageTag is a language as RFC 5646 writes it: its code of two or three
// letters, then perhaps script and region.
var languageTag = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$`)

// fillFrom reads the common keys, then lets the kind read the others.
func (c *ChannelConfig) fillFrom(r *nodeReader, n *yaml.Node, path string) {
	c.node = *n
	if n.Kind != yaml.MappingNode {
		r.complain(n, path+" must have keys", "write it like {name: press, kind: webhook, url: ...}")
		return
	}
	head, own := *n, *n
	head.Content, own.Content = nil, nil
	common := fieldsOf(reflect.TypeFor[channelHead]())
	for i := 0; i+1 < len(n.Content); i += 2 {
		to := &own
		if common[n.Content[i].Value] != nil {
			to = &head
		}
		to.Content = append(to.Content, n.Content[i], n.Content[i+1])
	}
	r.value(&head, reflect.ValueOf(&c.channelHead).Elem(), path)
	known, ok := kinds[c.Kind]
	if !ok {
		at := n
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "kind" {
				at = n.Content[i]
			}
		}
		what := "is " + quoted(c.Kind)
		if c.Kind == "" {
			what = "is missing"
		}
		r.complain(at, path+".kind "+what, "known: "+strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		return
	}
	for i := 0; i+1 < len(own.Content); i += 2 {
		if tag := own.Content[i+1]; own.Content[i].Value == "language" && tag.Kind == yaml.ScalarNode && tag.Value != "" && !languageTag.MatchString(tag.Value) {
			r.complain(tag, path+".language is "+quoted(tag.Value), "write its code, like it, en or de-AT")
		}
	}
	c.kind, c.fields = known, known.empty()
	r.value(&own, reflect.ValueOf(c.fields).Elem(), path)
}

// build makes the channel. It opens no connection. A kind that writes files has
// a Folder; without one it is below the data folder.
func (c *ChannelConfig) build(s channels.Settings, data string, log *zap.Logger) (channels.Channel, error) {
	if f := reflect.ValueOf(c.fields).Elem().FieldByName("Folder"); f.IsValid() && f.Kind() == reflect.String && f.String() == "" {
		f.SetString(filepath.Join(data, "outbox"))
	}
	return c.kind.build(c.Name, c.fields, s, log)
}

// route is the channel with what the configuration says of it.
func (c *ChannelConfig) route(ch channels.Channel) broadcast.Route {
	return broadcast.Route{Channel: ch, Kind: c.Kind, Readers: c.Readers, Exercise: c.Exercise, Memory: c.kind.memory, Social: c.kind.social, Withdraw: c.Withdraw, Limits: c.Limits.limit()}
}

// standby reports whether the channel only carries what others fall back on it
// with.
func (c *Config) standby(ch *ChannelConfig) bool {
	return !ch.Alone && slices.ContainsFunc(c.Channels, func(one ChannelConfig) bool { return one.Fallback == ch.Name && c.uses(&one) })
}

// fallbackRules checks who falls back on whom: one step, over the same contact,
// and to nobody whom the channel itself would not reach. built are the channels
// by name, as far as they could be built.
func (c *Config) fallbackRules(built map[string]channels.Channel, say sayFunc) {
	byName := map[string]*ChannelConfig{}
	for i := range c.Channels {
		byName[c.Channels[i].Name] = &c.Channels[i]
	}
	kindOf := func(name string) string {
		if a, ok := built[name].(channels.Addressed); ok {
			return a.AddressKind()
		}
		return ""
	}
	stands := map[string]bool{} // for somebody
	for i := range c.Channels {
		ch, at := &c.Channels[i], fmt.Sprintf("channels[%d].fallback", i)
		if ch.Fallback == "" {
			continue
		}
		stands[ch.Fallback] = true
		second, known := byName[ch.Fallback]
		switch {
		case ch.Fallback == ch.Name:
			say(at, "is the channel itself", "name another channel, over another provider")
			continue
		case !known:
			say(at, "is "+quoted(ch.Fallback)+", which is no channel", "give the name of a channel in this list")
			continue
		case second.Fallback != "":
			say(at, "is "+quoted(ch.Fallback)+", which falls back on "+quoted(second.Fallback), "one step only: let both fall back on the same channel, or take the other fallback away")
			continue
		case built[ch.Name] == nil || built[ch.Fallback] == nil:
			continue // what is wrong with them has been said
		case kindOf(ch.Name) == "":
			say(at, "is given for a channel that posts to everybody", "only a channel that reaches one person at a time has a fallback; plan a second channel instead")
			continue
		case kindOf(ch.Fallback) != kindOf(ch.Name):
			say(at, "is "+quoted(ch.Fallback)+", which does not reach people by "+kindOf(ch.Name), "name a channel for the same contact")
			continue
		}
		if ch.Exercise && !second.Exercise {
			say(at, "is "+quoted(ch.Fallback)+", which carries no exercises", "give both exercise: true, or neither")
		}
		if ch.Readers != second.Readers {
			say(at, "is "+quoted(ch.Fallback)+", which has other readers", "give both the same readers")
		}
		if ch.Limits.Account != "" && ch.Limits.Account == second.Limits.Account {
			say(at, "is "+quoted(ch.Fallback)+", which has the same account", "a second provider is another account, at best another company")
		}
	}
	for i := range c.Channels {
		if c.Channels[i].Alone && !stands[c.Channels[i].Name] {
			say(fmt.Sprintf("channels[%d].alone", i), "is given for a channel that nobody falls back on", "leave it out: it is a channel of its own in any case")
		}
	}
}

// uses reports whether the gateway opens the channel: in practice only those
// that reach nobody outside (DECISIONS 13).
func (c *Config) uses(ch *ChannelConfig) bool { return c.Mode != modePractice || ch.kind.memory }

// settings is what all channels share.
func (c *Config) settings() channels.Settings {
	return channels.Settings{Authority: c.Authority.Name, PublicURL: c.PublicURL, Zone: c.zone(), Language: c.Authority.Language, Hashtags: c.Hashtags}
}
