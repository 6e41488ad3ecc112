package dashboards

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Some clients read nothing before all is sent; they too learn why their alert
// was refused.
func TestWhoSendsAllBeforeReadingGetsTheAnswer(t *testing.T) {
	g := open(t)
	server := httptest.NewServer(g.server.Public())
	t.Cleanup(server.Close)
	const size = 1 << 20
	announced := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	chunks := "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("8000\r\n"+strings.Repeat("x", 0x8000)+"\r\n", size/0x8000) + "0\r\n\r\n"
	for sentence, tt := range map[string]struct {
		path, key, body string
		want            int
	}{
		"without a key":                   {"/api/v1/alerts", "", announced, http.StatusUnauthorized},
		"with a key":                      {"/api/v1/alerts", issuer, announced, http.StatusRequestEntityTooLarge},
		"with a key and no announcement":  {"/api/v1/alerts", issuer, chunks, http.StatusRequestEntityTooLarge},
		"to a path that is not there":     {"/api/v1/nothing", issuer, announced, http.StatusNotFound},
		"to a page that is only for GET":  {"/", "", announced, http.StatusMethodNotAllowed},
		"to an act, which is a small one": {"/api/v1/alerts/X/approve", approver, announced, http.StatusUnsupportedMediaType},
	} {
		t.Run(sentence, func(t *testing.T) {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil { // a hang limit
				t.Fatal(err)
			}
			_ = conn.(*net.TCPConn).SetWriteBuffer(4096) // the kernel must not take it all
			head := "POST " + tt.path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/cap+xml\r\n"
			if tt.key != "" {
				head += "Authorization: Bearer " + tt.key + "\r\n"
			}
			if _, err := io.WriteString(conn, head+tt.body); err != nil {
				t.Fatalf("sending: %v", err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("reading: %v", err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != tt.want {
				t.Errorf("got %d, want %d", answer.StatusCode, tt.want)
			}
		})
	}
}
