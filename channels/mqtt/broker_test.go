package mqtt

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// patience is a hang limit, not an expectation.
const patience = 2 * time.Minute

const password = "s3cret-of-the-gateway"

// mosquitto is a real broker. It ends with the test.
type mosquitto struct {
	dir  string
	port int
	cmd  *exec.Cmd
}

// usualACL is what the guide gives to gateway, siren and board.
const usualACL = `user gw
topic readwrite alerts/#
topic readwrite exercise/alerts/#
topic read ack/+
user siren1
topic read alerts/pt/#
topic write ack/siren1
user all
topic readwrite #
`

func startMosquitto(t testing.TB, acl string) *mosquitto {
	t.Helper()
	for _, program := range []string{"mosquitto", "mosquitto_sub", "mosquitto_pub", "mosquitto_passwd", "stdbuf"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIP: %s is not installed: the channel is not tested against a real broker", program)
		}
	}
	m := &mosquitto{dir: t.TempDir()}
	m.write(t, "acl", acl)
	m.write(t, "passwd", "")
	for _, user := range []string{"gw", "siren1", "all"} {
		if out, err := exec.Command("mosquitto_passwd", "-b", filepath.Join(m.dir, "passwd"), user, password).CombinedOutput(); err != nil {
			t.Fatalf("mosquitto_passwd: %v: %s", err, out)
		}
	}
	for range 5 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		m.port = l.Addr().(*net.TCPAddr).Port
		l.Close()
		if m.start(t) {
			t.Cleanup(m.stop)
			return m
		}
	}
	t.Fatal("mosquitto does not start")
	return nil
}

func (m *mosquitto) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start runs the broker on its port and reports whether it could.
func (m *mosquitto) start(t testing.TB) bool {
	t.Helper()
	// Started as root it would become another user, who cannot read the folder.
	who := "root"
	if os.Getuid() != 0 {
		who = "mosquitto"
	}
	m.write(t, "conf", fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous false\npassword_file %s\nacl_file %s\npersistence false\nuser %s\n",
		m.port, filepath.Join(m.dir, "passwd"), filepath.Join(m.dir, "acl"), who))
	m.cmd = exec.Command("mosquitto", "-c", filepath.Join(m.dir, "conf"))
	stderr, err := m.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool, 1)
	go func() {
		scan := bufio.NewScanner(stderr)
		for scan.Scan() {
			if strings.HasSuffix(scan.Text(), " running") {
				ready <- true
			}
		}
		ready <- false
	}()
	select {
	case ok := <-ready:
		if !ok {
			m.cmd.Wait()
		}
		return ok
	case <-time.After(patience):
		t.Fatal("mosquitto does not say that it runs")
		return false
	}
}

// stop kills the broker; retained messages are gone with it.
func (m *mosquitto) stop() {
	if m.cmd != nil {
		m.cmd.Process.Kill()
		m.cmd.Wait()
		m.cmd = nil
	}
}

func (m *mosquitto) addr() string { return "127.0.0.1:" + strconv.Itoa(m.port) }

// heardMessage is what a foreign subscriber got.
type heardMessage struct {
	topic    string
	retained bool
	expiry   int
	kind     string // content type
	id       string // correlation data
	user     string
	payload  string
}

// subscriber is a mosquitto_sub.
type subscriber struct{ got chan heardMessage }

// subscribe returns once the broker has the subscription.
func (m *mosquitto) subscribe(t testing.TB, user string, filters ...string) *subscriber {
	t.Helper()
	args := []string{"-V", "5", "-h", "127.0.0.1", "-p", strconv.Itoa(m.port), "-u", user, "-P", password, "-q", "1", "-d", "-F", "MSG\t%t\t%r\t%E\t%C\t%D\t%P\t%p"}
	for _, f := range filters {
		args = append(args, "-t", f)
	}
	// Into a pipe it would say that it has subscribed only with the first message.
	cmd := exec.Command("stdbuf", append([]string{"-oL", "mosquitto_sub"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &subscriber{got: make(chan heardMessage, 1024)}
	ready, ended := make(chan bool, 1), make(chan bool)
	go func() {
		defer close(ended)
		scan := bufio.NewScanner(stdout)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			if strings.HasPrefix(scan.Text(), "Subscribed") {
				select {
				case ready <- true:
				default:
				}
			}
			f := strings.SplitN(scan.Text(), "\t", 8)
			if f[0] != "MSG" || len(f) != 8 {
				continue
			}
			expiry, _ := strconv.Atoi(f[3])
			s.got <- heardMessage{f[1], f[2] == "1", expiry, f[4], f[5], f[6], f[7]}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		cmd.Wait()
	})
	select {
	case <-ready:
	case <-ended:
		t.Fatal("mosquitto_sub ended")
	case <-time.After(patience):
		t.Fatal("mosquitto_sub does not subscribe")
	}
	return s
}

func (s *subscriber) next(t testing.TB) heardMessage {
	t.Helper()
	select {
	case m := <-s.got:
		return m
	case <-time.After(patience):
		t.Fatal("no message came")
		return heardMessage{}
	}
}

// until gives what came before the message on the topic "end/of/test", which the
// caller has published last.
func (m *mosquitto) drain(t testing.TB, s *subscriber) []heardMessage {
	t.Helper()
	m.publish(t, "all", "end/of/test", "end")
	var all []heardMessage
	for {
		got := s.next(t)
		if got.topic == "end/of/test" {
			return all
		}
		all = append(all, got)
	}
}

// publish is a foreign publisher.
func (m *mosquitto) publish(t testing.TB, user, topic, payload string, more ...string) {
	t.Helper()
	args := append([]string{"-V", "5", "-h", "127.0.0.1", "-p", strconv.Itoa(m.port), "-u", user, "-P", password, "-q", "1", "-t", topic, "-m", payload}, more...)
	if out, err := exec.Command("mosquitto_pub", args...).CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
}

func secretFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// open makes a channel of the gateway's user at addr. It lives in the hour of the
// samples.
func open(t testing.TB, addr string, change func(*Config)) *Channel {
	t.Helper()
	config := Config{URL: "mqtt://" + addr, Username: "gw", PasswordFile: secretFile(t, password), Topic: "alerts/pt"}
	if change != nil {
		change(&config)
	}
	c, err := New("sirens", config, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	c.now = func() time.Time { return channeltest.SampleSent.Add(time.Minute) }
	t.Cleanup(func() { c.Close() })
	return c
}

// rendered is a sample as the dispatcher would hand it over, for these areas.
func rendered(t testing.TB, c *Channel, kind channeltest.Kind, codes ...string) channels.Message {
	t.Helper()
	m := suite.Rendered(t, c, kind, "a/1/sirens/0")
	if len(codes) > 0 {
		m.Areas = nil
		for _, code := range codes {
			m.Areas = append(m.Areas, alerts.Value{Name: "ISTAT", Value: code})
		}
	}
	return m
}

func send(t testing.TB, c *Channel, m channels.Message) channels.Receipt {
	t.Helper()
	receipt, err := c.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// until waits for what must come.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("hangs: %s", what)
		}
	}
}
