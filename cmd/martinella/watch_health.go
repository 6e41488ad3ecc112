package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// concern is a number of the gateway that says when something is wrong. The
// bounds are those of dashboards/prometheus.
type concern struct {
	metric string
	labels string // that its series hold; "": any
	wrong  func(v float64) bool
	says   string // with %s for whose it is, and %s for the value
	time   bool   // the value is seconds
}

func exceeds(most float64) func(float64) bool { return func(v float64) bool { return v > most } }
func under(least float64) func(float64) bool  { return func(v float64) bool { return v < least } }

// concerns are what watch looks at, the worst first.
var concerns = []concern{
	{metric: "martinella_redis_durable", wrong: under(1), says: "what is accepted may be lost: Redis does not write every change to disk"},
	{metric: "martinella_ledger_broken", wrong: exceeds(0), says: "the ledger was changed behind the gateway"},
	{metric: "martinella_queue_oldest_seconds", labels: `lane="urgent"`, wrong: exceeds(30), says: "%s: the oldest urgent message waits for %s", time: true},
	{metric: "martinella_breaker_open", wrong: exceeds(0), says: "%s: holds back, the platform does not answer or refuses the credentials"},
	{metric: "martinella_channel_check_ok", wrong: under(1), says: "%s: the check of the credentials has not passed"},
	{metric: "martinella_queue_oldest_seconds", labels: `lane="normal"`, wrong: exceeds(900), says: "%s: the oldest message waits for %s", time: true},
	{metric: "martinella_dead_letters", wrong: exceeds(0), says: "%s: %s jobs were given up and wait for a person"},
	{metric: "martinella_backup_age_seconds", wrong: exceeds((3 * time.Hour).Seconds()), says: "%s: the last good backup is %s old", time: true},
	{metric: "martinella_certificate_expiry_seconds", wrong: under((14 * 24 * time.Hour).Seconds()), says: "%s: the certificate ends in %s", time: true},
	{metric: "martinella_token_expiry_seconds", wrong: under((14 * 24 * time.Hour).Seconds()), says: "%s: the access ends in %s", time: true},
	{metric: "martinella_mirror_age_seconds", wrong: exceeds(900), says: "%s: the copy of the pages is %s old", time: true},
}

// health is what the numbers of the administration port say is wrong, the worst
// first; empty where all is well.
func health(metrics string) []string {
	found := make([][]string, len(concerns))
	for line := range strings.Lines(metrics) {
		cut := strings.LastIndexByte(strings.TrimSpace(line), ' ')
		if cut < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		name, labels, _ := strings.Cut(line[:cut], "{")
		v, err := strconv.ParseFloat(strings.TrimSpace(line[cut:]), 64)
		if err != nil || math.IsNaN(v) {
			continue
		}
		for i, c := range concerns {
			if name == c.metric && strings.Contains(labels, c.labels) && c.wrong(v) {
				found[i] = append(found[i], c.say(labels, v))
			}
		}
	}
	return slices.Concat(found...)
}

func (c *concern) say(labels string, v float64) string {
	value := strconv.FormatFloat(v, 'f', -1, 64)
	if c.time {
		value = (time.Duration(math.Max(math.Min(v, 1e9), -1e9)) * time.Second).String()
	}
	switch strings.Count(c.says, "%s") {
	case 2:
		return fmt.Sprintf(c.says, subjectOf(labels), value)
	case 1:
		return fmt.Sprintf(c.says, subjectOf(labels))
	}
	return c.says
}

// subjectOf is the value of the first label that names something: a channel, a
// place, a certificate.
func subjectOf(labels string) string {
	for _, name := range []string{"channel", "place", "name", "mirror"} {
		if _, rest, ok := strings.Cut("{"+labels, name+`="`); ok {
			value, _, _ := strings.Cut(rest, `"`)
			return value
		}
	}
	return "gateway"
}

// wellness is one line on how the gateway is.
func (s *sight) wellness() string {
	switch {
	case s.unseen:
		return "health: not known, the administration port does not answer"
	case len(s.troubles) == 0:
		return "health: all is well"
	}
	return "health: " + strings.Join(s.troubles, "; ")
}
