package backup

import (
	"cmp"
	"slices"
	"time"
)

// Keep says how many backups of a place stay: the newest of each of so many
// hours, days and weeks that have any.
type Keep struct{ Hourly, Daily, Weekly int }

// DefaultKeep is two days, a month and a quarter.
var DefaultKeep = Keep{Hourly: 48, Daily: 30, Weekly: 12}

// Old gives the names that need not stay, of those of one authority. What is no
// backup, or newer than good, the newest one that was read back, stays in any
// case, and so does that one.
func (k Keep) Old(names []string, authority string, good time.Time) []string {
	type one struct {
		name string
		at   time.Time
	}
	var all []one
	for _, name := range names {
		if of, at, ok := ReadName(name); ok && of == authority {
			all = append(all, one{name, at})
		}
	}
	slices.SortFunc(all, func(a, b one) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.name, b.name)) })
	stay := map[string]bool{}
	for _, rule := range []struct {
		most int
		of   func(time.Time) int64
	}{
		{k.Hourly, func(t time.Time) int64 { return t.Unix() / 3600 }},
		{k.Daily, func(t time.Time) int64 { return t.Unix() / 86400 }},
		{k.Weekly, func(t time.Time) int64 { y, w := t.UTC().ISOWeek(); return int64(y*100 + w) }},
	} {
		seen := map[int64]bool{}
		for _, o := range all {
			if period := rule.of(o.at); !seen[period] && len(seen) < rule.most {
				seen[period] = true
				stay[o.name] = true
			}
		}
	}
	var old []string
	good = good.UTC().Truncate(time.Second) // as file names tell it
	for _, o := range all {
		if !stay[o.name] && o.at.Before(good) {
			old = append(old, o.name)
		}
	}
	return old
}
