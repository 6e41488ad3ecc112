package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/alerts/lint"
)

func checkCommand(sh shell) *cobra.Command {
	var asJSON, words bool
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Validate CAP files and feeds",
		Long: `Validate CAP files (XML or JSON) and the alerts inside feeds (Atom, RSS,
EDXL-DE). Every problem is listed with its field and what to do. Valid judges
the form; sendable, whether the alert could leave now. - is standard input. A
file that cannot be read does not keep the others from being judged; the exit
code is then 2. With --lint the words are read too; what is found there never
changes the exit code. The configuration says which links and telephone numbers
are approved.`,
		Example: "  martinella check storm.xml\n  martinella check --json *.xml\n  martinella check --lint storm.xml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			valid := true
			var approved *Config
			if words {
				c, err := loadConfig(sh, cmd.Flags())
				if err != nil {
					return err
				}
				approved = c
			}
			var unread []error
			for _, name := range args {
				b, err := readLimited(sh, name)
				if err != nil {
					unread = append(unread, err)
					continue
				}
				v := checkMessage(b, time.Now())
				valid = valid && v.Valid
				if approved != nil {
					v.readWords(approved.words(), time.Now())
				}
				if err := printVerdict(sh.out, name, v, asJSON); err != nil {
					return err
				}
			}
			if len(unread) > 0 {
				return usage(errors.Join(unread...), "name a CAP file, or - for standard input")
			}
			if !valid {
				return &failure{code: exitRefused, err: errSaid}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each file")
	cmd.Flags().BoolVar(&words, "lint", false, "read the words too")
	cmd.Flags().String("config", "", "configuration `FILE` for --lint (default martinella.yaml if there is one)")
	return cmd
}

// readLimited reads no more than a container may have, and one byte, so that
// more is seen as too large.
func readLimited(sh shell, name string) ([]byte, error) {
	in := sh.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, errors.New(plainPathError(err))
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, int64(cap.Container.Bytes)+1))
	if err != nil {
		return nil, errors.New(plainPathError(err))
	}
	return b, nil
}

// verdict is what check says of a file; alerts counts those inside a feed.
type verdict struct {
	cap.Verdict
	feed   cap.Kind
	alerts int
	read   []readAlert
	lint   []lint.Hit // nil: the words were not read
}

// readAlert is an alert that could be read, and where it stands in the file.
type readAlert struct {
	at    string
	alert *alerts.Alert
}

// readWords reads the words of every alert in the file.
func (v *verdict) readWords(known lint.Context, now time.Time) {
	v.lint = []lint.Hit{}
	for _, one := range v.read {
		for _, h := range lint.Check(one.alert, known, now) {
			if one.at != "" {
				h.Field = one.at + "." + h.Field
			}
			v.lint = append(v.lint, h)
		}
	}
}

// checkMessage judges an alert, or every alert inside a feed.
func checkMessage(b []byte, now time.Time) verdict {
	if !cap.IsJSON("", b) {
		if f, err := cap.ReadContainer(b, cap.Container); err == nil && f.Kind != cap.KindAlert {
			return checkFeed(f, now)
		}
	}
	v := verdict{Verdict: cap.Check(b, "", cap.Submit, now)}
	if v.Document != nil && v.Document.Alert != nil {
		v.read = []readAlert{{alert: v.Document.Alert}}
	}
	return v
}

// checkFeed judges the feed by its alerts. A feed that only links to alerts is
// valid, and nothing of it can be sent.
func checkFeed(f *cap.Feed, now time.Time) verdict {
	v := verdict{feed: f.Kind}
	v.Valid, v.Sendable = true, true
	v.Obstacles, v.Problems = alerts.Problems{}, slices.Clone(f.Problems)
	if v.Problems == nil {
		v.Problems = alerts.Problems{}
	}
	under := func(at string, ps alerts.Problems) alerts.Problems {
		out := slices.Clone(ps)
		for i := range out {
			out[i].Field = at + "." + out[i].Field
		}
		return out
	}
	for i, item := range f.Items {
		for j, e := range item.Alerts {
			v.alerts++
			at := fmt.Sprintf("item[%d].alert[%d]", i, j)
			one := cap.Check(e.Raw, "application/cap+xml", cap.Submit, now)
			v.Version = one.Version
			if one.Document != nil && one.Document.Alert != nil {
				v.read = append(v.read, readAlert{at, one.Document.Alert})
			}
			v.Valid, v.Sendable = v.Valid && one.Valid, v.Sendable && one.Sendable
			v.Problems = append(v.Problems, under(at, one.Problems)...)
			v.Obstacles = append(v.Obstacles, under(at, one.Obstacles)...)
		}
	}
	if v.alerts == 0 {
		v.Sendable = false
		v.Obstacles = append(v.Obstacles, alerts.Problem{Field: "feed", Problem: "holds no whole alert", Hint: "follow its links to the alerts", Level: alerts.LevelError})
	}
	return v
}

func printVerdict(out io.Writer, name string, v verdict, asJSON bool) error {
	if asJSON {
		b, err := json.Marshal(struct {
			File string `json:"file"`
			cap.Verdict
			Lint []lint.Hit `json:"lint,omitzero"` // with --lint
		}{name, v.Verdict, v.lint})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s\n", b)
		return err
	}
	word := "not valid"
	switch {
	case v.Valid && len(v.Problems) > 0:
		word = "valid, with warnings"
	case v.Valid:
		word = "valid"
	}
	what := "CAP " + v.Version
	if v.feed != "" {
		what = fmt.Sprintf("%s feed of %d alerts", v.feed, v.alerts)
	} else if v.Version == "" {
		what = "not readable"
	}
	if v.Valid && !v.Sendable {
		word += "; cannot be sent now"
	}
	fmt.Fprintf(out, "%s: %s (%s)\n", name, word, what)
	for _, p := range v.Problems {
		level := "error"
		if p.Level == alerts.LevelWarning {
			level = "warning"
		}
		fmt.Fprintf(out, "  %s: %v\n", level, p)
	}
	for _, p := range v.Obstacles {
		fmt.Fprintf(out, "  obstacle: %v\n", p)
	}
	printHits(out, v.lint)
	return nil
}
