package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// benchResult is what bench live prints. Times are medians of the rounds, each
// the median of its alerts; ratios are medians of the rounds' ratios.
type benchResult struct {
	Clients     int    `json:"clients"`
	Silent      int    `json:"silent"` // of them never read
	Remote      bool   `json:"remote"` // every tenth reads while the clock runs
	Alerts      int    `json:"alerts"` // in a round
	Rounds      int    `json:"rounds"`
	BurstAlerts int    `json:"burst_alerts"`
	Path        string `json:"path,omitempty"` // of idle sockets, where the gateway says it

	Processors int    `json:"processors"`
	Go         string `json:"go"`
	LoadBefore string `json:"load_before"`
	LoadAfter  string `json:"load_after"`

	Parts  []benchPart `json:"parts"`
	Memory struct {
		Gateway benchMemory `json:"gateway"`
		Floor   benchMemory `json:"floor"`
	} `json:"memory"`

	Lost      int `json:"lost"`
	Doubled   int `json:"doubled"`
	Reordered int `json:"reordered"`
	Retried   int `json:"retried"` // handshakes that were asked to come back later
}

// benchMemory is a process's proportional set size in bytes.
type benchMemory struct {
	Before int64   `json:"before_bytes"`       // the clients came
	Idle   int64   `json:"idle_bytes"`         // with them
	Each   float64 `json:"kib_per_connection"` // the difference
}

// benchPart is one view of the feed.
type benchPart struct {
	View    string       `json:"view"`
	Bytes   int          `json:"message_bytes"`
	Gateway benchFigures `json:"gateway"`
	Floor   benchFigures `json:"floor"`

	// With some subscribers silent, also the gateway with all of them reading.
	AllRead *benchFigures `json:"all_read,omitempty"`

	Ratio benchRatio `json:"ratio"`
}

// benchFigures of one server. From the start is from the POST, or from the
// moment before the floor's first write.
type benchFigures struct {
	Half             float64       `json:"half_ms"`
	P99              float64       `json:"p99_ms"`
	All              float64       `json:"all_ms"`
	HalfFromFirst    float64       `json:"half_from_first_ms"`
	P99FromFirst     float64       `json:"p99_from_first_ms"`
	AllFromFirst     float64       `json:"all_from_first_ms"`
	DeliveriesPerSec float64       `json:"deliveries_per_second"` // one alert, from the start to all
	CPUPerMillion    float64       `json:"cpu_seconds_per_million"`
	Post             float64       `json:"post_p50_ms,omitempty"`
	Fanout           float64       `json:"own_fanout_ms,omitempty"` // what the gateway measures itself: log read to last socket written
	Burst            *burstFigures `json:"burst,omitempty"`
}

// burstFigures are those of many alerts at once.
type burstFigures struct {
	All              float64 `json:"all_ms"`
	DeliveriesPerSec float64 `json:"deliveries_per_second"`            // from the start
	FromFirstPerSec  float64 `json:"deliveries_per_second_from_first"` // from the first arrival
	CPUPerMillion    float64 `json:"cpu_seconds_per_million"`
	Post             float64 `json:"post_p50_ms,omitempty"`
}

// benchRatio is gateway to floor.
type benchRatio struct {
	All           float64 `json:"all"`            // both from their start
	AllFromFirst  float64 `json:"all_from_first"` // both from the first arrival
	P99FromFirst  float64 `json:"p99_from_first"`
	CPUPerMillion float64 `json:"cpu_per_million"`
	Burst         float64 `json:"burst_deliveries_per_second,omitempty"`
	BurstCPU      float64 `json:"burst_cpu_per_million,omitempty"`

	// Of the gateway with silent subscribers to itself without.
	P99AllRead float64 `json:"p99_to_all_read,omitempty"`
}

