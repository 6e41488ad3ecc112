package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"martinella/broadcast/callout"
	"martinella/channels/channeltest"
)

// boardCount is how many come, as a board says it.
var boardCount = regexp.MustCompile(`vengono\D{0,40}?(\d+)`)

// BenchmarkBoards has twenty wall boards of one call open, as their script asks,
// while 300 of 500 volunteers answer on their pages, twenty a second: how long
// from an answer's return until each board's part counts it, how long a part
// takes, and what it costs of a processor, the boards' and volunteers' side
// included.
func BenchmarkBoards(b *testing.B) {
	needRedis(b)
	const people, answers, boards, perSecond, pace = 500, 300, 20, 20, 500 * time.Millisecond
	smsc := &carrier{channeltest.StartPeer(b, "smsc.js"), map[string][]sent{}}
	dir, config := settle(b, fmt.Sprintf(`
  - {name: sms, kind: smpp, addr: "%s", system_id: gw, password_file: %s, source: "+393390000000", rate: 1000}
public_url: %s
`, smsc.Addr(), write(b, filepath.Join(b.TempDir(), "smpp"), "secret"), publicSite))
	var list strings.Builder
	list.WriteString("nome;telefono;area;competenze;lingua\n")
	for i := range people {
		fmt.Fprintf(&list, "Volontario %d;+39333%06d1;*;motosega;it\n", i, i)
	}
	must(b, "people", "import", write(b, filepath.Join(dir, "volontari.csv"), list.String()), "--config", config, "--audience", "volunteers")
	g := open(b, dir, config)
	d := signedIn(b, g)
	calls, opened := fastNode(b, g, 0)
	for b.Loop() {
		id := newID(time.Now())
		form := url.Values{"do": {"call"}, "id": {string(id)}, "what": {"Argine da rinforzare"}, "where": {"Piazza Grande"}, "meet": {"+1 h"}, "until": {"+5 h"},
			"skill": {"motosega"}, "people": {"490"}, "times": {"4"}, "second": {"none"}, "urgent": {"1"}}
		if r := d.do(b, http.MethodPost, "/console/d/new?lang=it", form); r.status != http.StatusSeeOther {
			b.Fatalf("opened: %d %s", r.status, r.body)
		}
		var sheet []callout.Entry
		eventually(b, "all are paged", func() bool {
			var err error
			sheet, err = opened.Callouts().Sheet(b.Context(), id)
			return err == nil && len(sheet) == people && !slices.ContainsFunc(sheet, func(e callout.Entry) bool { return len(e.Pages) == 0 })
		})
		call, err := opened.Callouts().Call(b.Context(), id)
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(b.Context())
		wall := g.Public + "/board/" + calls.BoardToken(call) + "?part=live&lang=it"
		seen := make([]*boardSeen, boards)
		var looking sync.WaitGroup
		before, began := processorTime(b), time.Now()
		for i := range seen {
			seen[i] = &boardSeen{}
			looking.Go(func() { seen[i].look(ctx, b, wall, pace, pace*time.Duration(i)/boards) })
		}
		var at [answers + 1]time.Time
		tick := time.NewTicker(time.Second / perSecond)
		for i := range answers {
			<-tick.C
			own := strings.TrimPrefix(calls.Link(sheet[i].Number, call.Number, ""), publicSite)
			if r := d.do(b, http.MethodPost, own, url.Values{"answer": {"coming-20"}}); r.status != http.StatusSeeOther {
				b.Fatalf("answered: %d %s", r.status, r.body)
			}
			at[i+1] = time.Now()
		}
		tick.Stop()
		took := time.Since(began)
		<-time.After(2 * time.Second)
		cost := processorTime(b) - before
		stop()
		looking.Wait()
		var lags, parts []time.Duration
		for _, s := range seen {
			for n := 1; n <= answers; n++ {
				found, _ := slices.BinarySearchFunc(s.counts, n, func(c boardCounted, n int) int { return c.n - n })
				if found == len(s.counts) {
					b.Fatalf("a board counts %d of %d", len(s.counts), answers)
				}
				lags = append(lags, s.counts[found].at.Sub(at[n]))
			}
			parts = append(parts, s.took...)
		}
		b.ReportMetric(answers/took.Seconds(), "answers/s")
		b.ReportMetric(quantile(lags, 0.5), "ms-to-board-p50")
		b.ReportMetric(quantile(lags, 0.99), "ms-to-board-p99")
		b.ReportMetric(quantile(lags, 1), "ms-to-board-most")
		b.ReportMetric(quantile(parts, 0.5), "ms/part-p50")
		b.ReportMetric(quantile(parts, 0.99), "ms/part-p99")
		b.ReportMetric(100*cost.Seconds()/time.Since(began).Seconds(), "%cpu")
		if r := d.do(b, http.MethodPost, "/console/d/"+string(id)+"/close?lang=it", nil); r.status != http.StatusSeeOther {
			b.Fatalf("closed: %d %s", r.status, r.body)
		}
	}
}

// boardSeen is what one wall board showed.
type boardSeen struct {
	counts []boardCounted // each time it showed more
	took   []time.Duration
}

type boardCounted struct {
	n  int
	at time.Time
}

// look asks for the board's part as its script does.
func (s *boardSeen) look(ctx context.Context, t testing.TB, address string, pace, after time.Duration) {
	tag, last := "", 0
	wait := time.NewTimer(after)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		began := time.Now()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("If-None-Match", tag)
		status, header, body, err := fetchedPart(req)
		if err != nil || status != http.StatusOK && status != http.StatusNotModified {
			t.Errorf("a board: %d %v", status, err)
			return
		}
		s.took = append(s.took, time.Since(began))
		if found := boardCount.FindSubmatch(body); status == http.StatusOK {
			tag = header.Get("ETag")
			if found == nil {
				t.Errorf("a board counts nobody: %s", body)
				return
			}
			if n, _ := strconv.Atoi(string(found[1])); n > last {
				last = n
				s.counts = append(s.counts, boardCounted{n, time.Now()})
			}
		}
		wait.Reset(max(100*time.Millisecond, pace-time.Since(began)))
	}
}

// quantile is the time in ms that a part of all did not exceed.
func quantile(all []time.Duration, part float64) float64 {
	slices.Sort(all)
	return float64(all[min(int(part*float64(len(all))), len(all)-1)].Microseconds()) / 1000
}

// fetchedPart is an answer with its body.
func fetchedPart(req *http.Request) (int, http.Header, []byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, body, err
}

// processorTime is the processor time of this program.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
