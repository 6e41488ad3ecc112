package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"martinella/broadcast"
)

// examine makes the checks of doctor as far as the running gateway can tell
// them without asking a platform once more than it does anyway.
func (g *gateway) examine(ctx context.Context) (broadcast.Examination, error) {
	now := time.Now()
	declared, err := g.store.Declaration(ctx)
	if err != nil {
		return broadcast.Examination{}, err
	}
	d := &doctor{out: io.Discard, declared: declared, now: now}
	d.store(ctx, g.config, g.store)
	d.folder(g.config)
	d.certificates(g.config, now)
	for _, one := range g.dispatchers {
		w := one.Wellbeing()
		switch {
		case w.Checked.Fault != "":
			d.say(checkChannel+w.Channel, w.Channel, errors.New(w.Checked.Fault), "")
		case w.Trouble != nil:
			d.say(checkChannel+w.Channel, w.Channel, errors.New(w.Trouble.Reason), "")
		}
	}
	for _, m := range g.mirror.States() {
		if m.Err != nil {
			d.say(checkMirror+m.Name, m.Name, m.Err, "")
		} else if m.Old(now) {
			d.say(checkMirror+m.Name, m.Name, errors.New("the copy is old"), "")
		}
	}
	for _, b := range g.backup.States() {
		if b.Error != "" {
			d.say(checkBackup+b.Place, b.Place, fmt.Errorf("the last attempt failed: %s", b.Error), "")
		} else if b.Old(now, b.Every) {
			d.say(checkBackup+b.Place, b.Place, errors.New("the last good one is old, or there is none"), "")
		}
	}
	out := broadcast.Examination{At: now, Declaration: declared}
	for _, f := range d.found {
		if f.err == nil {
			continue
		}
		e, excepted := declared.Excepted(f.code, now)
		out.Failed = append(out.Failed, broadcast.FailedCheck{Code: f.code, Problem: f.err.Error(), Until: e.Until, Excepted: excepted})
	}
	return out, nil
}

// examined tells the console how the checks fare; nil where the gateway only
// practises.
func (g *gateway) examined() func() broadcast.Examination {
	if g.config.Mode != modeLive {
		return nil
	}
	return g.examiner.Last
}

// examination runs where the gateway is meant to be live.
func (g *gateway) examination(ctx context.Context) error {
	if g.config.Mode != modeLive {
		<-ctx.Done()
		return nil
	}
	return g.examiner.Run(ctx)
}
