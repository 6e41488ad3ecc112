package webpush

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"142.250.184.10": true, "34.107.65.5": true, "17.188.143.34": true, "2a00:1450:4002:402::200a": true, "2620:149:a21:f000::8": true, "64:ff9b::8efa:b80a": true, "::ffff:142.250.184.10": true,
		"127.0.0.1": false, "127.255.255.254": false, "::1": false, "0.0.0.0": false, "::": false, "0.1.2.3": false,
		"10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false, "172.32.0.1": true, "192.168.1.1": false, "fd00:ec2::254": false, "fc00::1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "2a00:1450::1%eth0": false,
		"100.64.0.1": false, "100.127.255.255": false, "100.128.0.1": true, "100.100.100.200": false, // carriers' NAT, and a cloud's metadata in it
		"192.0.0.192": false, "192.0.2.1": false, "198.18.0.1": false, "198.51.100.7": false, "203.0.113.9": false, "192.88.99.1": false,
		"224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false,
		"2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false, "100::1": false, "fec0::1": false, "5f00::1": false, "3fff::1": false,
	} {
		if got := channels.PublicAddress(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	if channels.PublicAddress(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

func TestTheGuardStandsAtTheSocket(t *testing.T) {
	var connections atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, to := range []string{l.Addr().String(), "localhost:" + port, "[::ffff:127.0.0.1]:" + port} {
		if c, err := transport(false).DialContext(t.Context(), "tcp", to); !errors.Is(err, channels.ErrPrivate) {
			t.Errorf("%s: %v, %v", to, c, err)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
	if c, err := transport(true).DialContext(t.Context(), "tcp", l.Addr().String()); err != nil {
		t.Errorf("allowed: %v", err)
	} else {
		c.Close()
	}
}

// A name that leads to the outside when it is looked at, and inside when it is
// connected to.
func TestARebindingNameGainsNothing(t *testing.T) {
	var lookups atomic.Int32
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go answerDNS(theirs, func() [4]byte {
			if lookups.Add(1) == 1 {
				return [4]byte{142, 250, 184, 10}
			}
			return [4]byte{127, 0, 0, 1}
		})
		return ours, nil
	}}
	conf := config(t)
	conf.AllowPrivate = false
	ch, err := New("push", conf, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ch.call.Client.Transport.(*http.Transport).DialContext = (&net.Dialer{ControlContext: channels.DialPublic, Resolver: resolver}).DialContext
	if addrs, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.example.org"); err != nil || len(addrs) != 1 || !channels.PublicAddress(addrs[0]) {
		t.Fatalf("the first look gives %v, %v", addrs, err)
	}
	_, err = ch.Send(t.Context(), message(t, ch, channeltest.Actual, contact("https://rebind.example.org/"+token1)))
	suite.Refuses(t, "rebinding", err, channels.VerdictPermanent)
	if err == nil || !strings.Contains(err.Error(), channels.ErrPrivate.Error()) || lookups.Load() < 2 {
		t.Errorf("%v after %d lookups", err, lookups.Load())
	}
}

// answerDNS answers the queries of one connection (RFC 1035, section 4.2.2): A
// with the address, everything else with nothing.
func answerDNS(c net.Conn, address func() [4]byte) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, q); err != nil {
			return
		}
		end := 12
		for q[end] != 0 {
			end += int(q[end]) + 1
		}
		end += 5 // the root, type, class
		out := append([]byte(nil), q[:end]...)
		out[2], out[3] = out[2]|0x80, 0x80
		clear(out[6:12])
		if q[end-3] == 1 { // A
			ip := address()
			out[7] = 1
			out = append(append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), ip[:]...)
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)); err != nil {
			return
		}
	}
}
