package mqtt

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var suite = channeltest.Suite{
	New:     func(t testing.TB, _ string) channels.Channel { return open(t, startFake(t, nil).addr(), nil) },
	Secrets: []string{password},
}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) { channeltest.Golden(t, open(t, "broker.example", nil)) }

// The broker's word on one publication decides.
func TestReasonCodes(t *testing.T) {
	for code, want := range map[byte]channels.Verdict{
		0: channels.VerdictAccepted, 16: channels.VerdictAccepted,
		128: channels.VerdictRetry, 131: channels.VerdictRetry, 135: channels.VerdictUnauthorized, 144: channels.VerdictPermanent, 145: channels.VerdictRetry,
		149: channels.VerdictPermanent, 151: channels.VerdictRetry, 153: channels.VerdictPermanent, 200: channels.VerdictRetry,
	} {
		f := startFake(t, nil)
		f.words = "no: " + strings.Repeat("x", 1000)
		f.answer(func(string, int) (byte, bool) { return code, true })
		c := open(t, f.addr(), nil)
		receipt, err := c.Send(t.Context(), rendered(t, c, channeltest.Actual))
		wait := suite.Refuses(t, fmt.Sprint("PUBACK ", code), err, want)
		if got := wait > 0; got != (code == 151) {
			t.Errorf("PUBACK %d: wait %v", code, wait)
		}
		if warned := strings.Contains(receipt.Note, "nobody listens on 1 of 1 event topics (alerts/pt/event/istat/047017)"); warned != (code == 16) {
			t.Errorf("PUBACK %d: note %q", code, receipt.Note)
		}
		if code < 128 && receipt.ID != "01KAK3Z8G0FLD1RST0000000A1/1" {
			t.Errorf("PUBACK %d: id %q", code, receipt.ID)
		}
	}
}

// The broker's word on the connection: nothing was sent.
func TestConnectCodes(t *testing.T) {
	for code, want := range map[byte]channels.Verdict{
		128: channels.VerdictRetry, 132: channels.VerdictUnauthorized, 133: channels.VerdictUnauthorized, 134: channels.VerdictUnauthorized, 135: channels.VerdictUnauthorized,
		136: channels.VerdictRetry, 137: channels.VerdictRetry, 138: channels.VerdictUnauthorized, 140: channels.VerdictUnauthorized, 151: channels.VerdictRetry, 159: channels.VerdictRetry,
	} {
		f := startFake(t, nil)
		f.connack, f.words = code, "you are "+password
		c := open(t, f.addr(), nil)
		for i := range 2 { // the second falls into the wait for the next attempt
			_, err := c.Send(t.Context(), rendered(t, c, channeltest.Actual))
			suite.Refuses(t, fmt.Sprintf("CONNACK %d, %d", code, i), err, want)
		}
		suite.Refuses(t, fmt.Sprintf("CONNACK %d, check", code), c.Check(t.Context()), want)
		if n := len(f.connected()); n != 2 {
			t.Errorf("CONNACK %d: %d attempts to connect, want one for the alerts and one for the check", code, n)
		}
	}
}

// Of several areas some may be refused.
func TestTakenInPart(t *testing.T) {
	for name, c := range map[string]struct {
		code     byte
		exercise bool
		want     channels.Verdict
	}{
		"no right for one area":                    {135, false, channels.VerdictUnauthorized},
		"no right for one area, in an exercise":    {135, true, channels.VerdictPermanent},
		"one area over the quota":                  {151, false, channels.VerdictUncertain},
		"one area that can never be":               {144, false, channels.VerdictPermanent},
		"one area where nobody listens is no harm": {16, false, channels.VerdictAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			f := startFake(t, nil)
			f.answer(func(topic string, _ int) (byte, bool) {
				if strings.HasSuffix(topic, "/047014") {
					return c.code, true
				}
				return 0, true
			})
			ch := open(t, f.addr(), nil)
			kind := channeltest.Actual
			if c.exercise {
				kind = channeltest.Exercise
			}
			_, err := ch.Send(t.Context(), rendered(t, ch, kind, "047014", "047017", "047002"))
			suite.Refuses(t, name, err, c.want)
		})
	}
}

func TestManyAreasWithinTheBrokersWindow(t *testing.T) {
	f := startFake(t, nil)
	three := uint16(3)
	f.receive = &three
	c := open(t, f.addr(), nil)
	var codes []string
	for i := range 500 {
		codes = append(codes, fmt.Sprintf("%06d", i))
	}
	send(t, c, rendered(t, c, channeltest.Actual, codes...))
	got := map[string]int{}
	for i, p := range f.published() {
		got[p.Topic]++
		if event := strings.HasPrefix(p.Topic, "alerts/pt/event/"); event != (i < 500) {
			t.Fatalf("publication %d is %s: sirens come before boards", i, p.Topic)
		}
	}
	if len(got) != 1000 {
		t.Errorf("%d topics, want 1000", len(got))
	}
}

