package main

import (
	"bytes"
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

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"martinella/broadcast"
)

// followEvery is how often the deliveries are read while somebody waits.
const followEvery = 250 * time.Millisecond

// over reports whether a channel has come to its end, and well whether that end
// is the wanted one.
func over(d broadcast.Delivery) (ended, well bool) {
	switch d.State {
	case "done":
		return true, d.Failed == 0 && d.Uncertain == 0
	case "partly_failed", "failed", "uncertain", "expired":
		return true, false
	}
	return false, false
}

// display shows deliveries as they change.
type display interface {
	show(ds []broadcast.Delivery)
	end(ds []broadcast.Delivery)
}

// follow reads the deliveries until every channel has ended and gives whether
// all of them ended well. An alert without a channel and without a page reaches
// nobody: that is an error.
func follow(ctx context.Context, c *client, s submitted, to display) (bool, error) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	misses := 0
	for {
		ds, err := c.deliveries(ctx, s.ID)
		switch {
		case ctx.Err() != nil:
			return false, &failure{exitPartly, errors.New("stopped waiting; the gateway goes on delivering"), "martinella watch shows how it goes"}
		case err != nil:
			if misses++; misses > 20 {
				return false, asFailure(err)
			}
		default:
			misses = 0
			ended, well := len(ds) > 0, true
			for _, d := range ds {
				e, w := over(d)
				ended, well = ended && e, well && w
			}
			if ended || len(ds) == 0 {
				to.end(ds)
				if len(ds) == 0 && s.URL == "" {
					return false, refused(errors.New("the alert reaches nobody: no channel carries it and it is not for the page"), "add a channel that may carry it, or send another with scope Public")
				}
				return well, nil
			}
			to.show(ds)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// newDisplay chooses by what stands at the other end: a program, a terminal or
// a file.
func newDisplay(out io.Writer, asJSON bool) display {
	switch {
	case asJSON:
		return &jsonLines{out: out}
	case isTerminal(out):
		return &bars{out: out}
	}
	return &plainLines{out: out, last: map[string]string{}}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// plainLines prints one line for each change of a channel.
type plainLines struct {
	out  io.Writer
	last map[string]string
}

func (p *plainLines) show(ds []broadcast.Delivery) {
	for _, d := range ds {
		line := fmt.Sprintf("%s: %s, %d of %d accepted", d.Channel, d.State, d.Accepted, d.Total)
		if d.Delivered > 0 {
			line += fmt.Sprintf(", %d delivered", d.Delivered)
		}
		if d.Failed+d.Uncertain > 0 {
			line += fmt.Sprintf(", %d failed, %d uncertain", d.Failed, d.Uncertain)
		}
		if d.Error != "" {
			line += ": " + d.Error
		}
		if p.last[d.Channel] != line {
			p.last[d.Channel] = line
			fmt.Fprintln(p.out, line)
		}
	}
}

func (p *plainLines) end(ds []broadcast.Delivery) {
	p.show(ds)
	deliveryTable(p.out, ds)
}

// jsonLines prints one object for each change, the last one with "end".
type jsonLines struct {
	out  io.Writer
	last []byte
}

func (j *jsonLines) show(ds []broadcast.Delivery) { j.print(ds, false) }
func (j *jsonLines) end(ds []broadcast.Delivery)  { j.print(ds, true) }

func (j *jsonLines) print(ds []broadcast.Delivery, end bool) {
	b, err := json.Marshal(struct {
		Type     string               `json:"type"`
		End      bool                 `json:"end"`
		Channels []broadcast.Delivery `json:"channels"`
	}{"deliveries", end, slices.Grow(ds, 0)})
	if err != nil || bytes.Equal(b, j.last) {
		return
	}
	j.last = b
	fmt.Fprintf(j.out, "%s\n", b)
}

// bars draws one progress bar for each channel, over the ones before.
type bars struct {
	out   io.Writer
	drawn int
}

func (b *bars) show(ds []broadcast.Delivery) {
	width := 0
	for _, d := range ds {
		width = max(width, len(d.Channel))
	}
	if b.drawn > 0 {
		fmt.Fprintf(b.out, "\x1b[%dA", b.drawn) // up to the first bar
	}
	for _, d := range ds {
		settled := d.Accepted + d.Failed + d.Uncertain + d.Expired + d.Suppressed
		bar := progressbar.NewOptions(max(d.Total, 1),
			progressbar.OptionSetWriter(io.Discard),
			progressbar.OptionSetDescription(fmt.Sprintf("%-*s %-13s", width, d.Channel, d.State)),
			progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(),
			progressbar.OptionSetElapsedTime(false),
			progressbar.OptionSetPredictTime(false))
		_ = bar.Set(min(settled, max(d.Total, 1))) // into io.Discard
		fmt.Fprintf(b.out, "\r\x1b[2K%s\n", strings.Trim(bar.String(), "\r\n"))
	}
	b.drawn = len(ds)
}

func (b *bars) end(ds []broadcast.Delivery) {
	b.show(ds)
	deliveryTable(b.out, ds)
}

// deliveryTable prints where every channel stands.
func deliveryTable(out io.Writer, ds []broadcast.Delivery) {
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "\nchannel\tstate\ttotal\taccepted\tdelivered\tfailed\tuncertain\tfirst ms\tnote")
	for _, d := range ds {
		note := d.Error
		if note == "" {
			note = d.URL
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", d.Channel, d.State, d.Total, d.Accepted, d.Delivered, d.Failed, d.Uncertain, milliseconds(d.FirstMS), note)
	}
	t.Flush()
}

func milliseconds(ms *int64) string {
	if ms == nil {
		return "-"
	}
	return fmt.Sprint(*ms)
}
