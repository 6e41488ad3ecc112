package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"martinella/alerts"
	"martinella/alerts/lint"
	"martinella/alerts/templates"
	"martinella/dashboards/settings"
)

func templatesCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "templates",
		Short: "Warnings written in advance: list, read, check, give and take",
		Long: `Warnings written in advance. The shipped ones are always there; an authority's
own ones are in the store, where all nodes and the console have them, and travel
as packs: one signed file.`,
		Example: "  martinella templates list\n  martinella templates show flood --place \"Borgo San Rocco\"",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(templatesListCommand(sh), templatesShowCommand(sh), templatesCheckCommand(sh), templatesExportCommand(sh), templatesImportCommand(sh))
	return cmd
}

func templatesListCommand(sh shell) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the templates that are in use", Example: "  martinella templates list\n  martinella templates list --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withTemplates(cmd, sh, func(ctx context.Context, c *Config, own settings.Templates) error {
				all, err := own.Merged(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					e := json.NewEncoder(sh.out)
					for _, t := range all {
						if err := e.Encode(t); err != nil {
							return err
						}
					}
					return nil
				}
				w := tabwriter.NewWriter(sh.out, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "id\tname\tseverity\tvalid\tlanguages\tneeds\tfrom")
				for _, t := range all {
					from := "own"
					if t.Shipped {
						from = "shipped"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, nameOf(&t, c.Authority.Language), t.Severity, time.Duration(t.ValidMinutes)*time.Minute, strings.Join(t.Languages(), ", "), strings.Join(t.Required, ", "), from)
				}
				return w.Flush()
			})
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// nameOf is what a template is called in the language, or in its first one.
func nameOf(t *templates.Template, tag string) string {
	if x, ok := t.Texts[alerts.PrimaryLanguage(tag)]; ok {
		return x.Name
	}
	if langs := t.Languages(); len(langs) > 0 {
		return t.Texts[langs[0]].Name
	}
	return t.ID
}

