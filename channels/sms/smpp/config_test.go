package smpp

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/sms"
)

func TestNewNamesEveryMistakeAtOnce(t *testing.T) {
	ton := 99
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for sentence, c := range map[string]struct {
		config Config
		want   []string
	}{
		"nothing is said": {Config{}, []string{"addr", "password_file", "source", "system_id"}},
		"all is wrong": {Config{Addr: "smsc.example", SystemID: "gw", PasswordFile: "/no/such/file", Source: "Protezione Civile", SourceTON: &ton, SourceNPI: &ton,
			Addrs: []string{"b.example"}, Bind: "receiver", Binds: 33, Flash: "always", ReplyNumber: "Comune", Window: -1, Rate: -1, CAFile: "x", Config: sms.Config{MaxParts: 11, Price: "5 cent"}, Validity: "for ever"},
			[]string{"addr", "addrs[0]", "bind", "binds", "ca_file", "flash", "max_parts", "password_file", "price", "rate", "reply_number", "source", "source_npi", "source_ton", "validity", "window"}},
		"files that hold nothing": {Config{Addr: "a:1", SystemID: "gw", PasswordFile: empty, Source: "Comune", TLS: true, CAFile: empty}, []string{"ca_file", "password_file"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := New("sms", c.config, channels.Settings{}, zap.NewNop())
			if got := fieldsOf(err); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func fieldsOf(err error) []string {
	var out []string
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, e := range joined.Unwrap() {
		if p, ok := errors.AsType[alerts.Problem](e); ok {
			out = append(out, p.Field)
		}
	}
	slices.Sort(out)
	return out
}

func TestSource(t *testing.T) {
	for source, want := range map[string]address{
		"Comune": {5, 0, "Comune"}, "PC Pistoia1": {5, 0, "PC Pistoia1"},
		"+390573000111": {1, 1, "390573000111"}, "390573000111": {1, 1, "390573000111"}, "48583": {1, 1, "48583"},
	} {
		c := Config{Source: source}
		if got := c.sourceAddress(); got != want || sms.SourceProblem(source) != "" {
			t.Errorf("%s: got %+v %q, want %+v", source, got, sms.SourceProblem(source), want)
		}
	}
	for _, source := range []string{"", "dodici lette", "Comúne", "a€", "1234567890123456"} {
		if sms.SourceProblem(source) == "" {
			t.Errorf("%q is taken", source)
		}
	}
	ton, npi := 3, 0
	c := Config{Source: "48583", SourceTON: &ton, SourceNPI: &npi}
	if got := c.sourceAddress(); got != (address{3, 0, "48583"}) {
		t.Errorf("got %+v", got)
	}
}

func TestAMistakeShowsNoSecret(t *testing.T) {
	config := testConfig(t)
	if err := os.WriteFile(config.PasswordFile, []byte("hunter2\nhunter3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New("SMS", config, channels.Settings{}, nil)
	if got := fieldsOf(err); !slices.Equal(got, []string{"name", "password_file"}) {
		t.Errorf("got %q", got)
	}
	if err == nil || strings.Contains(err.Error(), "hunter") {
		t.Errorf("got %v", err)
	}
}
