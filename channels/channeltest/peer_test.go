package channeltest

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"martinella/channels"
)

func TestLockFileNamesNoHost(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("peers", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), `"resolved"`) {
		t.Error("package-lock.json names where a package was fetched: take the resolved fields out")
	}
	if !strings.Contains(string(b), `"integrity"`) {
		t.Error("package-lock.json has no digests")
	}
}

// Other people's calculator agrees on the parts of an SMS.
func TestSegmentsAgreeWithTheirs(t *testing.T) {
	peer := StartPeer(t, "segments.js")
	for _, text := range []string{"", "Allerta: piove.", strings.Repeat("a", 160), strings.Repeat("a", 161), strings.Repeat("€", 80), strings.Repeat("€", 81),
		strings.Repeat("ALLERTA METEO ROSSA perché piove. ", 8), strings.Repeat("ALLERTA METEO ROSSA perché piove. ", 8) + "ё",
		strings.Repeat("ё", 66) + "🔥abcde", strings.Repeat("è piove 🔥 ", 30), "Großes Hochwasser: Keller meiden! {A}[B]~|", strings.Repeat("^{}", 60)} {
		peer.Tell(t, text)
		var theirs struct {
			Encoding string
			Units    []int
		}
		peer.Next(t, &theirs)
		encoding, parts := channels.Segments(text)
		units := []int{}
		for _, p := range parts {
			units = append(units, p.Units)
		}
		if string(encoding) != theirs.Encoding || !reflect.DeepEqual(units, theirs.Units) {
			t.Errorf("%.40q: got %s %v, theirs %s %v", text, encoding, units, theirs.Encoding, theirs.Units)
		}
	}
}

func TestSMSCSaysWhereItListens(t *testing.T) {
	peer := StartPeer(t, "smsc.js", "--receipt", "none")
	if peer.Port == 0 {
		t.Error("no port")
	}
	conn, err := net.Dial("tcp", peer.Addr())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
