package smpp

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
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

// tshark gives what Wireshark's decoder reads in each frame: the fields, with a
// comma between several of one name.
func tshark(t *testing.T, frames [][]byte, fields ...string) []string {
	t.Helper()
	for _, program := range []string{"tshark", "text2pcap"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIP: %s is not installed: our octets are not checked by it", program)
		}
	}
	var dump strings.Builder
	for _, frame := range frames {
		for at := 0; at < len(frame); at += 16 {
			fmt.Fprintf(&dump, "%06x", at)
			for _, b := range frame[at:min(at+16, len(frame))] {
				fmt.Fprintf(&dump, " %02x", b)
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
	args := []string{"-r", out, "-d", "tcp.port==2775,smpp", "-T", "fields", "-E", "separator=|"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	got, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")
}

func encoded(t *testing.T, pdus ...pdu) [][]byte {
	t.Helper()
	var frames [][]byte
	for _, p := range pdus {
		frame, err := appendPDU(nil, p)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame)
	}
	return frames
}

// Another decoder reads our parts.
func TestTsharkAgrees(t *testing.T) {
	parts, err := encode(longText, 7)
	if err != nil {
		t.Fatal(err)
	}
	var pdus []pdu
	for i, p := range parts {
		pdus = append(pdus, pdu{command: submitSM, seq: uint32(i + 4), body: &message{
			source: address{5, 0, "Comune"}, destination: address{1, 1, "393330001234"}, esmClass: p.esmClass, dataCoding: p.coding, text: p.text, registered: 1,
		}})
	}
	got := tshark(t, encoded(t, pdus...), "smpp.sequence_number", "gsm_sms.udh.mm.msg_id", "gsm_sms.udh.mm.msg_parts", "gsm_sms.udh.mm.msg_part")
	if want := []string{"4|7|2|1", "5|7|2|2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// And all that a channel really writes: binds, both copies of a text in another
// script, an answer, the end.
func TestTsharkReadsAConversation(t *testing.T) {
	s := &smsc{keep: true}
	var expires time.Time
	inBubble(t, func(t *testing.T) {
		c := newChannel(t, s, func(c *Config) { c.Bind, c.Flash, c.ReplyNumber = "pair", "extreme", "+390573000111" })
		if err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		m := text("k", "Тревога")
		expires = time.Now().Add(time.Hour)
		m.Expires, m.Severity = expires, alerts.SeverityExtreme
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if err := c.Answer(t.Context(), testNumber, "Fatto"); err != nil {
			t.Fatal(err)
		}
		c.Close()
	})
	until := expires.UTC().Format("Jan _2, 2006 15:04:05.000000000 UTC")
	later := expires.Add(-time.Hour + answerValidity).UTC().Format("Jan _2, 2006 15:04:05.000000000 UTC")
	count := map[string]int{}
	for _, row := range tshark(t, s.heard(), "smpp.command_id", "smpp.source_addr", "smpp.destination_addr", "smpp.data_coding", "smpp.message_text", "smpp.message", "smpp.regdel.receipt", "smpp.user_message_reference", "smpp.validity_period") {
		count[row]++
	}
	const octets = "0422044004350432043e04330430"
	for row, n := range map[string]int{
		"0x00000002||||||||": 1, // bind_transmitter
		"0x00000001||||||||": 1, // bind_receiver
		"0x00000015||||||||": 2, // enquire_link
		"0x00000004|Comune|393330001234|0x08|Тревога|" + octets + "|0x01|0x1177|" + until: 1,
		"0x00000004|Comune|393330001234|0x18||" + octets + "|0x00||" + until:              1,
		"0x00000004|390573000111|393330001234|0x00||466174746f|0x00||" + later:            1,
		"0x00000006||||||||": 2, // unbind
	} {
		if count[row] != n {
			t.Errorf("%d times %q, want %d; read %v", count[row], row, n, count)
		}
		delete(count, row)
	}
	if len(count) > 0 {
		t.Errorf("and also %v", count)
	}
}
