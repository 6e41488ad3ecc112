package broadcast

import (
	"errors"
	"slices"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// counted is a channel that counts the characters of its texts.
type counted struct {
	paid
	max, part int
}

func (c counted) Measure(text string) channels.Measure {
	if c.part < 0 {
		panic("the program is wrong")
	}
	return channels.Measure{Unit: string(channels.UnitSeptets), Used: len(text), Max: c.max, Part: c.part}
}

// A preview is what will be queued, with how many read it, how long it is and
// what it costs; it stores nothing.
func TestAPreviewIsWhatIsQueued(t *testing.T) {
	estimates := []channels.Estimate{{Language: "it-IT", Parts: 2}, {Language: "en-GB", Parts: 1}}
	for name, c := range map[string]struct {
		channel Route
		counts  int
		limit   int
		costs   int
		fails   bool
	}{
		"paid by the part":         {channel: Route{Channel: counted{paid{phones{&platform{name: "sms"}}, estimates, nil}, 10, 2}}, counts: 2, limit: 20, costs: 2},
		"no limit":                 {channel: Route{Channel: phones{&platform{name: "sms"}}}},
		"its count panics":         {channel: Route{Channel: counted{paid{phones{&platform{name: "sms"}}, estimates, nil}, 10, -1}}, costs: 2},
		"its cost cannot be told":  {channel: Route{Channel: counted{paid{phones{&platform{name: "sms"}}, nil, errors.New("no")}, 10, 0}}, counts: 2, limit: 10},
		"the alert cannot be said": {channel: Route{Channel: phones{&platform{name: "sms", render: func(*alerts.Record) ([]channels.Message, error) { return nil, errors.New("no room") }}}}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, c.channel)
			h.subscribe(3, "it")
			h.subscribe(2, "en")
			r := h.record(alerts.SeverityMinor, time.Hour)
			before := len(h.records)
			all, err := h.planner.Preview(t.Context(), r)
			if err != nil || len(all) != 1 || all[0].Channel != "sms" {
				t.Fatalf("%v, %+v", err, all)
			}
			p := all[0]
			if (p.Failure != "") != c.fails || len(p.Counts) != c.counts || len(p.Estimates) != c.costs {
				t.Errorf("failure %q, %d counts, %d costs", p.Failure, len(p.Counts), len(p.Estimates))
			}
			for i, n := range p.Counts {
				if n.Used != len(p.Messages[i].Text) || n.Limit != c.limit || n.Unit != channels.UnitSeptets || n.Parts < 1 || n.Over() != (n.Used > c.limit) {
					t.Errorf("count %+v of %q", n, p.Messages[i].Text)
				}
			}
			if len(h.records) != before {
				t.Error("a preview was stored")
			}
			if c.fails {
				return
			}
			if !slices.Equal(p.Reach, []int{3, 2}) || r.Reach != 5 || r.Approved == "" {
				t.Errorf("reach %v, %d in all; digest %q", p.Reach, r.Reach, r.Approved)
			}
			d, err := h.planner.draft(t.Context(), r)
			if err != nil || !slices.EqualFunc(d.messages, p.Messages, func(a, b channels.Message) bool { return a.Text == b.Text && a.Language == b.Language }) || d.digest != r.Approved {
				t.Errorf("%v: what is queued is %+v, the preview %+v", err, d.messages, p.Messages)
			}
		})
	}
	if (Count{Used: 5}).Over() {
		t.Error("without a limit nothing is over it")
	}
}
