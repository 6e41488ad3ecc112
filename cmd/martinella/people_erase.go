package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"martinella/alerts"
	"martinella/broadcast"
)

// person names somebody by contact or number, as flags.
type person struct {
	contacts
	number uint32
}

func (p *person) flags(cmd *cobra.Command) {
	p.contacts.flags(cmd)
	cmd.Flags().Uint32Var(&p.number, "number", 0, "`NUMBER` of the person, as add prints it")
}

// named is the contact of each kind that the flags name; none where there is
// only a number.
func (p *person) named() (map[string]string, error) {
	if p.number != 0 && p.phone == "" && p.email == "" {
		return nil, nil
	}
	who, err := p.read()
	if err != nil && p.phone == "" && p.email == "" {
		return nil, usage(errors.New("nobody is named"), "give --phone, --email or --number")
	}
	return who, err
}

// find gives the numbers of those who are named, each once.
func (p *person) find(ctx context.Context, roll broadcast.Roll, who map[string]string) ([]uint32, error) {
	found := map[uint32]bool{}
	if p.number != 0 {
		found[p.number] = true
	}
	for kind, address := range who {
		number, err := roll.Lookup(ctx, kind, address)
		if errors.Is(err, alerts.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found[number] = true
	}
	var numbers []uint32
	for n := range found {
		numbers = append(numbers, n)
	}
	if len(numbers) == 0 {
		return nil, refused(errors.New("nobody has this contact"), "")
	}
	return numbers, nil
}

func peopleEraseCommand(sh shell) *cobra.Command {
	var p person
	cmd := &cobra.Command{
		Use:   "erase",
		Short: "Erase a subscriber for good",
		Long: `Erase a subscriber for good, also while an alert is being sent: who was not
reached yet is left out. A list that still has the person brings it back when it
is imported again.`,
		Example: "  martinella people erase --phone +393330000001\n  martinella people erase --number 1204",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := p.named()
			if err != nil {
				return err
			}
			return withStore(cmd, sh, func(ctx context.Context, _ *Config, s *store) error {
				numbers, err := p.find(ctx, s.People(), who)
				if err != nil {
					return err
				}
				n, err := eraseByCommand(ctx, s.People(), numbers, time.Now())
				if err != nil {
					return err
				}
				if n == 0 {
					return refused(errors.New("there is nobody with this number"), "")
				}
				fmt.Fprintln(sh.out, "erased; backups made before still hold the sealed entry")
				return nil
			})
		},
	}
	configFlags(cmd.Flags())
	p.flags(cmd)
	return cmd
}

// eraseByCommand erases people; of volunteers the ledger says so.
func eraseByCommand(ctx context.Context, roll broadcast.Roll, numbers []uint32, now time.Time) (erased int, err error) {
	for _, number := range numbers {
		var act *alerts.Act
		// Who does not open is erased too, as whoever they were.
		if m, err := roll.Member(ctx, number); err == nil && m.Audience == broadcast.AudienceVolunteers {
			act = &alerts.Act{V: 1, At: now.UTC(), By: alerts.By{ID: "command"}, Verb: broadcast.ActVolunteerErased, Via: "command"}
		}
		n, err := roll.EraseAll(ctx, []uint32{number}, act, nil)
		if erased += n; err != nil {
			return erased, err
		}
	}
	return erased, nil
}

func peopleStopCommand(sh shell) *cobra.Command {
	return wishCommand(sh, broadcast.WishStop, &cobra.Command{
		Use:   "stop",
		Short: "Stop writing to somebody at a contact, as if STOP had come from there",
		Long: `Stop writing to somebody at a contact, as if STOP had come from there. It holds
at once, also for an alert that is being sent, and outlives the next import.`,
		Example: "  martinella people stop --phone +393330000001",
	})
}

func peopleStartCommand(sh shell) *cobra.Command {
	return wishCommand(sh, broadcast.WishStart, &cobra.Command{
		Use:     "start",
		Short:   "Write again to somebody who said STOP",
		Example: "  martinella people start --phone +393330000001",
	})
}

// wishCommand does what a person asked for by telephone or at the desk.
func wishCommand(sh shell, wish broadcast.Wish, cmd *cobra.Command) *cobra.Command {
	var c contacts
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		who, err := c.read()
		if err != nil {
			return err
		}
		return withStore(cmd, sh, func(ctx context.Context, _ *Config, s *store) error {
			for kind, address := range who {
				done, err := broadcast.Fulfil(ctx, s.People(), wish, kind, address, "command", time.Now())
				if errors.Is(err, alerts.ErrNotFound) {
					return refused(fmt.Errorf("nobody has this %s", kind), "")
				}
				if err != nil {
					return err
				}
				word := "changed nothing"
				if done.Changed {
					word = map[broadcast.Wish]string{broadcast.WishStop: "gets nothing there any more", broadcast.WishStart: "is written to again"}[wish]
				}
				fmt.Fprintf(sh.out, "person %d, %s: %s\n", done.Number, kind, word)
			}
			return nil
		})
	}
	configFlags(cmd.Flags())
	c.flags(cmd)
	return cmd
}
