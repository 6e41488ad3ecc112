package smpp

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// swallowing listens on loopback and takes every submit, at once or after a
// while. It is written for speed, so that it is not what is measured.
func swallowing(b *testing.B, after time.Duration) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go swallow(conn, after)
		}
	}()
	return l.Addr().String()
}

func swallow(conn net.Conn, after time.Duration) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	var buf, out []byte
	for n := 0; ; n++ {
		var err error
		if buf, err = readFrame(r, buf); err != nil {
			return
		}
		p, err := decodePDU(buf[:headerSize:headerSize])
		p.command = command(uint32(buf[7]) | uint32(buf[4])<<24)
		p.seq = uint32(buf[12])<<24 | uint32(buf[13])<<16 | uint32(buf[14])<<8 | uint32(buf[15])
		_ = err // only the header is looked at
		answer := pdu{command: p.command.response(), seq: p.seq}
		if p.command == submitSM {
			answer.body = &messageAnswer{fmt.Sprint(n)}
		}
		out, _ = appendPDU(out, answer)
		switch {
		case after > 0 && p.command == submitSM:
			late := out
			out = nil
			time.AfterFunc(after, func() { conn.Write(late) })
		case r.Buffered() == 0 || len(out) > 32<<10:
			if _, err := conn.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
	}
}

// BenchmarkSubmit is the session against an SMSC in the same process, so the
// processor time per SMS counts both sides.
func BenchmarkSubmit(b *testing.B) {
	for _, c := range []struct {
		window int
		after  time.Duration
	}{{50, 0}, {1000, 0}, {1000, 20 * time.Millisecond}} {
		b.Run(fmt.Sprintf("window %d answer %v", c.window, c.after), func(b *testing.B) {
			addr := swallowing(b, c.after)
			ch := newChannel(b, nil, func(config *Config) { config.Addr, config.Window = addr, c.window })
			m := text("", "Allerta: piove. https://allerta.example/a/01KAK3Z8G0FLD1RST0000000A1")
			if _, err := ch.Send(b.Context(), m); err != nil {
				b.Fatal(err)
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			before, start := processorTime(), time.Now()
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range c.window {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := ch.Send(b.Context(), m); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "SMS/s")
			b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "µs-cpu/SMS")
		})
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
