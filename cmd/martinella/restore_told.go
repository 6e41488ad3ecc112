package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/ledger"
	"martinella/broadcast/backup"
)

// proveLedger verifies the whole ledger of a store, as `ledger verify` does an
// export, and that it leads on from an earlier signed head ("": none).
func proveLedger(ctx context.Context, s *store, earlier string) (entries int64, err error) {
	l, err := s.Ledger()
	if err != nil {
		return 0, err
	}
	head, err := l.Head(ctx)
	if err != nil {
		return 0, err
	}
	in, out := io.Pipe()
	go func() { out.CloseWithError(ledger.Write(out, l.Key(), head, l.Entries(ctx, head.Size))) }()
	key := l.Key()
	against := ledger.Against{Key: &key}
	if earlier != "" {
		against.Earlier = strings.NewReader(earlier)
	}
	report, err := ledger.Verify(in, against)
	_ = in.Close()
	if err != nil {
		return 0, err
	}
	if !report.OK() {
		return 0, refused(fmt.Errorf("the ledger of the backup is not whole: %v", report.Findings[0]), "keep this backup for whoever investigates, and restore an older one")
	}
	return report.Head.Size, nil
}

// tell says what is there again, what is lost, and what a person must look at.
func (r *restoring) tell() error {
	out, m := r.sh.out, r.manifest
	fmt.Fprintf(out, "restored in %.1f s: %d alerts, %d people; the ledger of %d acts is whole\n", time.Since(r.began).Seconds(), r.facts.Records, r.facts.People, r.entries)
	fmt.Fprintf(out, "\n!!! THIS IS THE STATE OF %s, %s AGO. WHAT CAME AFTER IT IS LOST:\n", m.At.Local().Format("2006-01-02 15:04 MST"), strings.ToUpper(time.Since(m.At).Round(time.Minute).String()))
	fmt.Fprintln(out, "!!! alerts, cancellations, sign-ups, changed keys and rights. Nothing is sent again by itself.")
	fmt.Fprintln(out, "\nBefore the gateway is started, look at the copies of the pages and at the platforms: what left after the backup?")
	n := 0
	step := func(format string, args ...any) {
		n++
		fmt.Fprintf(out, "%2d. %s\n", n, fmt.Sprintf(format, args...))
	}
	for _, rec := range r.done.InForce {
		step("in force here: %s, until %s. Was it cancelled or updated since? Do it again.", title(rec), rec.Alert.Expires().Local().Format("02.01. 15:04"))
	}
	for _, h := range r.done.Held {
		step("%d recipients of %s on %s were not settled: they may have got it after the backup. They are uncertain; release them on the page of the alert (who can be asked is asked first), or send an update.", h.Unsure, h.Alert, h.Channel)
	}
	for _, rec := range r.done.Waiting {
		step("waits for a decision here: %s. Was it published since? Then reject it: approving would send it a second time.", title(rec))
	}
	if r.done.Calls > 0 {
		step("%d calls to volunteers are open and page nobody any more by themselves: close them, and open new ones if people are still needed.", r.done.Calls)
	}
	switch {
	case r.erasuresKnown && r.done.Erased > 0:
		step("%d people who were erased after the backup are erased again.", r.done.Erased)
	case !r.erasuresKnown:
		step("the list of who was erased (%s) is not beside the backup: erase again who asked for it since.", backup.ErasedName(m.Authority))
	}
	step("API keys, staff and rights are those of then: revoke again what was revoked since (martinella keys list, martinella staff list). Everybody signs in again.")
	step("heads of the ledger that were signed after the backup do not fit any more; the ledger holds an act that says so.")
	if m.Config != "" {
		step("the configuration is %s: look at its addresses (listen, public_url), and at data, which is %s now; then: martinella doctor --config %s, martinella serve --config %s", r.config, r.data, r.config, r.config)
	} else {
		step("the backup holds no configuration: start with the flags of before and --data %s", r.data)
	}
	_, err := fmt.Fprintln(out)
	return err
}

func title(rec *alerts.Record) string {
	name := string(rec.ID)
	if infos := rec.Alert.Infos; len(infos) > 0 && infos[0].Headline != "" {
		name += " " + quoted(infos[0].Headline)
	}
	return name
}
