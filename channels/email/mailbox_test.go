package email

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// hang is the limit for what should happen soon.
const hang = 2 * time.Minute

// postBox is an IMAP server of emersion/go-imap.
type postBox struct {
	addr string
	user *imapmemserver.User
}

func startPostBox(t testing.TB, caps imap.CapSet, folders ...string) *postBox {
	t.Helper()
	b := &postBox{user: imapmemserver.NewUser(testUser, testPassword)}
	for _, folder := range append([]string{"INBOX"}, folders...) {
		if err := b.user.Create(folder, nil); err != nil {
			t.Fatal(err)
		}
	}
	memory := imapmemserver.New()
	memory.AddUser(b.user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return memory.NewSession(), nil, nil
		},
		Caps: caps, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	if !caps.Has(imap.CapIMAP4rev2) {
		l = sleepless{l}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = l.Close() // a server that had not begun does not know it yet
		<-ended
	})
	return b
}

// sleepless hides that the server can IDLE, which it always says.
type sleepless struct{ net.Listener }

func (s sleepless) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	return wakeful{conn}, err
}

type wakeful struct{ net.Conn }

func (w wakeful) Write(b []byte) (int, error) {
	return w.Conn.Write(bytes.ReplaceAll(b, []byte(" IDLE"), []byte(" XDLE")))
}

func (b *postBox) put(t testing.TB, source []byte) {
	t.Helper()
	if _, err := b.user.Append("INBOX", literal{strings.NewReader(string(source))}, &imap.AppendOptions{}); err != nil {
		t.Fatal(err)
	}
}

type literal struct{ *strings.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// count gives how many mails a folder has, and how many are unread.
func (b *postBox) count(t testing.TB, folder string) (all, unread uint32) {
	t.Helper()
	data, err := b.user.Status(folder, &imap.StatusOptions{NumMessages: true, NumUnseen: true})
	if err != nil {
		t.Fatal(err)
	}
	return *data.NumMessages, *data.NumUnseen
}

func (b *postBox) config(t testing.TB, doneFolder string) func(*Config) {
	return func(c *Config) {
		c.StopAddress, c.BounceAddress = "stop@comune.pistoia.example", "bounce+{token}@comune.pistoia.example"
		c.Receipts = Receipts{IMAP: b.addr, TLS: tlsNone, Username: testUser, PasswordFile: secretFile(t, testPassword), DoneFolder: doneFolder}
	}
}

// sink keeps what comes, or refuses it.
type sink struct {
	mu      sync.Mutex
	refuse  error // of everything
	unasked error // of replies
	reports chan channels.DeliveryReport
	replies chan channels.Reply
	refused chan struct{}
}

func newSink() *sink {
	return &sink{reports: make(chan channels.DeliveryReport, 100), replies: make(chan channels.Reply, 100), refused: make(chan struct{}, 100)}
}

func (s *sink) set(refuse, unasked error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse, s.unasked = refuse, unasked
}

func (s *sink) Report(_ context.Context, channel string, r channels.DeliveryReport) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		s.tell()
		return s.refuse
	}
	if channel == "mail" {
		s.reports <- r
	}
	return nil
}

func (s *sink) Reply(_ context.Context, _ string, r channels.Reply) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.refuse, s.unasked); err != nil {
		s.tell()
		return err
	}
	s.replies <- r
	return nil
}

func (s *sink) tell() {
	select {
	case s.refused <- struct{}{}:
	default:
	}
}

func await[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(hang):
		t.Fatalf("%s did not come", what)
		panic("not reached")
	}
}

// eventually waits for what a server does a moment later.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(hang)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: not within %v", what, hang)
		}
	}
}

// listen runs Listen until the test ends, or stop is called. It looks often:
// the server of these tests forgets to tell of what comes just before IDLE.
func listen(t testing.TB, c *Channel, to channels.Sink) (stop func()) {
	t.Helper()
	return listenEvery(t, c, to, 20*time.Millisecond)
}

