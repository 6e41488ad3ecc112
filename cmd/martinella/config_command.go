package main

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.yaml.in/yaml/v3"
)

func configCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Check or print the configuration",
		Example: "  martinella config check --config martinella.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	check := &cobra.Command{
		Use:     "check",
		Short:   "Name every mistake of the configuration with its line",
		Example: "  martinella config check --config martinella.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(sh, cmd.Flags())
			if err != nil {
				if f, ok := errors.AsType[*failure](err); ok {
					return refused(f.err, "")
				}
				return err
			}
			fmt.Fprintf(sh.out, "%s: no mistakes; mode %s, authority %s, %d channels, %d areas\n", c.source(), c.Mode, c.Authority.Slug, len(c.Channels), c.gazetteer.Len())
			for _, note := range c.notes() {
				fmt.Fprintf(sh.out, "note: %s\n", note)
			}
			return nil
		},
	}
	show := &cobra.Command{
		Use:     "print",
		Short:   "Print the configuration as it holds, secrets hidden",
		Example: "  martinella config print --config martinella.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(sh, cmd.Flags())
			if err != nil {
				return err
			}
			return c.print(sh)
		},
	}
	for _, sub := range []*cobra.Command{check, show} {
		configFlags(sub.Flags())
		listenFlags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}

func (c *Config) source() string {
	if c.file == "" {
		return "no file, defaults"
	}
	return c.file
}

// notes are worth saying, and no mistakes.
func (c *Config) notes() []string {
	var out []string
	if c.Mode == modePractice {
		out = append(out, "mode practice: Actual alerts are refused, and a store that could forget an alert is accepted; set mode: live before warning people")
		var left []string
		for i := range c.Channels {
			if !c.uses(&c.Channels[i]) {
				left = append(left, c.Channels[i].Name)
			}
		}
		if len(left) > 0 {
			out = append(out, "mode practice: only outboxes are used; not "+strings.Join(left, ", "))
		}
	}
	if c.PublicURL == "" {
		out = append(out, "public_url is not set: links in messages lead to the listening address")
	}
	if len(c.Channels) == 0 {
		out = append(out, "no channels: alerts reach the public page, feeds and open pages only")
	}
	if len(c.Areas) == 0 && len(c.Channels) > 0 {
		out = append(out, "no areas: a drawn area finds only who has a place on the map or asked for the whole territory; codes must be written exactly as people subscribed to them")
	}
	out = append(out, c.accountNotes()...)
	out = append(out, c.feedNotes()...)
	for i := range c.Channels {
		ch, err := c.Channels[i].build(c.settings(), c.Data, zap.NewNop())
		if err != nil {
			continue
		}
		if n, ok := ch.(interface{ Notes() []string }); ok {
			for _, note := range n.Notes() {
				out = append(out, c.Channels[i].Name+": "+note)
			}
		}
	}
	return out
}

// print writes the effective configuration as YAML.
func (c *Config) print(sh shell) error {
	plain := *c
	plain.Channels, plain.Senders, plain.Feeds, plain.Areas, plain.Mirror, plain.Accounts, plain.Hashtags = nil, nil, nil, nil, nil, nil, nil
	var top yaml.Node
	if err := top.Encode(shown(reflect.ValueOf(plain))); err != nil {
		return err
	}
	var list yaml.Node
	list.Kind = yaml.SequenceNode
	for i := range c.Channels {
		n := c.Channels[i].node
		hide(&n)
		list.Content = append(list.Content, &n)
	}
	set := func(key string, n *yaml.Node) {
		top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, n)
	}
	if len(list.Content) > 0 {
		set("channels", &list)
	}
	if len(c.Senders) > 0 {
		var senders yaml.Node
		if err := senders.Encode(shown(reflect.ValueOf(c.Senders))); err != nil {
			return err
		}
		set("senders", &senders)
	}
	if len(c.Feeds) > 0 {
		var feeds yaml.Node
		if err := feeds.Encode(shown(reflect.ValueOf(c.Feeds))); err != nil {
			return err
		}
		set("feeds", &feeds)
	}
	if len(c.Areas) > 0 {
		var outlines yaml.Node
		if err := outlines.Encode(shown(reflect.ValueOf(c.Areas))); err != nil {
			return err
		}
		set("areas", &outlines)
	}
	if len(c.Mirror) > 0 {
		var copies yaml.Node
		if err := copies.Encode(shown(reflect.ValueOf(c.Mirror))); err != nil {
			return err
		}
		set("mirror", &copies)
	}
	hide(&top)
	for key, list := range c.registers() { // what everybody may see, profiles and all
		var n yaml.Node
		if err := n.Encode(shown(list)); err != nil {
			return err
		}
		set(key, &n)
	}
	e := yaml.NewEncoder(sh.out)
	e.SetIndent(2)
	if err := e.Encode(&top); err != nil {
		return err
	}
	return e.Close()
}

// shown turns a configuration struct into a node in the order of its fields,
// without what is empty.
func shown(v reflect.Value) any {
	if r, ok := reflect.TypeAssert[RedisConfig](v); ok {
		if alone, ok := r.short(); ok {
			return alone
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			if name == "" || v.Field(i).IsZero() {
				continue
			}
			var value yaml.Node
			if err := value.Encode(shown(v.Field(i))); err != nil {
				continue
			}
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, &value)
		}
		return n
	case reflect.Slice:
		var all []any
		for i := range v.Len() {
			all = append(all, shown(v.Index(i)))
		}
		return all
	}
	return v.Interface()
}

// hide covers what could open a door: values of secret keys, and the user part
// and query of addresses.
func hide(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && secretName(n.Content[i-1].Value) && child.Kind == yaml.ScalarNode {
			copied := *child
			copied.Value, copied.Tag = "(hidden)", "!!str"
			n.Content[i] = &copied
			continue
		}
		copied := *child
		copied.Content = append([]*yaml.Node(nil), child.Content...)
		if copied.Kind == yaml.ScalarNode && strings.Contains(copied.Value, "://") {
			// The path of a receiver is often its only credential.
			copied.Value = safeURL(copied.Value, n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "url")
		}
		hide(&copied)
		n.Content[i] = &copied
	}
}

// safeURL is an address without what may be secret in it.
func safeURL(s string, hidePath bool) string {
	u, err := url.Parse(s)
	if err != nil {
		return "(hidden)"
	}
	if u.User != nil {
		u.User = url.User("hidden")
	}
	if hidePath && len(u.Path) > 1 {
		u.Path, u.RawPath = "/hidden", ""
	}
	if u.RawQuery != "" {
		u.RawQuery = "hidden"
	}
	return u.String()
}
