package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/dashboards/signin"
)

// The bounds of an exception: whoever needs it longer looks at it again.
const (
	exceptionDays  = 90
	exceptionRunes = 300
)

// unexcepted are the checks without which no gateway is declared live.
var unexcepted = map[string]string{
	checkDurability: "an alert that was accepted could be lost: mend Redis, or name the weakness in accept_weak_durability",
	checkKey:        "nothing that the store has sealed could be opened: restore the key file",
}

func liveCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "live",
		Short:   "Declare that the gateway may be counted on, once doctor is content",
		Example: "  martinella live declare --by anna.rossi\n  martinella live show",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(liveDeclareCommand(sh), liveShowCommand(sh))
	return cmd
}

// withMembers runs an act on the store that asks who is who, and makes no links.
func withMembers(cmd *cobra.Command, sh shell, act func(context.Context, *Config, *store, *signin.Office) error) error {
	return withStore(cmd, sh, func(ctx context.Context, c *Config, s *store) error {
		o, err := signin.New(s.Staff(), c.Authority.Name, cmp.Or(c.PublicURL, "http://localhost"))
		if err != nil {
			return usage(err, "set public_url in the configuration")
		}
		return act(ctx, c, s, o)
	})
}

func liveDeclareCommand(sh shell) *cobra.Command {
	var by string
	var asked exceptions
	cmd := &cobra.Command{
		Use:   "declare",
		Short: "Examine everything, and declare the gateway live",
		Long: `Make the checks of doctor, and declare the gateway live if all are right or
excepted. An exception names the code of a check, a reason and its last day;
--except, --reason and --until may be given several times, in the same order.
Who answers for it is an administrator of the console. Whoever can run this
command owns the data: it does not prove who types it.`,
		Example: `  martinella live declare --by anna.rossi
  martinella live declare --by anna.rossi --except channel:sms --reason "contract from December" --until 2026-12-15`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withMembers(cmd, sh, func(ctx context.Context, c *Config, s *store, o *signin.Office) error {
				now := time.Now()
				signed, err := asked.read(c.zone(), now)
				if err != nil {
					return usage(err, "see martinella live declare --help")
				}
				if c.Mode != modeLive {
					return refused(errors.New("the gateway practises: the configuration says mode: practice"), "set mode: live, start the gateway again, then declare it")
				}
				who, err := administrator(ctx, o, by)
				if err != nil {
					return err
				}
				return declare(ctx, sh, c, s, who, signed, now)
			})
		},
	}
	configFlags(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&by, "by", "", "`LOGIN` of the administrator who answers for it")
	f.StringArrayVar(&asked.codes, "except", nil, "`CODE` of a check that need not be right")
	f.StringArrayVar(&asked.reasons, "reason", nil, "`TEXT` that says why")
	f.StringArrayVar(&asked.untils, "until", nil, "last `DAY` of the exception, as 2026-12-15")
	return cmd
}

// exceptions are those of the command line.
type exceptions struct{ codes, reasons, untils []string }

// read gives them, or names everything that is wrong with them.
func (e exceptions) read(zone *time.Location, now time.Time) (out []broadcast.Exception, err error) {
	if len(e.codes) != len(e.reasons) || len(e.codes) != len(e.untils) {
		return nil, fmt.Errorf("%d --except, %d --reason, %d --until: each exception needs all three", len(e.codes), len(e.reasons), len(e.untils))
	}
	var wrong []error
	for i, code := range e.codes {
		say := func(format string, args ...any) {
			wrong = append(wrong, fmt.Errorf("--except %s: %s", quoted(code), fmt.Sprintf(format, args...)))
		}
		reason := strings.TrimSpace(e.reasons[i])
		if why, never := unexcepted[code]; never {
			say("cannot be excepted: %s", why)
		}
		if slices.Contains(e.codes[:i], code) {
			say("is named twice")
		}
		if reason == "" || len([]rune(reason)) > exceptionRunes || strings.ContainsFunc(reason, unicode.IsControl) {
			say("--reason needs one line of 1 to %d characters", exceptionRunes)
		}
		day, err := time.ParseInLocation(time.DateOnly, e.untils[i], zone)
		end := day.AddDate(0, 0, 1)
		switch {
		case err != nil:
			say("--until %s is no day: write it as 2026-12-15", quoted(e.untils[i]))
		case !now.Before(end):
			say("--until %s is over", e.untils[i])
		case end.After(now.AddDate(0, 0, exceptionDays+1)):
			say("--until %s is more than %d days away: name an earlier day, and look at it again then", e.untils[i], exceptionDays)
		}
		out = append(out, broadcast.Exception{Code: code, Reason: reason, At: now, Until: end})
	}
	return out, errors.Join(wrong...)
}

