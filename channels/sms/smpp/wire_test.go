package smpp

import (
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(nil) // for its certificate
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: server.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &smsc{password: testPassword}
	go s.accept(l)
	c := newChannel(t, nil, func(c *Config) { c.Addr, c.TLS, c.CAFile = l.Addr().String(), true, ca })
	if _, err := c.Send(t.Context(), text("k", "Piove.")); err != nil {
		t.Error(err)
	}
	stranger := newChannel(t, nil, func(c *Config) { c.Addr, c.TLS = l.Addr().String(), true })
	if _, err := stranger.Send(t.Context(), text("k", "Piove.")); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown certificate is trusted: %v", err)
	}
}

func (s *smsc) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c := &caller{Conn: conn, smsc: s}
		go c.serve()
	}
}

// Another decoder reads our parts.
func TestTsharkAgrees(t *testing.T) {
	for _, program := range []string{"tshark", "text2pcap"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIP: %s is not installed: our octets are not checked by it", program)
		}
	}
	parts, err := encode(longText, 7)
	if err != nil {
		t.Fatal(err)
	}
	var dump strings.Builder
	for i, p := range parts {
		frame, err := appendPDU(nil, pdu{command: submitSM, seq: uint32(i + 4), body: &message{
			source: address{5, 0, "Comune"}, destination: address{1, 1, "393330001234"}, esmClass: p.esmClass, dataCoding: p.coding, text: p.text, registered: 1,
		}})
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(frame); at += 16 {
			fmt.Fprintf(&dump, "%06x", at)
			for _, b := range frame[at:min(at+16, len(frame))] {
				fmt.Fprintf(&dump, " %s", hex.EncodeToString([]byte{b}))
			}
			dump.WriteString("\n")
		}
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.hex"), filepath.Join(dir, "out.pcap")
	if err := os.WriteFile(in, []byte(dump.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.CommandContext(t.Context(), "text2pcap", "-q", "-T", "40000,2775", in, out).CombinedOutput(); err != nil {
		t.Fatalf("text2pcap: %v: %s", err, b)
	}
	got, err := exec.CommandContext(t.Context(), "tshark", "-r", out, "-d", "tcp.port==2775,smpp", "-T", "fields", "-e", "smpp.sequence_number",
		"-e", "gsm_sms.udh.mm.msg_id", "-e", "gsm_sms.udh.mm.msg_parts", "-e", "gsm_sms.udh.mm.msg_part").Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "4\t7\t2\t1\n5\t7\t2\t2\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