// figures of one round.
func (r benchRound) figures() benchFigures {
	of := func(from, to func(shot) int64) float64 {
		var all []int64
		for _, s := range r.shots {
			all = append(all, to(s)-from(s))
		}
		return ms(middle(all))
	}
	start, first := func(s shot) int64 { return s.start }, func(s shot) int64 { return s.first }
	half, p99, last := func(s shot) int64 { return s.half }, func(s shot) int64 { return s.p99 }, func(s shot) int64 { return s.at }
	f := benchFigures{
		Half: of(start, half), P99: of(start, p99), All: of(start, last),
		HalfFromFirst: of(first, half), P99FromFirst: of(first, p99), AllFromFirst: of(first, last),
		Post: of(func(shot) int64 { return 0 }, func(s shot) int64 { return int64(s.post) }), Fanout: ms(int64(r.fanout)),
	}
	if f.All > 0 {
		f.DeliveriesPerSec = float64(r.written) / f.All * 1000
	}
	f.CPUPerMillion = perMillion(r.cpu, r.written*len(r.shots))
	if b := r.burst; b != nil {
		f.Burst = &burstFigures{
			All: ms(b.last - b.start), DeliveriesPerSec: float64(b.deliveries) / seconds(b.last-b.start),
			FromFirstPerSec: float64(b.deliveries) / seconds(b.last-b.first), CPUPerMillion: perMillion(b.cpu, b.deliveries), Post: ms(int64(b.post)),
		}
	}
	return f
}

func ms(ns int64) float64      { return float64(ns) / 1e6 }
func seconds(ns int64) float64 { return float64(max(ns, 1)) / 1e9 }

func perMillion(cpu time.Duration, deliveries int) float64 {
	return cpu.Seconds() * 1e6 / float64(max(deliveries, 1))
}

// set takes the medians of the rounds.
func (p *benchPart) set(gateway, floor, reading []benchRound) {
	gs, fs, rs := figuresOf(gateway), figuresOf(floor), figuresOf(reading)
	p.Gateway, p.Floor = middleFigures(gs), middleFigures(fs)
	against := func(others []benchFigures, of func(benchFigures) float64) float64 {
		var all []float64
		for i := range others {
			if f := of(others[i]); f > 0 {
				all = append(all, of(gs[i])/f)
			}
		}
		return middle(all)
	}
	ratio := func(of func(benchFigures) float64) float64 { return against(fs, of) }
	p.Ratio = benchRatio{
		All:           ratio(func(f benchFigures) float64 { return f.All }),
		AllFromFirst:  ratio(func(f benchFigures) float64 { return f.AllFromFirst }),
		P99FromFirst:  ratio(func(f benchFigures) float64 { return f.P99FromFirst }),
		CPUPerMillion: ratio(func(f benchFigures) float64 { return f.CPUPerMillion }),
		Burst:         ratio(func(f benchFigures) float64 { return f.bursts().DeliveriesPerSec }),
		BurstCPU:      ratio(func(f benchFigures) float64 { return f.bursts().CPUPerMillion }),
	}
	if len(rs) > 0 {
		all := middleFigures(rs)
		p.AllRead = &all
		p.Ratio.P99AllRead = against(rs, func(f benchFigures) float64 { return f.P99 })
	}
}

func figuresOf(rounds []benchRound) []benchFigures {
	var all []benchFigures
	for _, r := range rounds {
		all = append(all, r.figures())
	}
	return all
}

func (f benchFigures) bursts() burstFigures {
	if f.Burst == nil {
		return burstFigures{}
	}
	return *f.Burst
}

func middleFigures(all []benchFigures) benchFigures {
	of := func(value func(benchFigures) float64) float64 {
		var vs []float64
		for _, f := range all {
			vs = append(vs, value(f))
		}
		return middle(vs)
	}
	f := benchFigures{
		Half: of(func(f benchFigures) float64 { return f.Half }), P99: of(func(f benchFigures) float64 { return f.P99 }),
		All:           of(func(f benchFigures) float64 { return f.All }),
		HalfFromFirst: of(func(f benchFigures) float64 { return f.HalfFromFirst }),
		P99FromFirst:  of(func(f benchFigures) float64 { return f.P99FromFirst }),
		AllFromFirst:  of(func(f benchFigures) float64 { return f.AllFromFirst }), DeliveriesPerSec: of(func(f benchFigures) float64 { return f.DeliveriesPerSec }),
		CPUPerMillion: of(func(f benchFigures) float64 { return f.CPUPerMillion }), Post: of(func(f benchFigures) float64 { return f.Post }),
		Fanout: of(func(f benchFigures) float64 { return f.Fanout }),
	}
	if len(all) > 0 && all[0].Burst != nil {
		f.Burst = &burstFigures{
			All: of(func(f benchFigures) float64 { return f.bursts().All }), DeliveriesPerSec: of(func(f benchFigures) float64 { return f.bursts().DeliveriesPerSec }),
			FromFirstPerSec: of(func(f benchFigures) float64 { return f.bursts().FromFirstPerSec }),
			CPUPerMillion:   of(func(f benchFigures) float64 { return f.bursts().CPUPerMillion }), Post: of(func(f benchFigures) float64 { return f.bursts().Post }),
		}
	}
	return f
}