// What must not sound any more does not leave.
func TestTooLate(t *testing.T) {
	f := startFake(t, nil)
	c := open(t, f.addr(), nil)
	m := rendered(t, c, channeltest.Actual)
	send(t, c, rendered(t, c, channeltest.Cancel))
	before := len(f.published())
	_, err := c.Send(t.Context(), m)
	if suite.Refuses(t, "an alert after its Cancel", err, channels.VerdictPermanent); !errors.Is(err, errOld) {
		t.Errorf("an alert after its Cancel: %v", err)
	}
	c.now = func() time.Time { return m.Expires }
	_, err = c.Send(t.Context(), m)
	if suite.Refuses(t, "an expired alert", err, channels.VerdictPermanent); !errors.Is(err, errExpired) {
		t.Errorf("an expired alert: %v", err)
	}
	if len(f.published()) != before {
		t.Error("published all the same")
	}
	send(t, c, rendered(t, c, channeltest.Cancel)) // again, and after the expiry: a Cancel always leaves
}

func TestExpiry(t *testing.T) {
	f := startFake(t, nil)
	c := open(t, f.addr(), nil)
	for kind, want := range map[channeltest.Kind]uint32{channeltest.Actual: 7*3600 + 29*60, channeltest.Cancel: 24 * 3600, channeltest.AllClear: 24 * 3600} {
		before := len(f.published())
		send(t, c, rendered(t, c, kind))
		for _, p := range f.published()[before:] {
			switch {
			case len(p.Payload) == 0 && p.Retain: // a state that is cleared
			case p.Properties.MessageExpiry == nil || *p.Properties.MessageExpiry != want:
				t.Errorf("%s on %s: expiry %v, want %d", kind, p.Topic, p.Properties.MessageExpiry, want)
			}
		}
		c.placed = placed{}
	}
	m := rendered(t, c, channeltest.Actual)
	for left, want := range map[time.Duration]uint32{time.Millisecond: 1, 1500 * time.Millisecond: 2, 200 * 365 * 24 * time.Hour: 1<<32 - 1} {
		if got := *keptFor(m, m.Expires.Add(-left)); got != want {
			t.Errorf("%v before the end: %d s, want %d", left, got, want)
		}
	}
}

// Nothing that a broker could say by itself, nothing that it keeps for us.
func TestConnectsWithoutWillOrSession(t *testing.T) {
	f := startFake(t, nil)
	c := open(t, f.addr(), func(c *Config) { c.ClientID = "node-1" })
	send(t, c, rendered(t, c, channeltest.Actual))
	got := f.connected()[0]
	if got.WillFlag || !got.CleanStart || *got.Properties.SessionExpiryInterval != 0 || got.ClientID != "node-1" || got.KeepAlive != 15 || got.Username != "gw" || string(got.Password) != password {
		t.Errorf("CONNECT %v", got.ClientID)
	}
	for _, p := range f.published() {
		if p.QoS != 1 || p.Duplicate {
			t.Errorf("%s with QoS %d, duplicate %v", p.Topic, p.QoS, p.Duplicate)
		}
	}
}

func TestPayload(t *testing.T) {
	f := startFake(t, nil)
	c := open(t, f.addr(), nil)
	for kind, want := range map[channeltest.Kind]struct{ level, change, expires string }{
		channeltest.Actual:   {"extreme", "issued", "2026-11-21T17:30:00Z"},
		channeltest.Moderate: {"moderate", "issued", "2026-11-21T17:30:00Z"},
		channeltest.Exercise: {"extreme", "issued", "2026-11-21T17:30:00Z"},
		channeltest.Update:   {"extreme", "updated", "2026-11-21T17:30:00Z"},
		channeltest.Cancel:   {"none", "cancelled", ""},
		channeltest.AllClear: {"none", "ended", ""},
	} {
		c.placed = placed{}
		before := len(f.published())
		send(t, c, rendered(t, c, kind, "047014", "047017"))
		got := f.published()[before]
		var p Payload
		if err := json.Unmarshal(got.Payload, &p); err != nil {
			t.Fatal(err)
		}
		if p.V != 1 || p.Level != want.level || string(p.Change) != want.change || p.Expires != want.expires || p.Sent != "2026-11-21T10:00:00Z" ||
			p.Exercise != (kind == channeltest.Exercise) || len(p.Areas) != 2 || len(p.Translations) != 1 || p.Instruction == "" || len(got.Payload) > 2000 {
			t.Errorf("%s: %s", kind, got.Payload)
		}
		if marked := strings.HasPrefix(p.Headline, "ESERCITAZIONE") && strings.HasPrefix(p.Translations[0].Headline, "EXERCISE"); marked != p.Exercise {
			t.Errorf("%s: headline %q", kind, p.Headline)
		}
		if got.Properties.ContentType != "application/json" || string(got.Properties.CorrelationData) != receiptID(p.Event, p.Revision) {
			t.Errorf("%s: content type %q, correlation %q", kind, got.Properties.ContentType, got.Properties.CorrelationData)
		}
	}
}

