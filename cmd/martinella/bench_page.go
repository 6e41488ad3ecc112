package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// pageBench is how the page's measure is run.
type pageBench struct {
	rounds, requests, connections int
	json                          bool
}

// pageFigures are those of one server and one kind of answer: medians over the
// rounds.
type pageFigures struct {
	Answer    string  `json:"answer"` // "page" or "304"
	Server    string  `json:"server"` // "martinella", "bare" or "nginx"
	PerSecond float64 `json:"requests_per_second"`
	OverBare  float64 `json:"over_bare"`      // its rate over that of the bare handler in the same round
	Micros    float64 `json:"cpu_us"`         // processor time of the server for one request
	CPUOver   float64 `json:"cpu_over_bare"`  // the bare handler's time over its own
	Requests  int     `json:"requests"`       // in all rounds
	Bytes     int     `json:"bytes"`          // of the answer's body
	Errors    int     `json:"errors"`         // any ends the measure
	Bar       float64 `json:"bar,omitempty"`  // what over_bare must reach
	Load      string  `json:"load,omitempty"` // of the machine, before
}

// pageBar is what the page must reach of a bare handler's rate.
const pageBar = 0.9

func benchPageCommand(sh shell) *cobra.Command {
	var target benchTarget
	var p pageBench
	cmd := &cobra.Command{
		Use:   "page",
		Short: "Measure how fast the public page is served",
		Long: `Ask for the public page with two exercises over keep-alive connections, and
tell how many answers a second there are: the gateway's, those of a bare
net/http handler that sends the same bytes and headers, and those of nginx
where it is installed. Each server is a process of its own; the client is the
same for all and takes its share of the processors, so it presses the
differences together: the processor time of the server alone stands beside. The
servers are asked in turn, so that other load of the machine meets all of them.
The same is done for a reader who has the page (304).`,
		Example: "  martinella bench page\n  martinella bench page --rounds 15 --connections 256",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := target.check(cmd.Flags()); err != nil {
				return err
			}
			for name, v := range map[string]struct{ n, most int }{"rounds": {p.rounds, 1000}, "requests": {p.requests, 10_000_000}, "connections": {p.connections, 10_000}} {
				if v.n < 1 || v.n > v.most {
					return usage(fmt.Errorf("--%s is %d", name, v.n), fmt.Sprintf("it is a number from 1 to %d", v.most))
				}
			}
			return p.run(cmd.Context(), sh, &target)
		},
	}
	target.flags(cmd.Flags())
	cmd.Flags().IntVar(&p.rounds, "rounds", 9, "`NUMBER` of times that each server has its turn")
	cmd.Flags().IntVar(&p.requests, "requests", 20000, "`NUMBER` of requests in a turn")
	cmd.Flags().IntVar(&p.connections, "connections", 64, "`NUMBER` of keep-alive connections")
	cmd.Flags().BoolVar(&p.json, "json", false, "print one JSON object a line")
	return cmd
}

// pageAsk are the headers of a phone's browser.
var pageAsk = [][2]string{
	{"Accept-Encoding", "gzip, deflate, br, zstd"}, {"Accept-Language", "it-IT,it;q=0.9,en;q=0.8"},
	{"User-Agent", "Mozilla/5.0 (Linux; Android 14) Chrome/140.0"}, {"Accept", "text/html,*/*;q=0.8"},
}

func (p *pageBench) run(ctx context.Context, sh shell, target *benchTarget) error {
	load := loadAverage()
	g, err := target.open(ctx, sh, benchLimits{clients: 100})
	if err != nil {
		return err
	}
	defer g.close()
	page, err := g.pageOfTwo(ctx)
	if err != nil {
		return err
	}
	servers := []*pageServer{{name: "martinella", base: g.base, pids: func() []int { return []int{g.pid} }}}
	for _, start := range []func(context.Context, shell, *pageAnswer) (*pageServer, error){startBare, startNginx} {
		s, err := start(ctx, sh, page)
		if err != nil {
			return err
		}
		if s == nil {
			fmt.Fprintln(sh.err, "nginx is not installed: it is left out")
			continue
		}
		defer s.close()
		servers = append(servers, s)
	}
	var all []pageFigures
	for _, answer := range []string{"page", "304"} {
		f, err := p.race(ctx, servers, answer)
		if err != nil {
			return err
		}
		all = append(all, f...)
	}
	for i := range all {
		all[i].Bytes = len(page.Body)
		if all[i].Answer == "304" {
			all[i].Bytes = 0
		}
		if all[i].Server == "martinella" {
			all[i].Bar, all[i].Load = pageBar, load
		}
	}
	return p.print(sh, all, load)
}

