package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOpenFilesAreDivided(t *testing.T) {
	for name, one := range map[string]struct {
		files uint64
		live  int
		want  openFiles
	}{
		"the unit of systemd":          {65536, 0, openFiles{pages: 15024, live: 50000}},
		"fewer pages wished":           {65536, 1000, openFiles{pages: 16384, live: 1000}},
		"an old default":               {1024, 0, openFiles{pages: 103, live: 409}},
		"hardly any":                   {256, 0, openFiles{pages: 26, live: 102}},
		"none at all":                  {0, 0, openFiles{pages: 26, live: 102}},
		"as many as one likes":         {1 << 62, 0, openFiles{pages: 16384, live: 50000}},
		"more pages than can be open":  {4096, 100_000, openFiles{pages: 717, live: 2867}},
		"a city on one large computer": {1 << 20, 400_000, openFiles{pages: 16384, live: 400_000}},
	} {
		got := share(one.files, one.live)
		if got != one.want {
			t.Errorf("%s: %+v, want %+v", name, got, one.want)
		}
		if n := max(one.files, fewestFiles); uint64(got.pages+got.live) > n-min(ownFiles, n/2) {
			t.Errorf("%s: nothing is left for the gateway itself: %+v of %d", name, got, n)
		}
	}
}

// TestManyWhoOpenAndAskNothing: strangers hold more connections than the gateway
// may open files. It goes on reaching its store: an alert is accepted, its page is
// shown and it is delivered.
func TestManyWhoOpenAndAskNothing(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("SKIP: there is no sh to lower the limit of open files with")
	}
	p := newProcess(t)
	bin := p.bin
	p.bin = write(t, filepath.Join(t.TempDir(), "few-files"), "#!/bin/sh\nulimit -n 400\nexec "+bin+" \"$@\"\n")
	if err := exec.Command("chmod", "700", p.bin).Run(); err != nil {
		t.Fatal(err)
	}
	p.start(t)
	file := filepath.Join(t.TempDir(), "key")
	must(t, "keys", "create", "--config", p.config, "--name", "author", "--can", "issue,read", "--self-approve", "--status", "Actual", "--out", file)
	key := secretOf(t, file)
	b, err := os.ReadFile(p.ready)
	var at readyFile
	if err != nil || json.Unmarshal(b, &at) != nil {
		t.Fatalf("the ready file says %s, %v", b, err)
	}
	admin := at.Admin
	if !strings.Contains(p.log.String(), "too few open files are allowed for the live feed") {
		t.Error("the gateway does not say that its open files are too few")
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() { // 600 are held, and each that is closed is opened again
		defer close(ended)
		held := make([]net.Conn, 600)
		defer func() {
			for _, c := range held {
				if c != nil {
					c.Close()
				}
			}
		}()
		for i := 0; ; i = (i + 1) % len(held) {
			select {
			case <-stop:
				return
			default:
			}
			if held[i] != nil {
				_ = held[i].SetReadDeadline(time.Now().Add(time.Millisecond))
				if _, err := held[i].Read(make([]byte, 1)); err != nil {
					if late, ok := err.(net.Error); ok && late.Timeout() {
						continue
					}
					held[i].Close()
				}
			}
			held[i], _ = (&net.Dialer{Timeout: time.Second}).Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		}
	}()
	defer func() { close(stop); <-ended }()
	eventually(t, "strangers are turned away", func() bool {
		r, err := tell(t.Context(), http.MethodGet, admin+"/metrics", "", "", nil)
		return err == nil && strings.Contains(string(r.body), `martinella_connections_closed_total{reason="full"}`) && !strings.Contains(string(r.body), `martinella_connections_closed_total{reason="full"} 0`+"\n")
	})
	for range 20 {
		var took submitted
		var r reply
		eventually(t, "an alert is accepted", func() bool { // a connection may be refused before its request is there
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var err error
			r, err = tell(ctx, http.MethodPost, p.url+"/api/v1/alerts", key, capXML, fixture(t))
			return err == nil
		})
		if r.decode(t, &took); r.status != http.StatusCreated {
			t.Fatalf("an alert is answered %d %s", r.status, r.body)
		}
		eventually(t, "it is delivered", func() bool {
			r, err := tell(t.Context(), http.MethodGet, p.url+"/api/v1/alerts/"+string(took.ID)+"/deliveries", key, "", nil)
			return err == nil && r.status == http.StatusOK && strings.Contains(string(r.body), `"state":"done"`)
		})
	}
	if text := p.log.String(); strings.Contains(text, "too many open files") {
		t.Errorf("the gateway ran out of open files:\n%s", tail(text))
	}
}
