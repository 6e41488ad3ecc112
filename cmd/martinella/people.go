package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/roster"
)

func peopleCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "people",
		Short:   "Add, import, export, count and erase subscribers",
		Example: "  martinella people import cittadini.csv --dry-run\n  martinella people add --phone +393330000001 --areas 052032 --language it",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(peopleAddCommand(sh), peopleImportCommand(sh), peopleExportCommand(sh), peopleCountCommand(sh),
		peopleStopCommand(sh), peopleStartCommand(sh), peopleEraseCommand(sh))
	return cmd
}

// The closed sets of a subscription.
var (
	audiences = []string{"citizens", "volunteers", "institutions", "media", "staff"}
	purposes  = []string{"emergency", "information"}
)

// contacts are the ways to reach somebody, as flags.
type contacts struct{ phone, email string }

func (c *contacts) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.phone, "phone", "", "`NUMBER`, with +39 or as it is dialled in Italy")
	cmd.Flags().StringVar(&c.email, "email", "", "`ADDRESS`")
}

// read gives the contacts by kind, in the form in which they are stored.
func (c contacts) read() (map[string]string, error) {
	out := map[string]string{}
	if c.phone != "" {
		n, err := roster.Phone(c.phone)
		if err != nil {
			return nil, usage(err, "write it like +393331234567")
		}
		out["phone"] = n
	}
	if c.email != "" {
		a, err := roster.Mail(c.email)
		if err != nil {
			return nil, usage(err, "write it like name@example.org")
		}
		out["email"] = a
	}
	if len(out) == 0 {
		return nil, usage(errors.New("no contact"), "give --phone or --email")
	}
	return out, nil
}

func peopleAddCommand(sh shell) *cobra.Command {
	var c contacts
	var s broadcast.Subscriber
	var severity, until string
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Add a subscriber, or change the one with the same contact",
		Long: `Add a subscriber, or change the one with the same contact. Contacts are stored
sealed under the key file of the data folder. Add only people who asked for it
or whom the law lets you reach.`,
		Example: "  martinella people add --phone +393330000001 --areas 052032,052015 --language it",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if s.Contacts, err = c.read(); err != nil {
				return err
			}
			if err := finishSubscriber(&s, severity, until); err != nil {
				return err
			}
			return withStore(cmd, sh, func(ctx context.Context, _ *Config, st *store) error {
				one := broadcast.Listing{Subscriber: s, Silent: unsaid(cmd)}
				entered, err := st.People().Enter(ctx, []broadcast.Listing{one}, false)
				if err != nil {
					return err
				}
				if entered[0].Outcome == broadcast.EntryConflict {
					return fmt.Errorf("add a person: the contacts belong to several people: %w", alerts.ErrConflict)
				}
				word := "changed"
				if entered[0].Outcome == broadcast.EntryAdded {
					word = "added"
				}
				fmt.Fprintf(sh.out, "person %d %s\n", entered[0].Number, word)
				return nil
			})
		},
	}
	configFlags(cmd.Flags())
	c.flags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&s.Areas, "areas", nil, "geocode `VALUES`; * is the whole territory (required)")
	f.StringVar(&s.Language, "language", "it", "`TAG` of the language")
	f.StringVar(&severity, "severity-min", "", "lowest `SEVERITY` that is sent (default: all)")
	f.StringVar(&s.Audience, "audience", "citizens", strings.Join(audiences, ", "))
	f.StringVar(&s.Purpose, "purpose", "emergency", strings.Join(purposes, " or "))
	f.StringSliceVar(&s.Topics, "topics", nil, "`WORDS` that information is about (default: everything)")
	f.StringSliceVar(&s.Channels, "channels", nil, "kinds of contact in order of preference, like `phone,email` (default: all)")
	f.StringVar(&until, "until", "", "last `DAY`, like 2027-06-30 (default: no end)")
	return cmd
}

// unsaid are the columns of which the flags say nothing: of a volunteer who is
// there already they stay.
func unsaid(cmd *cobra.Command) []string {
	out := []string{"name", "organisation", "groups", "skills", "speaks", "availability", "exceptions", "circle", "quiet", "consent"}
	for column, flag := range map[string]string{"areas": "areas", "language": "language", "severity_min": "severity-min", "audience": "audience", "purpose": "purpose", "topics": "topics", "channels": "channels", "until": "until"} {
		if !cmd.Flags().Changed(flag) {
			out = append(out, column)
		}
	}
	return out
}

// finishSubscriber checks what flags cannot.
func finishSubscriber(s *broadcast.Subscriber, severity, until string) error {
	s.V = 1
	s.MinSeverity = alerts.Severity(severity)
	switch {
	case len(s.Areas) == 0:
		return usage(errors.New("no area"), "name geocodes with --areas, or * for the whole territory")
	case severity != "" && !slices.Contains(alerts.Severities, s.MinSeverity):
		return usage(fmt.Errorf("the severity is %s", quoted(severity)), joinAll(alerts.Severities))
	case !slices.Contains(audiences, s.Audience):
		return usage(fmt.Errorf("the audience is %s", quoted(s.Audience)), strings.Join(audiences, ", "))
	case !slices.Contains(purposes, s.Purpose):
		return usage(fmt.Errorf("the purpose is %s", quoted(s.Purpose)), strings.Join(purposes, " or "))
	case !langForm.MatchString(s.Language):
		return usage(fmt.Errorf("the language is %s", quoted(s.Language)), "write it like it or de-AT")
	}
	if until != "" {
		last, err := time.Parse(time.DateOnly, until)
		if err != nil {
			return usage(fmt.Errorf("the day is %s", quoted(until)), "write it like 2027-06-30")
		}
		s.Until = last.AddDate(0, 0, 1)
	}
	return nil
}
