package mqtt

import (
	"net"
	"sync"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// fake is a broker that answers with the codes it is told to. It keeps nothing
// and hands nothing on.
type fake struct {
	listener net.Listener
	wait     sync.WaitGroup

	mu       sync.Mutex
	connack  byte
	words    string
	receive  *uint16
	puback   func(topic string, n int) (code byte, ok bool) // n counts from 1; ok false: no answer
	got      []*packets.Publish
	connects []*packets.Connect
	conns    map[net.Conn]bool
}

func startFake(t testing.TB, listener net.Listener) *fake {
	t.Helper()
	if listener == nil {
		var err error
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	f := &fake{listener: listener, conns: map[net.Conn]bool{}}
	f.wait.Go(func() {
		for {
			conn, err := f.listener.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns[conn] = true
			f.mu.Unlock()
			f.wait.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(f.close)
	return f
}

func (f *fake) close() {
	f.listener.Close()
	f.cut()
	f.wait.Wait()
}

// cut closes every connection.
func (f *fake) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		c.Close()
		delete(f.conns, c)
	}
}

func (f *fake) addr() string { return f.listener.Addr().String() }

func (f *fake) answer(puback func(string, int) (byte, bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.puback = puback
}

// acknowledge answers what came as the nth and was left without an answer.
func (f *fake) acknowledge(t testing.TB, n int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn := range f.conns {
		p := packets.NewControlPacket(packets.PUBACK)
		p.Content.(*packets.Puback).PacketID = f.got[n-1].PacketID
		if _, err := p.WriteTo(conn); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *fake) published() []*packets.Publish {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*packets.Publish(nil), f.got...)
}

func (f *fake) connected() []*packets.Connect {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*packets.Connect(nil), f.connects...)
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	write := func(kind byte, fill func(content any)) bool {
		p := packets.NewControlPacket(kind)
		fill(p.Content)
		_, err := p.WriteTo(conn)
		return err == nil
	}
	for {
		p, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		ok := true
		switch in := p.Content.(type) {
		case *packets.Connect:
			f.mu.Lock()
			f.connects = append(f.connects, in)
			code, words, receive := f.connack, f.words, f.receive
			f.mu.Unlock()
			ok = write(packets.CONNACK, func(c any) {
				out := c.(*packets.Connack)
				out.ReasonCode, out.Properties.ReasonString, out.Properties.ReceiveMaximum = code, words, receive
			}) && code < 128
		case *packets.Publish:
			f.mu.Lock()
			f.got = append(f.got, in)
			n, puback, words := len(f.got), f.puback, f.words
			f.mu.Unlock()
			code, answers := byte(0), true
			if puback != nil {
				code, answers = puback(in.Topic, n)
			}
			if answers {
				ok = write(packets.PUBACK, func(c any) {
					out := c.(*packets.Puback)
					out.PacketID, out.ReasonCode, out.Properties.ReasonString = in.PacketID, code, words
				})
			}
		case *packets.Subscribe:
			ok = write(packets.SUBACK, func(c any) {
				out := c.(*packets.Suback)
				out.PacketID, out.Reasons = in.PacketID, []byte{135}
			})
		case *packets.Unsubscribe:
			ok = write(packets.UNSUBACK, func(c any) {
				out := c.(*packets.Unsuback)
				out.PacketID, out.Reasons = in.PacketID, []byte{17}
			})
		case *packets.Pingreq:
			ok = write(packets.PINGRESP, func(any) {})
		case *packets.Disconnect:
			return
		}
		if !ok {
			return
		}
	}
}
