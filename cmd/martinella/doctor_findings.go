package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"martinella/broadcast"
)

// The codes of the checks. They stay the same from version to version; one that
// ends in a colon is followed by the name that the configuration gives.
const (
	checkDurability = "durability"
	checkClock      = "clock"
	checkKey        = "key"
	checkFolder     = "folder"
	checkKeyMode    = "key-mode"
	checkOwner      = "owner"
	checkTLS        = "tls"
	checkSender     = "sender:"
	checkChannel    = "channel:"
	checkMirror     = "mirror:"
	checkBackup     = "backup:"
)

// checkCodes are all of them, in the order in which the checks are made.
var checkCodes = []string{checkDurability, checkClock, checkKey, checkFolder, checkKeyMode, checkOwner, checkTLS, checkSender, checkChannel, checkMirror, checkBackup}

// finding is what one check found.
type finding struct {
	code, name string
	err        error  // nil: it is right
	remedy     string // besides what err says
}

// doctor prints one line for each check and keeps what was found.
type doctor struct {
	out      io.Writer
	declared broadcast.Declaration // whose exceptions hold
	now      time.Time
	found    []finding
}

// examine makes every check of an open store.
func (d *doctor) examine(ctx context.Context, c *Config, s *store, now time.Time) {
	d.store(ctx, c, s)
	d.say(checkKey, "key file", nil, "the one that the store was sealed with")
	d.folder(c)
	d.certificates(c, now)
	d.channels(ctx, c)
	d.mirrors(ctx, c)
	d.backups(ctx, c, s, now)
}

func (d *doctor) say(code, name string, err error, good string) {
	d.found = append(d.found, finding{code: code, name: name, err: err})
	if e, excepted := d.declared.Excepted(code, d.now); err != nil && excepted {
		fmt.Fprintf(d.out, "known %-24s %v [%s]\n      %-24s excepted until %s: %s\n", name, err, code, "", e.Until.Format("2006-01-02 15:04 MST"), e.Reason)
		return
	}
	if err != nil {
		fmt.Fprintf(d.out, "BAD   %-24s %v [%s]\n", name, err, code)
		return
	}
	fmt.Fprintf(d.out, "good  %-24s %s [%s]\n", name, good, code)
}

// mend says what to do about the last finding.
func (d *doctor) mend(remedy string) {
	d.found[len(d.found)-1].remedy = remedy
	fmt.Fprintf(d.out, "      %-24s %s\n", "", remedy)
}

func (d *doctor) note(name, text string) {
	fmt.Fprintf(d.out, "note  %-24s %s\n", name, text)
}

// bad are the findings that are neither right nor excepted.
func (d *doctor) bad() []finding {
	var bad []finding
	for _, f := range d.found {
		if _, excepted := d.declared.Excepted(f.code, d.now); f.err != nil && !excepted {
			bad = append(bad, f)
		}
	}
	return bad
}

// declaration lists the exceptions, and says where nothing was declared.
func (d *doctor) declaration(c *Config) {
	if c.Mode != modeLive {
		return
	}
	if !d.declared.Declared() {
		d.note("live", "not declared: when all is right, martinella live declare --by LOGIN")
		return
	}
	d.note("live", "declared on "+d.declared.At.In(c.zone()).Format("2006-01-02 15:04"))
	for _, e := range d.declared.Exceptions {
		if d.now.Before(e.Until) {
			d.note("exception", fmt.Sprintf("%s until %s: %s", e.Code, lastDay(e, c.zone()), e.Reason))
			continue
		}
		d.note("exception", fmt.Sprintf("%s EXPIRED on %s: %s; mend the check, or declare again with a new exception", e.Code, lastDay(e, c.zone()), e.Reason))
	}
}

// verdict ends the examination.
func (d *doctor) verdict() error {
	if bad := d.bad(); len(bad) > 0 {
		return refused(fmt.Errorf("%d of %d checks failed", len(bad), len(d.found)), "mend what is marked BAD, then run it again")
	}
	known := 0
	for _, f := range d.found {
		if f.err != nil {
			known++
		}
	}
	if known > 0 {
		fmt.Fprintf(d.out, "%d checks passed, %d failed and are excepted\n", len(d.found)-known, known)
		return nil
	}
	fmt.Fprintf(d.out, "all %d checks passed\n", len(d.found))
	return nil
}