func TestLongTextsStayShort(t *testing.T) {
	c := open(t, "broker.example", nil)
	r := channeltest.Sample(channeltest.Exercise, "it")
	r.Alert.Infos[0].Event = strings.Repeat("Rischio idraulico ", 60)
	r.Alert.Infos[0].Instruction = strings.Repeat("Salite ai piani alti, perché l'acqua sale. ", 200)
	messages, err := c.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	var p Payload
	if err := json.Unmarshal(messages[0].Payload, &p); err != nil {
		t.Fatal(err)
	}
	if n := len([]rune(p.Headline)); n > longestHeadline || !strings.HasPrefix(p.Headline, "ESERCITAZIONE - Avviso - pericolo estremo") {
		t.Errorf("headline of %d: %q", n, p.Headline)
	}
	if n := len([]rune(p.Instruction)); n > longestInstruction || !strings.HasSuffix(p.Instruction, ".") {
		t.Errorf("instruction of %d: %q", n, p.Instruction)
	}
}

// Only places that have devices get anything, and an alert for other places is
// refused before anybody believes in it.
func TestConfiguredAreas(t *testing.T) {
	f := startFake(t, nil)
	c := open(t, f.addr(), func(c *Config) { c.Areas = []string{"ISTAT=047014"} })
	send(t, c, rendered(t, c, channeltest.Actual, "047014", "047017"))
	for _, p := range f.published() {
		if !strings.Contains(p.Topic, "/istat/047014") {
			t.Errorf("published to %s", p.Topic)
		}
	}
	r := channeltest.Sample(channeltest.Actual)
	r.Areas = channeltest.SampleAreas
	if _, err := c.Render(r); err == nil {
		t.Error("rendered for an area without devices")
	}
}

func TestConfigMistakes(t *testing.T) {
	good := func() Config {
		return Config{URL: "mqtts://broker.example", Username: "gw", PasswordFile: secretFile(t, password)}
	}
	if _, err := New("sirens", good(), channeltest.Settings(), zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	zero := 0
	der, _ := selfSigned(t)
	for what, change := range map[string]func(*Config){
		"url is missing":           func(c *Config) { c.URL = "" },
		"mqtts://":                 func(c *Config) { c.URL = "https://broker.example" },
		"user or password":         func(c *Config) { c.URL = "mqtt://gw:pw@broker.example" },
		"not an address":           func(c *Config) { c.URL = "mqtt://broker.example/alerts" },
		"+ or #":                   func(c *Config) { c.Topic = "alerts/#" },
		"empty level":              func(c *Config) { c.Topic = "/alerts" },
		"belongs to the broker":    func(c *Config) { c.Topic = "$SYS/alerts" },
		"space or control":         func(c *Config) { c.AckTopic = "a\x00" },
		"one lies within":          func(c *Config) { c.ExerciseTopic = "alerts/exercise" },
		"ack_topic":                func(c *Config) { c.AckTopic = "alerts" },
		"qos is 0":                 func(c *Config) { c.QoS = &zero },
		"areas[0]":                 func(c *Config) { c.Areas = []string{"047014"} },
		"without username":         func(c *Config) { c.Username = "" },
		"password_file":            func(c *Config) { c.PasswordFile = "/nowhere" },
		"needs a client_id":        func(c *Config) { c.SessionExpiry = time.Hour },
		"ca_file is given":         func(c *Config) { c.URL, c.CAFile = "mqtt://broker.example", writeCA(t, der) },
		"ca_file: holds no cert":   func(c *Config) { c.CAFile = secretFile(t, "nothing") },
		"per_second is negative":   func(c *Config) { c.PerSecond = -1 },
		"exercise_topic is longer": func(c *Config) { c.ExerciseTopic = strings.Repeat("x", 200) },
	} {
		c := good()
		change(&c)
		if _, err := New("sirens", c, channeltest.Settings(), zap.NewNop()); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %q", err, what)
		}
	}
	if notes := open(t, "broker.example", nil).Notes(); len(notes) != 1 || !strings.Contains(notes[0], "not encrypted") {
		t.Errorf("notes %q", notes)
	}
	if notes := open(t, "127.0.0.1:1883", nil).Notes(); len(notes) != 0 {
		t.Errorf("notes %q", notes)
	}
}

