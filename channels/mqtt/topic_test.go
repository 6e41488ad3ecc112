package mqtt

import (
	"strings"
	"testing"
	"unicode/utf8"

	"martinella/alerts"
)

func TestAreaLevels(t *testing.T) {
	for in, want := range map[alerts.Value]string{
		{Name: "ISTAT", Value: "047014"}:                  "istat/047014",
		{Name: "EMMA_ID", Value: "IT009"}:                 "emma_id/IT009",
		{Name: "zone", Value: "Tosc-B"}:                   "zone/Tosc-B",
		{Name: "zone", Value: "Bacino Ombrone 1"}:         "zone/Bacino%20Ombrone%201",
		{Name: "zone", Value: "A/B"}:                      "zone/A%2FB",
		{Name: "zone", Value: "+"}:                        "zone/%2B",
		{Name: "#", Value: "#"}:                           "%23/%23",
		{Name: "zone", Value: "100%"}:                     "zone/100%25",
		{Name: "zone", Value: "Südtirol"}:                 "zone/S%C3%BCdtirol",
		{Name: "ISTAT", Value: ""}:                        "",
		{Name: "", Value: "047014"}:                       "",
		{Name: "ISTAT", Value: "04\x007014"}:              "",
		{Name: "ISTAT", Value: "047014\n"}:                "",
		{Name: "ISTAT", Value: "\xff"}:                    "",
		{Name: "ISTAT", Value: strings.Repeat("0", 1000)}: "",
	} {
		got, ok := areaLevels(in)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%v: got %q, %v; want %q", in, got, ok, want)
		}
	}
}

func FuzzTopics(f *testing.F) {
	for _, seed := range [][3]string{{"ISTAT", "047014", "01KAK3Z8G0FLD1RST0000000A1"}, {"a/b", "+", "#"}, {"$share", "\x00", "é"}, {"%", "%2F", "%"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, name, value, event string) {
		levels, ok := areaLevels(alerts.Value{Name: name, Value: value})
		id, ok2 := level(event)
		if !ok || !ok2 {
			return
		}
		where := tree("alerts/pt")
		for _, topic := range []string{where.event(levels), where.state(levels, id)} {
			if !utf8.ValidString(topic) || strings.ContainsAny(topic, "+#\x00 \n") || len(topic) > 2000 || !strings.HasPrefix(topic, "alerts/pt/") {
				t.Fatalf("%q", topic)
			}
			for l := range strings.SplitSeq(topic, "/") {
				if l == "" {
					t.Fatalf("an empty level in %q", topic)
				}
			}
		}
		if got := strings.Count(where.state(levels, id), "/"); got != 5 {
			t.Fatalf("%d levels in %q", got, where.state(levels, id))
		}
		if !where.holds(where.state(levels, id), id) || where.holds(where.state(levels, id), id+"X") || where.holds(where.event(levels), id) || tree("exercise/alerts/pt").holds(where.state(levels, id), id) {
			t.Fatalf("%q is not known again", where.state(levels, id))
		}
		// Two codes never share a topic.
		if other, ok := areaLevels(alerts.Value{Name: name, Value: value + "x"}); ok && other == levels {
			t.Fatal("two codes, one topic")
		}
	})
}
