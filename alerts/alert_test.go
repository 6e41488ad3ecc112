package alerts

import (
	"testing"
	"time"
)

func TestReferencesAreReadAsTheyWereWritten(t *testing.T) {
	sent := time.Date(2026, 11, 21, 17, 0, 0, 0, time.FixedZone("", 3600))
	for name, r := range map[string]Reference{
		"as CAP wants it":             {"pc@valdemo.example", "valdemo-1", sent},
		"an identifier with a comma":  {"pc@valdemo.example", "valdemo,1", sent},
		"CAP 1.0, which had no dates": {"pc@valdemo.example", "valdemo-1", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			var got Reference
			if err := got.UnmarshalText([]byte(r.String())); err != nil || got.String() != r.String() || got.Identifier != r.Identifier {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	for _, bad := range []string{"", "a", "a,b", ",b,2026-11-21T17:00:00+01:00", "a,,2026-11-21T17:00:00+01:00", "a,b,ieri"} {
		if err := new(Reference).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestParseTimeTakesOnlyWhatFormatTimeWrites(t *testing.T) {
	for _, good := range []string{"2026-11-21T18:30:00+01:00", "2026-11-21T18:30:00-00:00", "2026-11-21T18:30:00-14:00"} {
		got, err := ParseTime(good)
		if err != nil || FormatTime(got) != good {
			t.Errorf("%s: got %s, %v", good, FormatTime(got), err)
		}
	}
	for _, bad := range []string{"", "2026-11-21T18:30:00Z", "2026-11-21T18:30:00.5+01:00", "2026-11-21T18:30:00+14:01", "0000-11-21T18:30:00+01:00", "2026-02-30T18:30:00+01:00"} {
		if got, err := ParseTime(bad); err == nil {
			t.Errorf("%s was read as %s", bad, FormatTime(got))
		}
	}
}