// administrator finds the member of staff who may sign.
func administrator(ctx context.Context, o *signin.Office, login string) (*signin.Member, error) {
	if login == "" {
		return nil, usage(errors.New("--by is missing"), "name the login of the administrator who answers for it: martinella staff list shows everybody")
	}
	all, err := o.Members(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(m *signin.Member) bool { return m.Login == strings.ToLower(login) })
	if i < 0 {
		return nil, refused(fmt.Errorf("nobody is called %s", quoted(login)), "martinella staff list shows everybody; martinella staff invite invites an administrator")
	}
	if !all[i].Administers() {
		return nil, refused(fmt.Errorf("%s is no administrator, or was disabled", all[i].Login), "name an administrator: martinella staff list shows everybody")
	}
	return all[i], nil
}

// declare examines everything and writes the declaration.
func declare(ctx context.Context, sh shell, c *Config, s *store, who *signin.Member, signed []broadcast.Exception, now time.Time) error {
	before, err := s.Declaration(ctx)
	if err != nil {
		return unreachable(err, "")
	}
	for i := range signed {
		signed[i].By = who.ID
	}
	proposed := broadcast.Declaration{V: 1, At: now.UTC(), By: who.ID, Program: version(), Exceptions: signed}
	for _, e := range before.Exceptions { // one that was signed earlier holds to its end
		if _, again := proposed.Excepted(e.Code, now); !again && now.Before(e.Until) {
			proposed.Exceptions = append(proposed.Exceptions, e)
		}
	}
	d := &doctor{out: sh.out, declared: proposed, now: now}
	d.examine(ctx, c, s, now)
	state := map[string]error{}
	for _, f := range d.found {
		state[f.code] = f.err
	}
	var wrong []error
	for _, e := range signed {
		if err, there := state[e.Code]; !there {
			wrong = append(wrong, fmt.Errorf("--except %s: there is no such check; the codes are those in brackets above", quoted(e.Code)))
		} else if err == nil {
			wrong = append(wrong, fmt.Errorf("--except %s: the check is right and needs no exception", quoted(e.Code)))
		}
	}
	if len(wrong) > 0 {
		return refused(errors.Join(wrong...), "the gateway was not declared live")
	}
	if bad := d.bad(); len(bad) > 0 {
		codes := make([]string, len(bad))
		for i, f := range bad {
			codes[i] = f.code
		}
		return refused(fmt.Errorf("not declared live: %d of %d checks failed: %s", len(bad), len(d.found), strings.Join(codes, ", ")),
			"mend what is marked BAD, or sign an exception for it: --except CODE --reason TEXT --until DAY")
	}
	proposed.Exceptions = slices.DeleteFunc(proposed.Exceptions, func(e broadcast.Exception) bool { return state[e.Code] == nil })
	act := alerts.Act{V: 1, At: proposed.At, By: alerts.By{ID: "command", Name: "command line"}, Verb: broadcast.ActDeclared, Of: who.ID, Reason: inWords(proposed.Exceptions, c.zone())}
	if err := s.Declare(ctx, proposed, act); err != nil {
		return unreachable(err, "")
	}
	fmt.Fprintf(sh.out, "declared live, %s answers for it; exceptions: %d\n", who.Name, len(proposed.Exceptions))
	return nil
}

// inWords is what the ledger says of the exceptions.
func inWords(all []broadcast.Exception, zone *time.Location) string {
	lines := make([]string, len(all))
	for i, e := range all {
		lines[i] = fmt.Sprintf("%s until %s: %s", e.Code, lastDay(e, zone), e.Reason)
	}
	return strings.Join(lines, "; ")
}

// lastDay is the last one on which an exception holds.
func lastDay(e broadcast.Exception, zone *time.Location) string {
	return e.Until.In(zone).Add(-time.Nanosecond).Format(time.DateOnly)
}

func liveShowCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show", Short: "Show the declaration and its exceptions", Example: "  martinella live show", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withMembers(cmd, sh, func(ctx context.Context, c *Config, s *store, o *signin.Office) error {
				d, err := s.Declaration(ctx)
				if err != nil {
					return unreachable(err, "")
				}
				if !d.Declared() {
					fmt.Fprintln(sh.out, "not declared live")
					return nil
				}
				all, err := o.Members(ctx)
				if err != nil {
					return err
				}
				name := func(id string) string {
					for _, m := range all {
						if m.ID == id {
							return m.Name
						}
					}
					return id // erased since
				}
				fmt.Fprintf(sh.out, "declared live on %s by %s, examined by %s\n", d.At.In(c.zone()).Format("2006-01-02 15:04"), name(d.By), d.Program)
				for _, e := range d.Exceptions {
					state := "until"
					if !time.Now().Before(e.Until) {
						state = "EXPIRED on"
					}
					fmt.Fprintf(sh.out, "exception %s %s %s, signed by %s: %s\n", e.Code, state, lastDay(e, c.zone()), name(e.By), e.Reason)
				}
				return nil
			})
		},
	}
	configFlags(cmd.Flags())
	return cmd
}
