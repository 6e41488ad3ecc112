package main

import (
	"bytes"
	"cmp"
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

const (
	// followEvery is how often the deliveries are read while somebody waits and
	// there is no stream of them.
	followEvery = 250 * time.Millisecond
	// streamAgain is how long after the end of a stream the next one is tried,
	// as the gateway asks for (retry: 3000).
	streamAgain = 3 * time.Second
	// mostMisses is how many readings may fail one after the other.
	mostMisses = 20
)

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

// follow shows the deliveries until every channel has ended and gives whether
// all of them ended well. An alert without a channel and without a page reaches
// nobody: that is an error. It listens to the gateway's stream of progress, and
// asks where that breaks off or is not to be had.
func follow(ctx context.Context, c *client, s submitted, to display) (bool, error) {
	return (&follower{client: c, alert: s, to: to, again: streamAgain}).run(ctx)
}

// follower shows how the deliveries of one alert go.
type follower struct {
	client *client
	alert  submitted
	to     display
	again  time.Duration // until a stream is tried again

	last   []broadcast.Delivery
	ended  bool
	misses int // readings that failed, one after the other
}

func (f *follower) run(ctx context.Context) (bool, error) {
	for !f.ended {
		err := f.client.progress(ctx, f.alert.ID, func(p progress) bool {
			if p.State.Published() {
				f.see(p.Channels)
			}
			return !f.ended
		})
		wait := f.again
		if errors.Is(err, errNoStream) {
			wait *= 10
		}
		if err := f.ask(ctx, wait); err != nil {
			return false, err
		}
	}
	if len(f.last) == 0 && f.alert.URL == "" {
		return false, refused(errors.New("the alert reaches nobody: no channel carries it and it is not for the page"), "add a channel that may carry it, or send another with scope Public")
	}
	for _, d := range f.last {
		if _, well := over(d); !well {
			return false, nil
		}
	}
	return true, nil
}

// see shows how the deliveries stand.
func (f *follower) see(ds []broadcast.Delivery) {
	f.last, f.misses, f.ended = ds, 0, allOver(ds)
	if f.ended {
		f.to.end(ds)
	} else {
		f.to.show(ds)
	}
}

// ask reads the deliveries for a while, until all have ended. It gives an error
// where nobody should wait any longer.
func (f *follower) ask(ctx context.Context, wait time.Duration) error {
	over := time.NewTimer(wait)
	defer over.Stop()
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for !f.ended {
		ds, err := f.client.deliveries(ctx, f.alert.ID)
		switch {
		case ctx.Err() != nil:
			return &failure{exitPartly, errors.New("stopped waiting; the gateway goes on delivering"), "martinella watch shows how it goes"}
		case err == nil:
			f.see(ds)
		default:
			if f.misses++; f.misses > mostMisses {
				return asFailure(err)
			}
		}
		if f.ended {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-over.C:
			return nil
		case <-tick.C:
		}
	}
	return nil
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
		if why := cmp.Or(d.Error, d.Note); why != "" {
			line += ": " + why
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
		note := cmp.Or(d.Error, d.Note, d.URL)
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