func templatesShowCommand(sh shell) *cobra.Command {
	var language string
	filled := map[string]*string{}
	cmd := &cobra.Command{
		Use: "show ID", Short: "Print the words of a template, filled in as far as is said",
		Example: "  martinella templates show flood\n  martinella templates show flood --language en --place \"Borgo San Rocco\" --phone \"0573 555 0100\"", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTemplates(cmd, sh, func(ctx context.Context, c *Config, own settings.Templates) error {
				all, err := own.Merged(ctx)
				if err != nil {
					return err
				}
				i := slices.IndexFunc(all, func(t templates.Template) bool { return t.ID == args[0] })
				if i < 0 {
					return refused(fmt.Errorf("there is no template %s", quoted(args[0])), "martinella templates list shows their ids")
				}
				f := templates.Filling{Language: language, Now: time.Now(), Zone: c.zone(), Source: c.Authority.Name, Values: map[string]string{}}
				if f.Language == "" {
					f.Language = c.Authority.Language
				}
				for name, value := range filled {
					if *value != "" {
						f.Values[name] = *value
					}
				}
				for _, name := range all[i].Required { // to be read before they are known
					if f.Values[name] == "" {
						f.Values[name] = "(" + name + ")"
					}
				}
				return showTemplate(sh.out, &all[i], f)
			})
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().StringVar(&language, "language", "", "`LANGUAGE` of the words (default: the authority's)")
	for name := range templates.Placeholders {
		if name != "until" {
			filled[name] = cmd.Flags().String(name, "", "`TEXT` for {"+name+"}")
		}
	}
	return cmd
}

func showTemplate(out io.Writer, t *templates.Template, f templates.Filling) error {
	warning, err := t.Fill(f)
	if err != nil {
		return usage(err, "see martinella templates show --help")
	}
	over, err := t.AllClear(f)
	if err != nil {
		return err
	}
	mistake, err := t.Cancel(f)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s, %s, %s, %s\n", t.ID, warning.Event, warning.Severity, warning.Urgency, warning.Certainty)
	for _, part := range []struct{ name, text string }{
		{"headline", warning.Headline}, {"hazard", warning.Description}, {"what to do", warning.Instruction}, {"text message", warning.Parameters[0].Value},
		{"all-clear", over.Headline + "\n" + over.Description}, {"cancel", mistake.Description},
	} {
		fmt.Fprintf(out, "\n%s\n  %s\n", part.name, strings.ReplaceAll(part.text, "\n", "\n  "))
	}
	return nil
}

// printHits prints findings, in English as all commands.
func printHits(out io.Writer, hits []lint.Hit) {
	for _, h := range hits {
		where := h.Field
		if h.Language != "" {
			where += " (" + h.Language + ")"
		}
		if h.RuneEnd > 0 {
			where += fmt.Sprintf(", characters %d to %d", h.RuneStart+1, h.RuneEnd)
		}
		fmt.Fprintf(out, "  lint %s, %s: %s: %s %s", h.Level, h.Code, where, h.Message.En, h.Remedy.En)
		if h.Suggestion != "" {
			fmt.Fprintf(out, " Instead: %s", quoted(h.Suggestion))
		}
		fmt.Fprintln(out)
	}
}

// readTemplates reads a pack, or one template alone.
func readTemplates(sh shell, name string) (templates.Pack, *templates.Signer, error) {
	b, err := readLimited(sh, name)
	if err != nil {
		return templates.Pack{}, nil, usage(err, "name a file, or - for standard input")
	}
	p, by, err := templates.Open(b)
	if err == nil || !errors.Is(err, templates.ErrNotPack) {
		return p, by, err
	}
	if one, errOne := templates.Read(b); errOne == nil {
		return templates.Pack{V: templates.Version, Templates: []templates.Template{one}}, nil, nil
	}
	return p, nil, err
}

func templatesCheckCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use: "check FILE", Short: "Judge the form and the words of a template or a pack; nothing is changed",
		Example: "  martinella templates check river.json\n  martinella templates check pack.json", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := loadConfig(sh, cmd.Flags())
			if err != nil {
				return err
			}
			p, by, err := readTemplates(sh, args[0])
			if err != nil {
				return refused(err, "martinella templates export writes a pack")
			}
			printSigner(sh.out, by)
			wrong := false
			for i := range p.Templates {
				t := &p.Templates[i]
				ps := t.Problems()
				wrong = wrong || len(ps) > 0
				word := "well-formed"
				if len(ps) > 0 {
					word = "not well-formed"
				}
				fmt.Fprintf(sh.out, "%s: %s\n", quoted(t.ID), word)
				for _, one := range ps {
					fmt.Fprintf(sh.out, "  error: %v\n", one)
				}
				if len(ps) == 0 {
					printHits(sh.out, t.Lint(c.words()))
				}
			}
			if wrong {
				return &failure{code: exitRefused, err: errSaid}
			}
			return nil
		},
	}
	configFlags(cmd.Flags())
	return cmd
}

func printSigner(out io.Writer, by *templates.Signer) {
	if by == nil {
		fmt.Fprintln(out, "signed by nobody")
		return
	}
	fmt.Fprintf(out, "signed in the name of %s with the key %s\n", quoted(by.Name), by.Fingerprint())
}

