package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"martinella/alerts"
	"martinella/dashboards/signin"
)

// first prints the link by which the first administrator signs in, while there
// is nobody. It is shown on the terminal and kept out of the log: who has it
// has the console. Where the terminal is the journal of systemd, it says how to
// come by one.
func (g *gateway) first(ctx context.Context, out io.Writer) error {
	if os.Getenv("JOURNAL_STREAM") != "" { // systemd.exec(5)
		members, err := g.office.Members(ctx)
		if err == nil && len(members) == 0 {
			fmt.Fprintln(out, "nobody administers the console yet; this prints a link for the first administrator:\n  martinella staff invite --name NAME --login LOGIN --role administrator")
		}
		return err
	}
	token, err := g.office.FirstInvitation(ctx, time.Now())
	if err != nil || token == "" {
		return err
	}
	fmt.Fprintf(out, "nobody administers the console yet; this link makes the first administrator, once, within 72 hours:\n  %s/console/invite/%s\n", g.config.PublicURL, token)
	return nil
}

func staffCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "staff",
		Short:   "Invite, list and disable who signs in to the console",
		Example: `  martinella staff invite --name "Anna Rossi" --login anna.rossi --role approver --status Actual,Exercise,Test`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(staffInviteCommand(sh), staffListCommand(sh), staffDisableCommand(sh))
	return cmd
}

// withOffice runs an act on the store of the gateway's office.
func withOffice(cmd *cobra.Command, sh shell, act func(ctx context.Context, c *Config, s *store, o *signin.Office) error) error {
	return withStore(cmd, sh, func(ctx context.Context, c *Config, s *store) error {
		if c.PublicURL == "" {
			fmt.Fprintln(sh.err, "warning: public_url is not set: a link holds the address of --listen")
			c.PublicURL = "http://" + strings.Replace(c.Listen, "127.0.0.1", "localhost", 1)
		}
		o, err := signin.New(s.Staff(), c.Authority.Name, c.PublicURL)
		if err != nil {
			return usage(err, "set public_url in the configuration")
		}
		return act(ctx, c, s, o)
	})
}

func staffInviteCommand(sh shell) *cobra.Command {
	var k keyRequest
	var login string
	var roles []string
	cmd := &cobra.Command{
		Use:   "invite",
		Short: "Print a link that makes a member of staff, once, within 72 hours",
		Long: `Print a link that makes a member of staff, once, within 72 hours. Whoever can
run this command owns the data: it asks no second administrator.`,
		Example: `  martinella staff invite --name "Anna Rossi" --login anna.rossi --role author --status Actual,Exercise,Test
  martinella staff invite --name "Bruno Verdi" --login bruno --role approver,administrator --severity-max Severe`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rights, ps := rightsOf([]string{"read"}, k.areas, k.hazards, k.severityMax, k.statuses, k.channel, false)
			if len(ps) > 0 {
				for i := range ps {
					ps[i].Field = "--" + strings.ReplaceAll(ps[i].Field, "_", "-")
				}
				return usage(ps.Err(), "see martinella staff invite --help")
			}
			rights.Verbs = nil
			return withOffice(cmd, sh, func(ctx context.Context, c *Config, _ *store, o *signin.Office) error {
				token, err := o.NewInvitation(ctx, signin.Invitation{Login: login, Name: k.name, Grant: signin.Grant{Roles: roles, Limits: rights}, By: alerts.By{ID: "command", Name: "command line"}}, time.Now())
				switch {
				case errors.Is(err, signin.ErrInvalid):
					return usage(err, "name --name, --login and --role: "+strings.Join(signin.RoleNames(), ", "))
				case errors.Is(err, signin.ErrTaken):
					return refused(err, "martinella staff list shows who has it")
				case err != nil:
					return err
				}
				fmt.Fprintf(sh.out, "%s/console/invite/%s\nit is shown only now: give it to %s over a safe way\n", c.PublicURL, token, k.name)
				if len(rights.Statuses) == 0 {
					fmt.Fprintln(sh.out, "note: for exercises and tests only; --status Actual,Exercise,Test allows real alerts")
				}
				return nil
			})
		},
	}
	configFlags(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&k.name, "name", "", "full `NAME`")
	f.StringVar(&login, "login", "", "sign-in `NAME` or e-mail address, without spaces")
	f.StringSliceVar(&roles, "role", nil, "`ROLES`: "+strings.Join(signin.RoleNames(), ", "))
	f.StringSliceVar(&k.areas, "areas", nil, "geocode `VALUES` or prefixes ending in * (default: no limit)")
	f.StringSliceVar(&k.hazards, "hazards", nil, "CAP `CATEGORIES` (default: no limit)")
	f.StringVar(&k.severityMax, "severity-max", "", "highest `SEVERITY` (default: no limit)")
	f.StringSliceVar(&k.statuses, "status", nil, "CAP `STATUSES` (default: Exercise and Test only)")
	f.StringSliceVar(&k.channel, "channels", nil, "channel `NAMES` (default: all)")
	return cmd
}

// staffRow is a member as the list shows them.
type staffRow struct {
	ID       string    `json:"id"`
	Login    string    `json:"login"`
	Name     string    `json:"name"`
	Roles    []string  `json:"roles"`
	Passkeys int       `json:"passkeys"`
	Password bool      `json:"password"`
	Disabled time.Time `json:"disabled,omitzero"`
}

func staffListCommand(sh shell) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the members of staff", Example: "  martinella staff list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withOffice(cmd, sh, func(ctx context.Context, _ *Config, _ *store, o *signin.Office) error {
				all, err := o.Members(ctx)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
				for _, m := range all {
					row := staffRow{m.ID, m.Login, m.Name, m.Grant.Roles, len(m.Passkeys), m.Password != "", m.Disabled}
					if asJSON {
						if err := json.NewEncoder(sh.out).Encode(row); err != nil {
							return err
						}
						continue
					}
					state := ""
					if !m.Disabled.IsZero() {
						state = "disabled"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", row.Login, row.Name, strings.Join(row.Roles, ","), row.ID, state)
				}
				return w.Flush()
			})
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func staffDisableCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use: "disable LOGIN", Short: "Let a member of staff in no more, and end their sessions", Example: "  martinella staff disable anna.rossi", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, sh, func(ctx context.Context, _ *Config, _ *store, o *signin.Office) error {
				all, err := o.Members(ctx)
				if err != nil {
					return err
				}
				i := slices.IndexFunc(all, func(m *signin.Member) bool { return m.Login == strings.ToLower(args[0]) || m.ID == args[0] })
				if i < 0 {
					return refused(fmt.Errorf("nobody is called %s", quoted(args[0])), "martinella staff list shows everybody")
				}
				if err := o.DisableByCommand(ctx, all[i].ID, time.Now()); err != nil {
					return refused(err, "invite another administrator first")
				}
				fmt.Fprintf(sh.out, "%s may sign in no more\n", all[i].Login)
				return nil
			})
		},
	}
	configFlags(cmd.Flags())
	return cmd
}
