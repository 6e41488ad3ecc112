package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"martinella/broadcast"
)

// headcount is how many subscribers there are of each sort. It names nobody.
type headcount struct {
	People      int            `json:"people"`
	Unreadable  int            `json:"unreadable,omitempty"`
	Unconfirmed int            `json:"unconfirmed"`
	Reachable   map[string]int `json:"reachable"` // by kind of contact
	Stopped     map[string]int `json:"stopped"`
	Audience    map[string]int `json:"audience"`
	Language    map[string]int `json:"language"`
	Area        map[string]int `json:"area"`
}

func peopleCountCommand(sh shell) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "count",
		Short:   "Count subscribers by contact, audience, language and area",
		Example: "  martinella people count",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, sh, func(ctx context.Context, _ *Config, s *store) error {
				h, err := headcountOf(ctx, s.People())
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(sh.out).Encode(h)
				}
				return h.print(sh)
			})
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func headcountOf(ctx context.Context, roll broadcast.Roll) (*headcount, error) {
	h := &headcount{Reachable: map[string]int{}, Stopped: map[string]int{}, Audience: map[string]int{}, Language: map[string]int{}, Area: map[string]int{}}
	for m, err := range roll.All(ctx) {
		if err != nil {
			if m.Number == 0 { // not of one person
				return nil, err
			}
			h.Unreadable++
			continue
		}
		h.People++
		if m.Consent == broadcast.ConsentAsked {
			h.Unconfirmed++
		}
		for _, kind := range m.Kinds() {
			if m.Reachable(kind) != "" {
				h.Reachable[kind]++
			}
		}
		for kind := range m.Stopped {
			h.Stopped[kind]++
		}
		h.Audience[m.Audience]++
		h.Language[m.Language]++
		for _, a := range m.Areas {
			h.Area[a]++
		}
	}
	return h, nil
}

func (h *headcount) print(sh shell) error {
	fmt.Fprintf(sh.out, "%d people, %d of them have not confirmed\n", h.People, h.Unconfirmed)
	if h.Unreadable > 0 {
		fmt.Fprintf(sh.err, "warning: %d cannot be read\n", h.Unreadable)
	}
	t := tabwriter.NewWriter(sh.out, 0, 4, 2, ' ', 0)
	for _, sort := range []struct {
		name string
		of   map[string]int
	}{{"reachable by", h.Reachable}, {"stopped", h.Stopped}, {"audience", h.Audience}, {"language", h.Language}, {"area", h.Area}} {
		words := slices.SortedFunc(maps.Keys(sort.of), func(a, b string) int { return cmp.Or(sort.of[b]-sort.of[a], cmp.Compare(a, b)) })
		for _, w := range words {
			fmt.Fprintf(t, "%s\t%s\t%d\n", sort.name, w, sort.of[w])
		}
	}
	return t.Flush()
}
