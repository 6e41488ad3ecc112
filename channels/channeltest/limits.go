package channeltest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/channels"
)

// Bound is the longest text of a platform, as an oracle counts it.
type Bound struct {
	Unit   string // for people
	Max    int
	Oracle Oracle
}

// Limits renders every real message that there is ([RealMessages]), as it stands
// and as an exercise, on a channel that was made with [Settings], and checks
// with other people's code that each text is within all bounds, has its link
// whole with nothing but hashtags behind it, ends nowhere within a grapheme, is
// in a language of the record and marked in that language, and that an exercise
// says so first. Every adapter of a social platform calls it.
func Limits(t *testing.T, c channels.Channel, counts *Counts, bounds ...Bound) {
	t.Helper()
	records := RealMessages(t)
	all := slices.Clone(records)
	for _, r := range records {
		practice := r.Clone()
		practice.Alert.Status = alerts.StatusExercise
		all = append(all, practice)
	}
	for _, wrong := range limits(c, all, counts, bounds) {
		t.Error(wrong)
	}
}

// limits lists what is wrong with the texts of a channel.
func limits(c channels.Channel, records []*alerts.Record, counts *Counts, bounds []Bound) []string {
	var wrong, texts, names []string
	for i, r := range records {
		name := fmt.Sprintf("message %d (%s %s)", i, r.Change, r.Alert.Identifier)
		messages, err := c.Render(r)
		if err != nil || len(messages) == 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d messages, %v", name, len(messages), err))
			continue
		}
		for _, m := range messages {
			for _, w := range judged(r, m, counts) {
				wrong = append(wrong, fmt.Sprintf("%s %s: %s: %q", name, m.Language, w, m.Text))
			}
			texts, names = append(texts, m.Text), append(names, name+" "+m.Language)
		}
	}
	for _, b := range bounds {
		for i, n := range b.Oracle(texts) {
			if n > b.Max {
				wrong = append(wrong, fmt.Sprintf("%s: %d %s, the platform takes %d: %q", names[i], n, b.Unit, b.Max, texts[i]))
			}
		}
	}
	return wrong
}

// judged lists what is wrong with one message whatever its length.
func judged(r *alerts.Record, m channels.Message, counts *Counts) []string {
	var wrong []string
	settings := Settings()
	if !slices.Contains(channels.Languages(r, settings), m.Language) {
		wrong = append(wrong, "is in none of the record's languages")
	}
	if mark := lexicon.For(m.Language).Mark(r.Change, r.Alert.Practice()); !strings.HasPrefix(m.Text, mark) {
		wrong = append(wrong, "does not begin with "+mark)
	}
	if !r.Alert.Practice() && startsWithOne(m.Text, exerciseMarks) {
		wrong = append(wrong, "says that it is an exercise")
	}
	if m.URL == "" || !linked(m.Text, m.URL) {
		wrong = append(wrong, "has no whole link at its end")
	}
	if tail := counts.Of(m.Text, sources(r, m.Language)...).Broken; tail != "" {
		wrong = append(wrong, fmt.Sprintf("is cut within a character, or has words of nobody: %q", tail))
	}
	return wrong
}

// sources are the words that a message in a language may be made of, whole.
func sources(r *alerts.Record, language string) []string {
	settings := Settings()
	out := []string{settings.Link(r.Event)}
	for _, info := range r.Infos() {
		for _, p := range info.Parameters {
			if strings.EqualFold(p.Name, channels.HashtagParameter) {
				out = append(out, strings.Join(channels.Hashtags(nil).For(info, language), " "))
			}
		}
	}
	composed := channels.Compose(r, language, settings)
	for _, pieces := range [][]channels.Piece{composed.Pieces, composed.Worded("public").Pieces} {
		whole, _ := channels.Fit(pieces, 0, nil)
		out = append(out, strings.ReplaceAll(whole, "\n", " "))
		out = append(append(out, strings.Split(whole, "\n")...), whole)
		for _, p := range pieces {
			out = append(out, p.Text, p.Short)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