// table prints the result for people.
func (r *benchResult) table(out io.Writer) error {
	fmt.Fprintf(out, "%d subscribers", r.Clients)
	if r.Silent > 0 {
		fmt.Fprintf(out, " (%d never read)", r.Silent)
	}
	if r.Remote {
		fmt.Fprint(out, ", every tenth reads while the clock runs")
	}
	if r.Path != "" {
		fmt.Fprintf(out, ", path %s", r.Path)
	}
	fmt.Fprintf(out, "; %d rounds of %d alerts; %d processors for server and subscribers, %s\n", r.Rounds, r.Alerts, r.Processors, r.Go)
	for _, p := range r.Parts {
		fmt.Fprintf(out, "\nview=%s, messages of %d bytes\n", p.View, p.Bytes)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		line := func(name, form string, gateway, floor, ratio float64) {
			fmt.Fprintf(w, "%s\t"+form+"\t"+form+"\t", name, gateway, floor)
			if ratio > 0 {
				fmt.Fprintf(w, "%.2f\t\n", ratio)
			} else {
				fmt.Fprint(w, "\t\n")
			}
		}
		alone := func(name, form string, value float64) { fmt.Fprintf(w, "%s\t"+form+"\t\t\t\n", name, value) }
		g, f := p.Gateway, p.Floor
		fmt.Fprint(w, "\tgateway\tfloor\tratio\t\n")
		line("from POST (floor: first write) to 50 %, ms", "%.1f", g.Half, f.Half, 0)
		line("to 99 %, ms", "%.1f", g.P99, f.P99, 0)
		line("to all, ms", "%.1f", g.All, f.All, p.Ratio.All)
		line("from first arrival to 50 %, ms", "%.1f", g.HalfFromFirst, f.HalfFromFirst, 0)
		line("to 99 %, ms", "%.1f", g.P99FromFirst, f.P99FromFirst, p.Ratio.P99FromFirst)
		line("to all, ms", "%.1f", g.AllFromFirst, f.AllFromFirst, p.Ratio.AllFromFirst)
		line("deliveries/s, one alert", "%.0f", g.DeliveriesPerSec, f.DeliveriesPerSec, 0)
		line("server CPU s per million deliveries", "%.2f", g.CPUPerMillion, f.CPUPerMillion, p.Ratio.CPUPerMillion)
		alone("POST answered (p50), ms", "%.1f", g.Post)
		alone("the gateway's own count of a fan-out (mean), ms", "%.1f", g.Fanout)
		if g.Burst != nil && f.Burst != nil {
			line(fmt.Sprintf("burst of %d: all, ms", r.BurstAlerts), "%.0f", g.Burst.All, f.Burst.All, 0)
			line("deliveries/s from the first POST", "%.0f", g.Burst.DeliveriesPerSec, f.Burst.DeliveriesPerSec, p.Ratio.Burst)
			line("deliveries/s from first arrival", "%.0f", g.Burst.FromFirstPerSec, f.Burst.FromFirstPerSec, 0)
			line("server CPU s per million deliveries", "%.2f", g.Burst.CPUPerMillion, f.Burst.CPUPerMillion, p.Ratio.BurstCPU)
			alone("POST answered (p50), ms", "%.1f", g.Burst.Post)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if p.AllRead != nil {
			fmt.Fprintf(out, "with all subscribers reading: from POST to 99 %% %.1f ms; with the silent ones %.2f times that\n", p.AllRead.P99, p.Ratio.P99AllRead)
		}
	}
	const mib = 1 << 20
	m := r.Memory
	fmt.Fprintf(out, "\nmemory (PSS) before the subscribers, with them idle, KiB per connection:\n")
	fmt.Fprintf(out, "  gateway %.1f MiB, %.1f MiB, %.2f\n", float64(m.Gateway.Before)/mib, float64(m.Gateway.Idle)/mib, m.Gateway.Each)
	fmt.Fprintf(out, "  floor   %.1f MiB, %.1f MiB, %.2f\n", float64(m.Floor.Before)/mib, float64(m.Floor.Idle)/mib, m.Floor.Each)
	fmt.Fprintf(out, "lost %d, doubled %d, reordered %d; asked to come back later %d\n", r.Lost, r.Doubled, r.Reordered, r.Retried)
	_, err := fmt.Fprintf(out, "load average before %s, after %s\n", r.LoadBefore, r.LoadAfter)
	return err
}