func writeCA(t testing.TB, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// selfSigned is a certificate of this machine, and its key.
func selfSigned(t testing.TB) (der []byte, key *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	if der, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key); err != nil {
		t.Fatal(err)
	}
	return der, key
}

func TestTLS(t *testing.T) {
	der, key := selfSigned(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	f := startFake(t, l)
	trusting := open(t, f.addr(), func(c *Config) { c.URL, c.CAFile = "mqtts://"+f.addr(), writeCA(t, der) })
	send(t, trusting, rendered(t, trusting, channeltest.Actual, "047014", "047017"))
	if n := len(f.published()); n != 4 {
		t.Errorf("%d publications, want 4", n)
	}
	wary := open(t, f.addr(), func(c *Config) { c.URL = "mqtts://" + f.addr() })
	_, err = wary.Send(t.Context(), rendered(t, wary, channeltest.Actual))
	suite.Refuses(t, "an unknown authority", err, channels.VerdictRetry)
	if err == nil || !strings.Contains(err.Error(), "tls: ") {
		t.Errorf("got %v", err)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c := open(t, addr, nil)
	_, err = c.Send(t.Context(), rendered(t, c, channeltest.Actual))
	if wait := suite.Refuses(t, "nobody listens", err, channels.VerdictRetry); wait <= 0 || wait > longestWait {
		t.Errorf("wait %v", wait)
	}
	suite.Refuses(t, "nobody listens, check", c.Check(t.Context()), channels.VerdictRetry)
	c.Close()
	_, err = c.Send(t.Context(), rendered(t, c, channeltest.Actual))
	suite.Refuses(t, "closed", err, channels.VerdictRetry)
}

// A sender that was told to stop, and one whose broker went silent.
func TestBrokerThatGoesSilent(t *testing.T) {
	f := startFake(t, nil)
	f.answer(func(string, int) (byte, bool) { return 0, false })
	c := open(t, f.addr(), nil)
	c.times.answer = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Send(ctx, rendered(t, c, channeltest.Actual))
	suite.Refuses(t, "cancelled before", err, channels.VerdictRetry)
	_, err = c.Send(t.Context(), rendered(t, c, channeltest.Actual))
	suite.Refuses(t, "no PUBACK", err, channels.VerdictUncertain)
	f.answer(nil)
	until(t, "the next one connects again", func() bool {
		_, err := c.Send(t.Context(), rendered(t, c, channeltest.Actual))
		return err == nil
	})
	if n := len(f.connected()); n != 2 {
		t.Errorf("%d connections, want a new one after the silence", n)
	}
}

func TestCovers(t *testing.T) {
	c := open(t, "broker.example", func(c *Config) { c.Areas = []string{"istat=047014", "EMMA_ID=IT009"} })
	m := channels.Message{Areas: []alerts.Value{{Name: "ISTAT", Value: "047014"}, {Name: "istat", Value: "047014"}, {Name: "ISTAT", Value: "047017"}, {Name: "emma_id", Value: "IT009"}, {Name: "ISTAT", Value: ""}}}
	want := []alerts.Value{{Name: "ISTAT", Value: "047014"}, {Name: "emma_id", Value: "IT009"}}
	if got := c.Covers(m); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A session that follows on one that has just ended is not forgotten with it:
// nobody would close it.
func TestANewSessionOutlivesTheOldOne(t *testing.T) {
	f := startFake(t, nil)
	c := open(t, f.addr(), nil)
	const losses = 50
	for range losses {
		s, err := c.sender.session(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		s.once.Do(func() { s.why = errBroken }) // nobody but us tells why it ends
		f.cut()
		<-s.client.Done()
		if _, err := c.sender.session(t.Context(), true); err != nil { // while that is still waited for
			t.Fatal(err)
		}
		close(s.told)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c.Close()
	}()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("a session was forgotten, and is never closed")
	}
	if n := len(f.connected()); n != losses+1 {
		t.Errorf("%d connections, want one more than losses: %d", n, losses+1)
	}
}