func listenEvery(t testing.TB, c *Channel, to channels.Sink, poll time.Duration) (stop func()) {
	t.Helper()
	c.poll = poll
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Listen(ctx, to) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := await(t, "the end of Listen", ended); !errors.Is(err, context.Canceled) {
				t.Errorf("Listen ended with %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

var withIdle = imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}}

func TestListen(t *testing.T) {
	for name, caps := range map[string]imap.CapSet{"a server that tells of new mail": withIdle, "one that must be asked": {imap.CapIMAP4rev1: {}}} {
		for _, folder := range []string{"", "Fatto"} {
			t.Run(name+" "+folder, func(t *testing.T) {
				box := startPostBox(t, caps)
				c := newChannel(t, "127.0.0.1:25", box.config(t, folder))
				first, second := outgoing(t, c, "a/1/mail/1"), outgoing(t, c, "a/1/mail/2")
				box.put(t, fixture(t, "dsn-postfix-failed", first))
				box.put(t, []byte("From: nonna@posta.example\r\nSubject: auguri\r\n\r\nBuon compleanno\r\n"))
				to := newSink()
				listen(t, c, to)
				if r := await(t, "what was there", to.reports); r.MessageID != first.id || r.State != channels.ReportFailed {
					t.Errorf("%+v", r)
				}
				box.put(t, fixture(t, "pec-avvenuta-consegna", second))
				if r := await(t, "what came", to.reports); r.MessageID != second.id || r.State != channels.ReportDelivered {
					t.Errorf("%+v", r)
				}
				box.put(t, []byte("From: x@y.example\r\nSubject: STOP "+c.seal.ticket(testTo)+"\r\n\r\n"))
				if r := await(t, "a STOP", to.replies); r.From != testTo || r.Text != "STOP" {
					t.Errorf("%+v", r)
				}
				// What was taken is marked or moved; grandmother's mail stays unread.
				eventually(t, "marked", func() bool {
					all, unread := box.count(t, "INBOX")
					if folder == "" {
						return all == 4 && unread == 1
					}
					done, _ := box.count(t, folder)
					return all == 1 && unread == 1 && done == 3
				})
				if len(to.reports)+len(to.replies) != 0 {
					t.Error("something came twice")
				}
			})
		}
	}
}

// A server that tells of new mail need not be asked.
func TestIdle(t *testing.T) {
	box := startPostBox(t, withIdle)
	c := newChannel(t, "127.0.0.1:25", box.config(t, ""))
	first, second := outgoing(t, c, "a/1/mail/1"), outgoing(t, c, "a/1/mail/2")
	box.put(t, fixture(t, "dsn-postfix-failed", first))
	to := newSink()
	listenEvery(t, c, to, time.Hour)
	await(t, "what was there", to.reports)
	box.put(t, fixture(t, "dsn-postfix-failed", second))
	var got channels.DeliveryReport
	eventually(t, "the second report", func() bool {
		select {
		case got = <-to.reports:
			return true
		default: // more mail wakes a server that forgot to tell of the first
			box.put(t, []byte("From: nonna@posta.example\r\n\r\nauguri\r\n"))
			return false
		}
	})
	if got.MessageID != second.id {
		t.Errorf("%+v", got)
	}
}

// Nothing is marked before it is stored.
func TestWhatIsNotStoredStays(t *testing.T) {
	box := startPostBox(t, withIdle)
	c := newChannel(t, "127.0.0.1:25", box.config(t, ""))
	w := outgoing(t, c, "a/1/mail/1")
	box.put(t, fixture(t, "dsn-postfix-failed", w))
	to := newSink()
	to.set(errors.New("the store is away"), nil)
	stop := listen(t, c, to)
	await(t, "a first try", to.refused)
	if _, unread := box.count(t, "INBOX"); unread != 1 {
		t.Fatal("marked, and not stored")
	}
	stop()
	to.set(nil, nil)
	listen(t, c, to)
	if r := await(t, "the report", to.reports); r.MessageID != w.id {
		t.Errorf("%+v", r)
	}
	eventually(t, "marked", func() bool { _, unread := box.count(t, "INBOX"); return unread == 0 })
}

// A reply that nobody takes does not keep what comes after it, and stays unread.
func TestAReplyThatNobodyTakes(t *testing.T) {
	box := startPostBox(t, imap.CapSet{imap.CapIMAP4rev1: {}})
	c := newChannel(t, "127.0.0.1:25", box.config(t, ""))
	w := outgoing(t, c, "a/1/mail/1")
	box.put(t, []byte("From: "+testTo+"\r\nIn-Reply-To: "+w.messageID+"\r\n\r\nA che ora finisce?\r\n"))
	to := newSink()
	to.set(nil, errors.New("nobody takes replies"))
	listen(t, c, to)
	for range replyTries {
		await(t, "a try", to.refused)
	}
	box.put(t, fixture(t, "dsn-postfix-failed", w))
	await(t, "the report behind it", to.reports)
	box.put(t, fixture(t, "dsn-postfix-delayed", w))
	await(t, "another one", to.reports)
	if len(to.refused) != 0 {
		t.Errorf("tried %d times too often", len(to.refused))
	}
	eventually(t, "marked", func() bool { _, unread := box.count(t, "INBOX"); return unread == 1 })
}

// The connection to the mailbox breaks, and comes back.
func TestABrokenMailboxComesBack(t *testing.T) {
	box := startPostBox(t, withIdle)
	proxy := channeltest.StartProxy(t, box.addr)
	c := newChannel(t, "127.0.0.1:25", func(conf *Config) {
		box.config(t, "")(conf)
		conf.Receipts.IMAP = proxy.Addr()
	})
	core, logs := observer.New(zap.DebugLevel)
	c.log = zap.New(core)
	to := newSink()
	listen(t, c, to)
	for i := range 3 {
		w := outgoing(t, c, fmt.Sprint("a/1/mail/", i))
		box.put(t, fixture(t, "dsn-postfix-failed", w))
		if r := await(t, "the report", to.reports); r.MessageID != w.id {
			t.Errorf("%+v", r)
		}
		eventually(t, "marked", func() bool { _, unread := box.count(t, "INBOX"); return unread == 0 })
		if i < 1 {
			proxy.Cut()
		}
	}
	for _, entry := range logs.All() {
		if line := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(line, testPassword) || strings.Contains(line, testUser) || strings.Contains(line, testTo) {
			t.Errorf("the log says %q", line)
		}
	}
	if logs.Len() == 0 {
		t.Error("nobody was told")
	}
}

// A mail of any size is read in bounds.
func TestALargeMail(t *testing.T) {
	box := startPostBox(t, withIdle)
	c := newChannel(t, "127.0.0.1:25", box.config(t, ""))
	w := outgoing(t, c, "a/1/mail/1")
	notice := string(fixture(t, "dsn-postfix-failed", w))
	box.put(t, []byte("From: x@y.example\r\n\r\n"+strings.Repeat("padding padding padding\r\n", 200_000)))
	box.put(t, []byte(notice+strings.Repeat("padding padding padding\r\n", 100_000)))
	to := newSink()
	listen(t, c, to)
	if r := await(t, "the report", to.reports); r.MessageID != w.id {
		t.Errorf("%+v", r)
	}
}

func TestCheckOfTheMailbox(t *testing.T) {
	office, box := startOffice(t, nil), startPostBox(t, withIdle)
	for name, c := range map[string]struct {
		change func(*Receipts)
		want   channels.Verdict
	}{
		"all well":       {func(*Receipts) {}, channels.VerdictAccepted},
		"wrong password": {func(r *Receipts) { r.PasswordFile = secretFile(t, "wrong") }, channels.VerdictUnauthorized},
		"no such folder": {func(r *Receipts) { r.Folder = "Nessuna" }, channels.VerdictRetry},
	} {
		t.Run(name, func(t *testing.T) {
			ch := newChannel(t, office.addr, func(conf *Config) {
				box.config(t, "")(conf)
				c.change(&conf.Receipts)
			})
			box.put(t, []byte("From: a@b.example\r\n\r\nx\r\n"))
			_, before := box.count(t, "INBOX")
			suite.Refuses(t, name, ch.Check(t.Context()), c.want)
			if _, unread := box.count(t, "INBOX"); unread != before || len(office.all()) != 0 {
				t.Error("the check changed something")
			}
		})
	}
}

// Without a mailbox Listen waits.
func TestListenWithoutAMailbox(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	listen(t, c, newSink())()
}

// The whole way round: a mail is sent, its notice comes back and names it.
func TestFromSendToNotice(t *testing.T) {
	office, box := startOffice(t, nil), startPostBox(t, withIdle)
	c := newChannel(t, office.addr, box.config(t, ""))
	to := newSink()
	listen(t, c, to)
	receipt, err := c.Send(t.Context(), message(t, c, channeltest.Actual, "a/1/mail/7"))
	if err != nil {
		t.Fatal(err)
	}
	got := office.all()[0]
	box.put(t, fixture(t, "dsn-postfix-failed", written{messageID: "<cut>", sender: got.from}))
	if r := await(t, "the report", to.reports); r.MessageID != receipt.ID {
		t.Errorf("the report names %q, the receipt is %q", r.MessageID, receipt.ID)
	}
}
