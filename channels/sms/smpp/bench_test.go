package smpp

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
)

// The bars of the issue, on one bind: 15,000 submit_sm a second at no more than
// 60 µs of our processor time for each to an SMSC that only swallows, 12,000 a
// second with a window of 1000 to one that answers after 20 ms. The SMSC is a
// process of its own.
var loads = []struct {
	window int
	after  time.Duration
}{{50, 0}, {1000, 0}, {1000, 20 * time.Millisecond}}

const benchText = "Allerta: piove. https://allerta.example/a/01KAK3Z8G0FLD1RST0000000A1"

// BenchmarkSession is the session layer: requests and their answers.
func BenchmarkSession(b *testing.B) {
	for _, load := range loads {
		b.Run(fmt.Sprintf("window=%d/answer=%v", load.window, load.after), func(b *testing.B) {
			addr, ask := startSwallowing(b, load.after)
			c := newChannel(b, nil, func(config *Config) { config.Addr, config.Window = addr, load.window })
			s, err := c.openAt(b.Context(), addr, bindTransceiver, bindRequest{systemID: "gw", version: version34})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { s.end(errUnbound); s.wait() })
			to, _ := recipient(testNumber)
			body := &message{source: c.source, destination: to, registered: 1, text: []byte(benchText), tlvs: []tlv{{tagUserReference, []byte{0, 7}}}}
			measure(b, load.window, ask, func(ctx context.Context) error {
				r, err := s.start(ctx, submitSM, body, nil)
				if err != nil {
					return err
				}
				_, err = s.await(ctx, r)
				return err
			})
		})
	}
}

// BenchmarkSend is all of it: from a message to its receipt.
func BenchmarkSend(b *testing.B) {
	for _, load := range loads {
		b.Run(fmt.Sprintf("window=%d/answer=%v", load.window, load.after), func(b *testing.B) {
			addr, ask := startSwallowing(b, load.after)
			c := newChannel(b, nil, func(config *Config) { config.Addr, config.Window = addr, load.window })
			c.log = zap.NewNop()
			m := text("", benchText)
			measure(b, load.window, ask, func(ctx context.Context) error {
				_, err := c.Send(ctx, m)
				return err
			})
		})
	}
}

// measure keeps so many sends in flight.
func measure(b *testing.B, inFlight int, ask func() swallowed, send func(context.Context) error) {
	if err := send(b.Context()); err != nil { // bound and warm
		b.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	peer, ours := ask(), processorTime()
	start := time.Now()
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := send(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	took, ours := time.Since(start), processorTime()-ours
	after := ask()
	if got := after.Submits - peer.Submits; got != int64(b.N) {
		b.Errorf("the SMSC counted %d of %d", got, b.N)
	}
	n := float64(b.N)
	b.ReportMetric(n/took.Seconds(), "SMS/s")
	b.ReportMetric(float64(ours.Microseconds())/n, "our-µs/SMS")
	b.ReportMetric(float64((after.CPU-peer.CPU).Microseconds())/n, "peer-µs/SMS")
	b.ReportMetric(0, "ns/op")
}
