package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/broadcast/roster"
)

// listRequest is an import as it is asked for.
type listRequest struct {
	file, report string
	dry, asJSON  bool
	defaults     roster.Defaults
}

func peopleImportCommand(sh shell) *cobra.Command {
	var r listRequest
	cmd := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Add or change the subscribers of a list",
		Long: `Add or change the subscribers of a list: CSV with a heading, parted by commas,
semicolons or tabs, in UTF-8, windows-1252 or UTF-16; - is standard input. The
headings may be Italian or English: telefono, cellulare, email, codice istat,
area, lingua, gravità minima, categoria, scopo, scadenza, canali, temi. Of
volunteers also: nome, cognome, organizzazione, gruppi, competenze
("motosega:2027-05-31; autista C"), lingue parlate, disponibilità
("lun-ven 18:00-23:00; sab 08:00-20:00"), eccezioni ("assente
2026-08-01/2026-08-15"), punto di casa. Other columns are not stored, and names
of volunteers only.

An empty field leaves what a volunteer chose on the own page: availability,
quiet hours, order of contacts, language. sempre, no and tutti take it back.

Every refused row is told with line, field, reason and remedy; the others are
stored. Importing again changes nothing twice: after an interruption run the
same command again. People who are no longer in the list stay: erase them with
people erase. Who said STOP stays stopped.

Exit codes: 0 all rows are in, 1 some were refused, 3 stopped before the end.`,
		Example: `  martinella people import cittadini.csv --dry-run
  martinella people import cittadini.csv --areas 048017 --report refused.csv
  iconv -f latin1 volontari.csv | martinella people import - --audience volunteers --areas '*'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.file = args[0]
			return r.run(cmd, sh)
		},
	}
	configFlags(cmd.Flags())
	f := cmd.Flags()
	f.BoolVar(&r.dry, "dry-run", false, "say what would happen and store nothing")
	f.StringVar(&r.report, "report", "", "write refused rows to a new `FILE` (CSV, mode 0600) instead of the terminal")
	f.BoolVar(&r.asJSON, "json", false, "print one JSON object a line")
	f.StringSliceVar(&r.defaults.Areas, "areas", nil, "geocode `VALUES` for rows without; * is the whole territory")
	f.StringVar(&r.defaults.Language, "language", "it", "`TAG` for rows without a language")
	f.StringVar(&r.defaults.Audience, "audience", "", "for rows without: "+strings.Join(audiences, ", ")+" (default: citizens, and volunteers for rows with skills)")
	f.StringVar(&r.defaults.Purpose, "purpose", "emergency", "for rows without: "+strings.Join(purposes, " or "))
	f.StringSliceVar(&r.defaults.Channels, "channels", nil, "for rows without: kinds of contact in order of preference, like `phone,email`")
	return cmd
}

// counted counts what is read of a list, for the bar.
type counted struct {
	io.Reader
	read int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.read += int64(n)
	return n, err
}

func (r *listRequest) run(cmd *cobra.Command, sh shell) error {
	in, size := &counted{Reader: sh.in}, int64(0)
	if r.file != "-" {
		f, err := os.Open(r.file)
		if err != nil {
			return usage(errors.New(plainPathError(err)), "name a CSV file, or - for standard input")
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			size = info.Size()
		}
		in.Reader = f
	}
	list, err := roster.NewReader(in, r.defaults)
	if err != nil {
		return refused(fmt.Errorf("%s: %w", r.file, err), "the first line names the columns, like telefono;email;codice istat")
	}
	return withStore(cmd, sh, func(ctx context.Context, _ *Config, s *store) (err error) {
		say, err := r.teller(sh, in, size)
		if err != nil {
			return err
		}
		say.ignored(list.Ignored())
		im := &roster.Import{Roll: s.People(), Dry: r.dry, Refuse: say.refuse, Done: say.progress}
		total, err := im.Run(ctx, list)
		say.left(list.Left())
		if closed := say.end(total); closed != nil && err == nil {
			err = closed
		}
		switch {
		case ctx.Err() != nil:
			return &failure{exitPartly, fmt.Errorf("stopped after line %d", total.Line), "run the same command again: what is stored stays and is not stored twice"}
		case err != nil:
			return unreachable(fmt.Errorf("stopped after line %d: %w", total.Line, err), "run the same command again when the store answers: what is stored is not stored twice")
		case total.Refused > 0:
			return refused(fmt.Errorf("%d of %d rows were refused", total.Refused, total.Rows), r.remedy())
		}
		return nil
	})
}

func (r *listRequest) remedy() string {
	if r.report != "" {
		return r.report + " says why; mend the rows and import the list again"
	}
	return "mend the rows and import the list again"
}

// teller tells how an import goes: bars for people, lines for files, JSON for
// programs.
type teller struct {
	*listRequest
	sh     shell
	in     *counted
	size   int64
	bar    bool
	drawn  time.Time
	told   int // rows when progress was last told
	file   *os.File
	report *csv.Writer
}

func (r *listRequest) teller(sh shell, in *counted, size int64) (*teller, error) {
	t := &teller{listRequest: r, sh: sh, in: in, size: size, bar: !r.asJSON && isTerminal(sh.out)}
	if r.report == "" {
		return t, nil
	}
	f, err := os.OpenFile(r.report, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, refused(fmt.Errorf("write %s", plainPathError(err)), "name a file that does not exist yet")
	}
	t.file, t.report = f, csv.NewWriter(f)
	return t, t.report.Write([]string{"line", "field", "reason", "remedy"})
}

func (t *teller) print(v any) {
	b, err := json.Marshal(v)
	if err == nil {
		fmt.Fprintf(t.sh.out, "%s\n", b)
	}
}

func (t *teller) ignored(names []string) {
	if len(names) == 0 {
		return
	}
	if t.asJSON {
		t.print(struct {
			Type    string   `json:"type"`
			Columns []string `json:"columns"`
		}{"not_stored", names})
		return
	}
	quotes := make([]string, len(names))
	for i, n := range names {
		quotes[i] = quoted(n)
	}
	fmt.Fprintf(t.sh.err, "columns that are not stored: %s\n", strings.Join(quotes, ", "))
}

// left tells of which columns some values were not stored.
func (t *teller) left(columns []roster.Left) {
	for _, c := range columns {
		switch {
		case t.asJSON:
			t.print(struct {
				Type string `json:"type"`
				roster.Left
			}{"not_stored_of", c})
		case c.Heading == "":
			fmt.Fprintf(t.sh.err, "column %d has no heading and is not stored: %d rows\n", c.Column, c.Rows)
		default:
			fmt.Fprintf(t.sh.err, "%s is not stored of people who are no volunteers: %d rows\n", quoted(c.Heading), c.Rows)
		}
	}
}

func (t *teller) refuse(why roster.Refusal) {
	switch {
	case t.report != nil:
		_ = t.report.Write([]string{strconv.Itoa(why.Line), why.Field, why.Reason, why.Remedy}) // Flush tells
	case t.asJSON:
		t.print(struct {
			Type string `json:"type"`
			roster.Refusal
		}{"refused", why})
	default:
		if t.bar && !t.drawn.IsZero() {
			fmt.Fprint(t.sh.out, "\r\x1b[2K")
		}
		fmt.Fprintln(t.sh.err, why)
	}
}

// drawEvery is how often a bar moves, tellEvery after how many rows a line is
// written where nobody watches.
const (
	drawEvery = 100 * time.Millisecond
	tellEvery = 10_000
)

func (t *teller) progress(so roster.Totals) {
	switch {
	case t.bar && time.Since(t.drawn) >= drawEvery:
		t.drawn = time.Now()
		t.draw(so)
	case !t.bar && so.Rows-t.told >= tellEvery:
		t.told = so.Rows
		if t.asJSON {
			t.totals(so, false)
			return
		}
		fmt.Fprintln(t.sh.out, t.line(so))
	}
}

func (t *teller) draw(so roster.Totals) {
	bar := progressbar.NewOptions64(max(t.size, 1), progressbar.OptionSetWriter(io.Discard), progressbar.OptionSetDescription(fmt.Sprintf("%d rows", so.Rows)),
		progressbar.OptionSetWidth(30), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
	_ = bar.Set64(min(t.in.read, max(t.size, 1))) // into io.Discard
	text := bar.String()
	if t.size == 0 {
		text = t.line(so)
	}
	fmt.Fprintf(t.sh.out, "\r\x1b[2K%s", strings.Trim(text, "\r\n"))
}

func (t *teller) line(so roster.Totals) string {
	would := ""
	if t.dry {
		would = "dry run, nothing is stored: "
	}
	return fmt.Sprintf("%s%d rows: %d added, %d changed, %d unchanged, %d refused", would, so.Rows, so.Added, so.Changed, so.Unchanged, so.Refused)
}

func (t *teller) totals(so roster.Totals, end bool) {
	t.print(struct {
		Type string `json:"type"`
		Dry  bool   `json:"dry_run,omitempty"`
		End  bool   `json:"end"`
		roster.Totals
	}{"import", t.dry, end, so})
}

// end prints the totals and closes the report.
func (t *teller) end(so roster.Totals) error {
	if t.bar && !t.drawn.IsZero() {
		fmt.Fprint(t.sh.out, "\r\x1b[2K")
	}
	if t.asJSON {
		t.totals(so, true)
	} else {
		fmt.Fprintln(t.sh.out, t.line(so))
	}
	if t.report == nil {
		return nil
	}
	t.report.Flush()
	if err := errors.Join(t.report.Error(), t.file.Sync(), t.file.Close()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func peopleExportCommand(sh shell) *cobra.Command {
	var out string
	var yes bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all subscribers in clear, as a list that import reads",
		Long: `Write all subscribers in clear, as a list that import reads back to the same
people. The file holds everybody's contacts: keep it like the key file, and
delete it when it is no longer needed.`,
		Example: "  martinella people export --out people.csv --yes",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes {
				return usage(errors.New("this writes everybody's contacts in clear"), "say --yes if that is wanted")
			}
			return withStore(cmd, sh, func(ctx context.Context, _ *Config, s *store) error { return export(ctx, sh, s.People(), out) })
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "", "new `FILE` (mode 0600; default: standard output)")
	cmd.Flags().BoolVar(&yes, "yes", false, "yes, write personal data in clear")
	return cmd
}

func export(ctx context.Context, sh shell, roll *rdb.People, name string) error {
	people, err := roll.Count(ctx)
	if err == nil {
		err = broadcast.NoteList(ctx, roll, alerts.By{ID: "command"}, broadcast.ActListTaken, "command", "", broadcast.TakenList{List: broadcast.ListSubscribers, Rows: people}, time.Now())
	}
	if err != nil {
		return err
	}
	if name == "" {
		if isTerminal(sh.out) {
			fmt.Fprintln(sh.err, "warning: personal data follows on this screen")
		}
		_, err := roster.Write(ctx, sh.out, roll, nil)
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return refused(fmt.Errorf("write %s", plainPathError(err)), "name a file that does not exist yet")
	}
	n, err := roster.Write(ctx, f, roll, nil)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name)) // half a list would pass for a whole one
	}
	fmt.Fprintf(sh.out, "%d people written to %s\n", n, name)
	return nil
}
