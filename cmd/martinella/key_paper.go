package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"martinella/broadcast/backup/paper"
	"martinella/broadcast/rdb"
)

func keyCommand(sh shell) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Put the key file on paper, and read it back",
		Long: `The key file opens the backups and everything personal in the store. Without it
nothing can be restored, and it is in no backup: print it, and keep the paper in
a safe in another building.`,
		Example: "  martinella key print --html --out key.html\n  martinella key type --out data/key",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(keyPrintCommand(sh), keyTypeCommand(sh))
	return cmd
}

func keyPrintCommand(sh shell) *cobra.Command {
	var out string
	var page bool
	cmd := &cobra.Command{
		Use:     "print",
		Short:   "Print the key file for the safe",
		Long:    "Print the key file as lines with check letters, as text or as a page to print with\na QR code. It goes to the terminal or into a new file (mode 0600), nowhere else:\ndelete the file once it is printed.",
		Example: "  martinella key print --config martinella.yaml\n  martinella key print --html --out key.html",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(sh, cmd.Flags())
			if err != nil {
				return err
			}
			if err := adopt(c); err != nil {
				return err
			}
			key, err := rdb.ReadKeyFile(filepath.Join(c.Data, "key"))
			if err != nil {
				return refused(fmt.Errorf("key file: %w", err), "is --data the folder of the gateway? The first start makes the key")
			}
			write := paperText
			if page {
				write = paperPage
			}
			var b bytes.Buffer
			if err := write(&b, c, key, time.Now()); err != nil {
				return err
			}
			if out == "" {
				_, err := sh.out.Write(b.Bytes())
				return err
			}
			if err := writeSecret(out, b.String()); err != nil {
				return err
			}
			fmt.Fprintf(sh.err, "%s holds the key: print it, then delete the file\n", out)
			return nil
		},
	}
	configFlags(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "", "write to a new `FILE` (mode 0600) instead of the terminal")
	cmd.Flags().BoolVar(&page, "html", false, "a page to print, with a QR code")
	return cmd
}

func paperText(w io.Writer, c *Config, key []byte, now time.Time) error {
	lines, err := paper.Lines(key)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "# Martinella: key of %s (%s), printed on %s\n# It opens the backups. Keep it in a safe, in another building.\n# To restore: martinella restore FILE --data DIR, then type these lines.\n\n", c.Authority.Name, c.Authority.Slug, now.Format(time.DateOnly))
	for i, line := range lines {
		fmt.Fprintf(w, "%d  %s\n", i+1, line)
	}
	_, err = fmt.Fprintln(w)
	return err
}

//go:embed key_page.html
var keyPageText string

var keyPage = template.Must(template.New("key").Parse(keyPageText))

// paperPage writes the paper as a page. The QR code holds the same lines.
func paperPage(w io.Writer, c *Config, key []byte, now time.Time) error {
	lines, err := paper.Lines(key)
	if err != nil {
		return err
	}
	code, err := qr.Encode(strings.Join(lines, " "), qr.M, qr.Auto)
	if err != nil {
		return fmt.Errorf("QR code: %w", err)
	}
	if code, err = barcode.Scale(code, 8*code.Bounds().Dx(), 8*code.Bounds().Dy()); err != nil {
		return fmt.Errorf("QR code: %w", err)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, code); err != nil {
		return fmt.Errorf("QR code: %w", err)
	}
	return keyPage.Execute(w, struct {
		Name, Slug, Day string
		Lines           []string
		Code            template.URL
	}{c.Authority.Name, c.Authority.Slug, now.Format(time.DateOnly), lines,
		template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(picture.Bytes()))}) //nolint:gosec // G203: our own picture
}

func keyTypeCommand(sh shell) *cobra.Command {
	var out, same string
	cmd := &cobra.Command{
		Use:   "type",
		Short: "Read the key from its paper, and name the line with a wrong letter",
		Long: `Read the key from its paper, typed or from standard input: small letters and other
gaps are taken as well. With --out it becomes a key file again; with --same it is
compared with the one that is in use, to prove the paper.`,
		Example: "  martinella key type --same data/key\n  martinella key type --out data/key < typed.txt",
		Args:    cobra.NoArgs,
		RunE: func(_ *cobra.Command, _ []string) error {
			key, err := typeKey(sh)
			if err != nil {
				return err
			}
			if same != "" {
				have, err := rdb.ReadKeyFile(same)
				if err != nil {
					return refused(fmt.Errorf("key file: %w", err), "")
				}
				if !bytes.Equal(have, key) {
					return refused(errors.New("the paper is right by itself, but it is of another key"), "print the key again, and destroy this paper once no backup needs it")
				}
			}
			if out != "" {
				if err := writeSecret(out, hex.EncodeToString(key)+"\n"); err != nil {
					return err
				}
			}
			fmt.Fprintln(sh.out, "good: every letter is right")
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the key file to a new `FILE` (mode 0600)")
	cmd.Flags().StringVar(&same, "same", "", "compare with this key `FILE`")
	return cmd
}

// typeKey reads the paper. On a terminal it asks line by line, and again for one
// that is wrong; else all of it is read, and every wrong line is named.
func typeKey(sh shell) ([]byte, error) {
	const hint = "compare these lines with the paper, letter by letter, and type them again"
	if f, ok := sh.in.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		text, err := io.ReadAll(io.LimitReader(sh.in, 64<<10))
		if err != nil {
			return nil, err
		}
		key, err := paper.Read(string(text))
		if err != nil {
			return nil, refused(err, hint)
		}
		return key, nil
	}
	in := bufio.NewReader(sh.in)
	var lines [][]byte
	for len(lines) < paper.Count {
		fmt.Fprintf(sh.err, "line %d of %d of the key's paper: ", len(lines)+1, paper.Count)
		text, err := in.ReadString('\n')
		if err != nil {
			return nil, refused(errors.New("the key was not typed to its end"), hint)
		}
		values, err := paper.ReadLine(text, len(lines)+1)
		if err != nil {
			fmt.Fprintf(sh.err, "%v\n", err)
			continue
		}
		lines = append(lines, values)
	}
	key, err := paper.Join(lines)
	if err != nil {
		return nil, refused(err, hint)
	}
	return key, nil
}