func templatesExportCommand(sh shell) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "export [ID...]", Short: "Write own templates, or those that are named, into a signed pack",
		Long: `Write templates into one signed file for others: all own ones, or those that are
named, also shipped ones. The key is made the first time and stays in the data
folder; who takes the pack compares its fingerprint with you by telephone.`,
		Example: "  martinella templates export --out pack.json\n  martinella templates export river flood --out pack.json",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usage(errors.New("--out is missing"), "name a file that does not exist yet")
			}
			return withTemplates(cmd, sh, func(ctx context.Context, c *Config, own settings.Templates) error {
				all, err := own.Merged(ctx)
				if err != nil {
					return err
				}
				p := templates.Pack{Name: c.Authority.Name, Made: time.Now().UTC().Truncate(time.Second)}
				for _, id := range args {
					if !slices.ContainsFunc(all, func(t templates.Template) bool { return t.ID == id }) {
						return refused(fmt.Errorf("there is no template %s", quoted(id)), "martinella templates list shows their ids")
					}
				}
				for _, t := range all {
					if slices.Contains(args, t.ID) || len(args) == 0 && !t.Shipped {
						p.Templates = append(p.Templates, t)
					}
				}
				if len(p.Templates) == 0 {
					return refused(errors.New("there are no own templates"), "name shipped ones to export them")
				}
				key, err := templateFolder(c.Data).key()
				if err != nil {
					return err
				}
				b, err := templates.Seal(p, c.Authority.Name, key)
				if err != nil {
					return err
				}
				if err := writeSecret(out, string(b)); err != nil {
					return err
				}
				_, by, err := templates.Open(b)
				if err != nil {
					return err
				}
				fmt.Fprintf(sh.out, "%d templates in %s\n", len(p.Templates), out)
				printSigner(sh.out, by)
				return nil
			})
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "", "`FILE` to write, which does not exist yet")
	return cmd
}

func templatesImportCommand(sh shell) *cobra.Command {
	var trust string
	var dry, unsigned bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Take the templates of a pack, after saying what is new, changed and refused",
		Long: `Take the templates of a pack: what is new, what changes and what is refused is
said first. A pack of a key that is not known yet is refused, until --trust names
its fingerprint, which the sender tells you by telephone.`,
		Example: "  martinella templates import pack.json --dry-run\n  martinella templates import pack.json --trust 1a2b-3c4d-5e6f-7a8b-9c0d-1e2f-3a4b-5c6d",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, by, err := readTemplates(sh, args[0])
			if err != nil {
				return refused(err, "ask the sender for the file once more")
			}
			return withTemplates(cmd, sh, func(ctx context.Context, _ *Config, own settings.Templates) error {
				have, err := own.Own(ctx)
				if err != nil {
					return err
				}
				known, _, err := own.Signers(ctx)
				if err != nil {
					return err
				}
				report, after := templates.Compare(settings.Plain(have), p)
				printSigner(sh.out, by)
				printPackReport(sh.out, report)
				if dry {
					return nil
				}
				who, now := alerts.By{ID: "command", Name: "martinella templates"}, time.Now()
				switch {
				case by == nil && !unsigned:
					return refused(errors.New("the pack is not signed"), "--unsigned takes it all the same, if it is your own")
				case by != nil && !settings.Knows(known, by) && !strings.EqualFold(trust, by.Fingerprint()):
					return refused(errors.New("the key of the pack is not known here"), "compare its fingerprint with the sender by telephone, then add --trust FINGERPRINT")
				case by != nil && !settings.Knows(known, by):
					if err := own.Trust(ctx, *by, who, now); err != nil {
						return err
					}
				}
				n, err := own.Take(ctx, have, report, after, who, now)
				if err != nil {
					return err
				}
				fmt.Fprintf(sh.out, "taken: %d\n", n)
				if len(report.Refused) > 0 {
					return &failure{code: exitRefused, err: errSaid}
				}
				return nil
			})
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().StringVar(&trust, "trust", "", "`FINGERPRINT` of the key to trust from now on")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would change")
	cmd.Flags().BoolVar(&unsigned, "unsigned", false, "take a pack or a template that nobody signed")
	return cmd
}

func printPackReport(out io.Writer, r templates.Report) {
	for _, one := range []struct {
		word string
		ids  []string
	}{{"new", r.New}, {"changed", r.Changed}, {"the same", r.Same}} {
		if len(one.ids) > 0 {
			fmt.Fprintf(out, "%s: %s\n", one.word, strings.Join(one.ids, ", "))
		}
	}
	for _, one := range r.Refused {
		fmt.Fprintf(out, "refused: %s\n", quoted(one.ID))
		for _, p := range one.Problems {
			fmt.Fprintf(out, "  %v\n", p)
		}
	}
}