func (p *pageBench) print(sh shell, all []pageFigures, load string) error {
	if p.json {
		enc := json.NewEncoder(sh.out)
		for _, f := range all {
			if err := enc.Encode(f); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "answer\tserver\trequests/s\tx bare\tCPU us\tx bare CPU\terrors\t\n")
	for _, f := range all {
		fmt.Fprintf(table, "%s\t%s\t%.0f\t%.2f\t%.1f\t%.2f\t%d of %d\t\n", f.Answer, f.Server, f.PerSecond, f.OverBare, f.Micros, f.CPUOver, f.Errors, f.Requests)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(sh.out, "medians of %d rounds, %d connections, %d bytes a page; the bar is %.1f x bare; load average before %s\n", p.rounds, p.connections, all[0].Bytes, pageBar, load)
	return err
}

// race asks the servers in turn, each in another order each round.
func (p *pageBench) race(ctx context.Context, servers []*pageServer, answer string) ([]pageFigures, error) {
	rates, micros := make([][]float64, len(servers)), make([][]float64, len(servers))
	for _, s := range servers {
		if err := s.connect(ctx, p.connections, answer); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		defer s.hangUp()
		if _, _, err := p.turn(ctx, s, answer, p.requests/4); err != nil { // warm
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for round := range p.rounds {
		for k := range servers {
			k = (k + round) % len(servers)
			rate, cpu, err := p.turn(ctx, servers[k], answer, p.requests)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", servers[k].name, err)
			}
			if err := ctx.Err(); err != nil {
				return nil, errors.Join(errors.New("stopped"), err)
			}
			rates[k], micros[k] = append(rates[k], rate), append(micros[k], cpu)
		}
	}
	const bare = 1
	var all []pageFigures
	for k, s := range servers {
		f := pageFigures{Answer: answer, Server: s.name, PerSecond: middle(rates[k]), Micros: middle(micros[k]), Requests: p.rounds * p.requests}
		var over, cpuOver []float64
		for i := range rates[k] {
			over, cpuOver = append(over, rates[k][i]/rates[bare][i]), append(cpuOver, micros[bare][i]/max(micros[k][i], 0.001))
		}
		f.OverBare, f.CPUOver = middle(over), middle(cpuOver)
		all = append(all, f)
	}
	return all, nil
}

// turn is a turn of one server, taken again over new connections where the page
// was renewed in the middle of it.
func (p *pageBench) turn(ctx context.Context, s *pageServer, answer string, requests int) (rate, micros float64, err error) {
	for range 5 {
		if rate, micros, err = s.turn(requests); !errors.Is(err, errRenewed) {
			return rate, micros, err
		}
		s.hangUp()
		if err := s.connect(ctx, p.connections, answer); err != nil {
			return 0, 0, err
		}
	}
	return rate, micros, err
}

// pageAnswer is what a server answers to a browser.
type pageAnswer struct {
	Header http.Header
	Body   []byte // as on the wire
}

// pageOfTwo posts two exercises and gives the page that shows them.
func (g *benchGateway) pageOfTwo(ctx context.Context) (*pageAnswer, error) {
	before, err := g.page(ctx, "identity")
	if err != nil {
		return nil, err
	}
	shown := bytes.Count(before.Body, []byte("data-k="))
	for range 2 {
		m, err := benchAlert(time.Now(), 300)
		if err != nil {
			return nil, err
		}
		if _, status, err := g.submit(ctx, m); err != nil {
			return nil, asFailure(err)
		} else if status != http.StatusCreated {
			return nil, refused(fmt.Errorf("the gateway answered %d: the exercise was not issued", status), "the key must issue exercises: martinella keys create --can issue --status Exercise")
		}
	}
	ctx, cancel := context.WithTimeout(ctx, benchReady)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		a, err := g.page(ctx, "identity")
		if err != nil {
			return nil, err
		}
		if bytes.Count(a.Body, []byte("data-k=")) >= shown+2 {
			return g.page(ctx, pageAsk[0][1])
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, unreachable(errors.New("the page does not show the exercises in time"), "")
		}
	}
}

// page asks for the page as a browser does.
func (g *benchGateway) page(ctx context.Context, coding string) (*pageAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.base+"/", nil)
	if err != nil {
		return nil, err
	}
	for _, h := range pageAsk {
		req.Header.Set(h[0], h[1])
	}
	req.Header.Set("Accept-Encoding", coding)
	resp, err := g.http.Do(req)
	if err != nil {
		return nil, unreachable(fmt.Errorf("%s does not answer", g.base), "")
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("the page answered %d", resp.StatusCode), err)
	}
	resp.Header.Del("Date") // every server writes its own
	return &pageAnswer{resp.Header, b}, nil
}
