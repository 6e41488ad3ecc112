package smpp

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
	"martinella/channels/sms"
)

func TestEncode(t *testing.T) {
	long := strings.Repeat("ALLERTA METEO ROSSA perché piove. ", 8)
	for sentence, c := range map[string]struct {
		text    string
		coding  byte
		lengths []int // with the header
	}{
		"a short text has no header":        {"Allerta: piove.", 0, []int{15}},
		"160 septets are one":               {strings.Repeat("a", 160), 0, []int{160}},
		"272 characters are 153 and 119":    {long, 0, []int{159, 125}},
		"one letter makes it UCS-2":         {long + "ё", 8, []int{140, 140, 140, 140, 16}},
		"an escape pair is not cut":         {strings.Repeat("€", 81), 0, []int{158, 16}},
		"a pair of surrogates is not cut":   {strings.Repeat("ё", 66) + "🔥abcde", 8, []int{138, 20}},
		"70 units of UCS-2 are one message": {strings.Repeat("ё", 70), 8, []int{140}},
	} {
		t.Run(sentence, func(t *testing.T) {
			parts, err := encode(c.text, 7)
			if err != nil {
				t.Fatal(err)
			}
			if len(parts) != len(c.lengths) {
				t.Fatalf("got %d parts, want %d", len(parts), len(c.lengths))
			}
			for i, p := range parts {
				if len(p.text) != c.lengths[i] || p.coding != c.coding {
					t.Errorf("part %d: got %d octets of coding %d, want %d of %d", i, len(p.text), p.coding, c.lengths[i], c.coding)
				}
				header := []byte{5, 0, 3, 7, byte(len(parts)), byte(i + 1)}
				if long := len(parts) > 1; long != (p.esmClass == esmUDH) || long != bytes.HasPrefix(p.text, header) {
					t.Errorf("part %d: esm_class %#x, text %x", i, p.esmClass, p.text[:6])
				}
			}
		})
	}
	if _, err := encode(strings.Repeat("a", 256*153), 0); err == nil {
		t.Error("256 parts are taken: the header counts to 255")
	}
}

func TestReference(t *testing.T) {
	m := channels.Message{Channel: "sms", Event: "01KAK3Z8G0FLD1RST0000000A1", Revision: 1, Key: "k"}
	first := reference("Comune", "393330000001", m)
	if again := reference("Comune", "393330000001", m); again != first {
		t.Error("the same message sent again has another reference")
	}
	update := m
	update.Revision = 2
	if reference("Comune", "393330000001", update) == first {
		t.Error("the update would merge with the alert")
	}
	seen := map[byte]bool{}
	for i := range 200 {
		seen[reference("Comune", "39333000"+dec(1000+i), m)] = true
	}
	if len(seen) < 90 { // 256 values, 200 draws: about 139 are expected
		t.Errorf("200 numbers share %d references", len(seen))
	}
}

func TestDecodeOfACitizensMessage(t *testing.T) {
	for sentence, c := range map[string]struct {
		m    message
		want string
	}{
		"GSM-7":                      {message{text: []byte("SI 20 \x04\x05")}, "SI 20 èé"},
		"UCS-2":                      {message{dataCoding: 8, text: []byte{0, 'S', 0, 0xEC}}, "Sì"},
		"Latin-1":                    {message{dataCoding: 3, text: []byte{'S', 0xEC}}, "Sì"},
		"ASCII":                      {message{dataCoding: 1, text: []byte{'S', 0xEC}}, "S\uFFFD"},
		"GSM-7 that is called ASCII": {message{dataCoding: 1, text: []byte("S\x07 20")}, "Sì 20"},
		"UCS-2 with a class":         {message{dataCoding: 0x18, text: []byte{0, 'x'}}, "x"},
		"with a user data header":    {message{esmClass: esmUDH, text: []byte("\x05\x00\x03\x01\x02\x01VENGO")}, "VENGO"},
		"a header longer than all":   {message{esmClass: esmUDH, text: []byte("\xff\x00")}, ""},
		"empty with a header":        {message{esmClass: esmUDH}, ""},
		"in message_payload":         {message{tlvs: []tlv{{tagPayload, []byte("NO")}}}, "NO"},
	} {
		if got := decode(&c.m); got != c.want {
			t.Errorf("%s: got %q, want %q", sentence, got, c.want)
		}
	}
}

func TestValidityPeriod(t *testing.T) {
	now := time.Date(2026, 11, 21, 18, 30, 0, 0, time.UTC)
	rome := time.FixedZone("CET", 3600)
	for sentence, c := range map[string]struct {
		form    int32
		expires time.Time
		want    string
	}{
		"a Cancel has none":               {validityAbsolute, time.Time{}, ""},
		"absolute is UTC":                 {validityAbsolute, time.Date(2026, 11, 22, 0, 30, 5, 0, rome), "261121233005000+"},
		"relative":                        {validityRelative, now.Add(26*time.Hour + 3*time.Minute + 4*time.Second), "000001020304000R"},
		"relative is at most thirty days": {validityRelative, now.Add(90 * 24 * time.Hour), "000030000000000R"},
		"none":                            {validityNone, now.Add(time.Hour), ""},
	} {
		if got := validityPeriod(c.form, c.expires, now); got != c.want {
			t.Errorf("%s: got %q, want %q", sentence, got, c.want)
		}
	}
}

func TestNumbersOfPeople(t *testing.T) {
	file, err := os.Open(filepath.Join(channeltest.ModuleDir(t), "..", "shared", "testdata", "italy", "phone-examples.csv"))
	if err != nil {
		t.Skipf("SKIP: the example numbers are not here: %v", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if row[4] != "true" {
			continue
		}
		a, err := recipient(row[3])
		if err != nil || a.number() != row[3] {
			t.Errorf("%s: %v", row[3], err)
		}
		if hidden := sms.Mask(row[3]); strings.Contains(strings.NewReplacer(" ", "").Replace(hidden), row[3]) || !strings.Contains(hidden, "***") {
			t.Errorf("%s is shown as %s", row[3], hidden)
		}
	}
}

func TestRecipientRefuses(t *testing.T) {
	for _, to := range []string{"", "3331234567", "+39 333 1234567", "+39333123456789012", "+393331234a67", "tel:+393331234567", "+1"} {
		if a, err := recipient(to); err == nil {
			t.Errorf("%q is taken as %+v", to, a)
		}
	}
}
