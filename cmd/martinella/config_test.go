package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// surroundings is an environment of a test.
func surroundings(pairs ...string) shell {
	values := map[string]string{}
	sh := shell{getenv: func(name string) string { return values[name] }}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		values[name] = value
		sh.environ = append(sh.environ, p)
	}
	return sh
}

const valdemo = `mode: live
authority: {slug: valdemo, name: Comune di Valdemo, sender: pc@comune.valdemo.example}
`

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "m.yaml"), valdemo+"listen: 127.0.0.1:1000\nadmin_listen: 127.0.0.1:1001\ndata: /srv/file\npolicy: {second_person_reach: 5}\ntrusted_proxies: [10.0.0.0/8]\n")
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	configFlags(flags)
	listenFlags(flags)
	if err := flags.Parse([]string{"--config", file, "--data", "/srv/flag"}); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(surroundings("MARTINELLA_LISTEN=127.0.0.1:2000", "MARTINELLA_DATA=/srv/env", "MARTINELLA_POLICY__SECOND_PERSON_REACH=7", "MARTINELLA_ORIGINS=https://a.example, https://b.example"), flags)
	if err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]any{
		"flag over all":         {c.Data, "/srv/flag"},
		"environment over file": {c.Listen, "127.0.0.1:2000"},
		"file over default":     {c.AdminListen, "127.0.0.1:1001"},
		"default":               {c.Redis.URL, "embedded"},
		"nested variable":       {c.Policy.SecondPersonReach, 7},
		"default below a group": {c.Authority.Zone, "Europe/Rome"},
		"list in the file":      {strings.Join(c.TrustedProxies, " "), "10.0.0.0/8"},
		"list in a variable":    {strings.Join(trimmed(c.Origins), " "), "https://a.example https://b.example"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", what, pair[0], pair[1])
		}
	}
}

func TestWithoutConfigurationTheGatewayPractises(t *testing.T) {
	c, err := loadConfigOf(surroundings(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mode != modePractice || c.Authority.Slug != "practice" || c.Listen != "127.0.0.1:8080" || c.Policy.SecondPersonReach != 1000 {
		t.Errorf("got %+v", c)
	}
	c, err = loadConfigOf(surroundings("MARTINELLA_AUTHORITY__SLUG=valdemo", "MARTINELLA_AUTHORITY__NAME=Valdemo", "MARTINELLA_AUTHORITY__SENDER=pc@valdemo.example"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mode != modeLive {
		t.Errorf("with an authority the mode is %s, want live", c.Mode)
	}
}

func TestAFarewellIsGivenOrLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		text, variable string
		want           time.Duration
		wrong          bool
	}{
		"left out":                      {"", "", 0, false},
		"a key with nothing behind it":  {"limits:\n  live_farewell:\n", "", 0, false},
		"some time":                     {"limits: {live_farewell: 1ms}\n", "", time.Millisecond, false},
		"no time":                       {"limits: {live_farewell: 0}\n", "", 0, true},
		"no time by a variable":         {"", "0s", 0, true},
		"some by a variable over none":  {"limits: {live_farewell: 0s}\n", "2s", 2 * time.Second, false},
		"none by a variable over three": {"limits: {live_farewell: 3s}\n", "0s", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "m.yaml"), valdemo+c.text)
			var env []string
			if c.variable != "" {
				env = append(env, "MARTINELLA_LIMITS__LIVE_FAREWELL="+c.variable)
			}
			got, err := loadConfigOf(surroundings(env...), file, nil)
			if c.wrong {
				if err == nil || !strings.Contains(err.Error(), "limits.live_farewell is 0s") {
					t.Errorf("got %v, want a mistake", err)
				}
			} else if err != nil || got.Limits.LiveFarewell != c.want {
				t.Errorf("got %+v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestEveryMistakeIsNamedWithItsLine(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"an unknown key":                  {valdemo + "listn: x\n", []string{"m.yaml:3: unknown key listn (did you mean listen?)"}},
		"an unknown key below":            {valdemo + "policy:\n  second_person: 3\n", []string{"m.yaml:4: unknown key policy.second_person"}},
		"a key given twice":               {valdemo + "data: a\ndata: b\n", []string{"m.yaml:4: data is given twice"}},
		"a language that is none":         {valdemo + "channels:\n  - {name: kit, kind: copykit, platform: paper, language: italiano}\n", []string{"m.yaml:4: channels[0].language is \"italiano\"", "like it, en or de-AT"}},
		"a word for a number":             {valdemo + "policy:\n  second_person_reach: many\n", []string{"m.yaml:4: policy.second_person_reach is \"many\""}},
		"a path that does not exist":      {valdemo + "limits:\n  live_path: fibres\n", []string{"m.yaml:4: limits.live_path is \"fibres\"", "epoll (Linux) or goroutines"}},
		"a farewell that takes too long":  {valdemo + "limits:\n  live_farewell: 2m\n", []string{"m.yaml:4: limits.live_farewell is 2m0s", "up to 1m0s"}},
		"a farewell in no time":           {valdemo + "limits:\n  live_farewell: 0s\n", []string{"m.yaml:4: limits.live_farewell is 0s", "1ms is at once; leave it out for 5s"}},
		"a negative number of pages":      {valdemo + "limits:\n  live_clients: -1\n", []string{"m.yaml:4: limits.live_clients is negative"}},
		"a signing key that is missing":   {valdemo + "signing: {certificate_file: none.pem, key_file: none.key}\n", []string{"signing certificate_file: "}},
		"a site with a path":              {valdemo + "embed: {origins: [https://www.comune.example, https://www.comune.example/home]}\n", []string{"embed.origins[1] is \"https://www.comune.example/home\""}},
		"a value for a list":              {valdemo + "origins: https://a.example\n", []string{"m.yaml:3: origins must be a list"}},
		"an unknown mode":                 {strings.Replace(valdemo, "live", "war", 1), []string{"m.yaml:1: mode is \"war\""}},
		"a slug that cannot be":           {strings.Replace(valdemo, "valdemo,", "Val Demo,", 1), []string{"m.yaml:2: authority.slug is \"Val Demo\""}},
		"live without an authority":       {"mode: live\nauthority: {language: de-AT}\n", []string{"m.yaml:1: mode is live without an authority (set authority.slug"}},
		"memory in mode live":             {valdemo + "redis: memory\n", []string{"m.yaml:3: redis is memory, which keeps nothing, in mode live"}},
		"a weakness that is none":         {valdemo + "accept_weak_durability: yes please\n", []string{"m.yaml:3: accept_weak_durability"}},
		"an unknown kind":                 {valdemo + "channels:\n  - {name: x1, kind: fax}\n", []string{"m.yaml:4: channels[0].kind is \"fax\" (known: " + strings.Join(slices.Sorted(maps.Keys(kinds)), ", ") + ")", "outbox, pressroom, smpp"}},
		"a channel without a kind":        {valdemo + "channels:\n  - name: x1\n", []string{"m.yaml:4: channels[0].kind is missing"}},
		"a field of another kind":         {valdemo + "channels:\n  - name: x1\n    kind: outbox\n    url: https://a.example\n", []string{"m.yaml:6: unknown key channels[0].url"}},
		"two channels of one name":        {valdemo + "channels:\n  - {name: x1, kind: outbox}\n  - {name: x1, kind: outbox}\n", []string{"m.yaml:5: channels[1].name"}},
		"unknown readers":                 {valdemo + "channels:\n  - {name: x1, kind: outbox, readers: cats}\n", []string{"m.yaml:4: channels[0].readers is \"cats\""}},
		"a secret in the file":            {valdemo + "channels:\n  - {name: x1, kind: webhook, url: https://a.example, secret: hush}\n", []string{"channels[0].secret is a secret in the configuration", "secret_file"}},
		"a secret that is not there":      {valdemo + "channels:\n  - {name: x1, kind: webhook, url: https://a.example, secret_file: nowhere}\n", []string{"m.yaml:4", "secret_file", "no such file"}},
		"an SMS contract without address": {valdemo + "channels:\n  - {name: sms, kind: smpp, system_id: gw}\n", []string{"m.yaml:4: channels[0].addr is not host:port", "channels[0].source is missing", "channels[0].password_file is missing"}},
		"a signer without a certificate":  {valdemo + "senders:\n  - {name: region, can: [submit], status: [Actual]}\n", []string{"m.yaml:4: senders[0].certificate is missing"}},
		"a signer with an unknown right":  {valdemo + "senders:\n  - {name: region, can: [shout], certificate: x.pem}\n", []string{"senders[0].certificate cannot be read", "senders[0].can is \"shout\""}},
		"a signer that steers a terminal": {valdemo + "senders:\n  - {name: \"a\\e[31m\", can: [submit], certificate: x.pem}\n", []string{"m.yaml:4: senders[0].name holds control characters"}},
		"several at once":                 {"mode: war\nlisten: here\npublic_url: x\n", []string{"m.yaml:1", "m.yaml:2", "m.yaml:3"}},
		"a wrong key beside wrong values": {"mode: lvie\nlistn: x\nauthority: {slug: Val Demo}\ntrusted_proxies: [here]\npolicy: {second_person_reach: many}\nchannels:\n  - {name: x1, kind: fax}\n  - {name: s1, kind: smpp, colour: 1}\n", []string{"m.yaml:1: mode is \"lvie\"", "m.yaml:2: unknown key listn", "m.yaml:3: authority.slug", "m.yaml:3: authority.name is missing", "m.yaml:4: trusted_proxies[0]", "m.yaml:5: policy.second_person_reach", "m.yaml:7: channels[0].kind", "m.yaml:8: unknown key channels[1].colour", "m.yaml:8: channels[1].source is missing"}},
		"a second document":               {valdemo + "---\nredis: memory\n", []string{"m.yaml:4: a second document begins"}},
		"what is not YAML":                {"a: [", []string{"m.yaml", "line 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "m.yaml"), c.text)
			code, out, errOut := command(t, "config", "check", "--config", file)
			if code != exitRefused && code != exitUsage {
				t.Errorf("exit %d: %s", code, out)
			}
			for _, want := range c.want {
				if !strings.Contains(errOut, want) {
					t.Errorf("%q is not named in\n%s", want, errOut)
				}
			}
		})
	}
}

// Each adapter has its own way to join errors; none may lose a line or say the
// name's mistake once more.
func TestEachMistakeOfAChannelIsSaidOnceWithItsLine(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "m.yaml"), valdemo+"channels:\n  - {name: S MS, kind: "+kind+"}\n")
			_, _, errOut := command(t, "config", "check", "--config", file)
			for line := range strings.Lines(errOut) {
				if !strings.HasPrefix(strings.TrimPrefix(line, "martinella: "), file+":4: channels[0]") {
					t.Errorf("without its place: %s", line)
				}
			}
			if got := strings.Count(errOut, "S MS"); got != 1 {
				t.Errorf("the name is named %d times in\n%s", got, errOut)
			}
		})
	}
}

func TestWrongVariablesAreNamed(t *testing.T) {
	for pair, want := range map[string]string{
		"MARTINELLA_LISTNE=x":                              "MARTINELLA_LISTNE: is not a configuration variable",
		"MARTINELLA_POLICY__SECOND_PERSON_REACH=many":      "MARTINELLA_POLICY__SECOND_PERSON_REACH: is \"many\"",
		"MARTINELLA_MODE=war":                              "MARTINELLA_MODE: mode is \"war\"",
		"MARTINELLA_MODE=live":                             "MARTINELLA_MODE: mode is live without an authority",
		"MARTINELLA_LIMITS__KEY_RATE=fast":                 "MARTINELLA_LIMITS__KEY_RATE: is \"fast\"",
		"MARTINELLA_AUTHORITY_SLUG=one-underscore-too-few": "MARTINELLA_AUTHORITY_SLUG: is not a configuration variable",
	} {
		if _, err := loadConfigOf(surroundings(pair), "", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", pair, err, want)
		}
	}
	_, err := loadConfigOf(surroundings("MARTINELLA_MODE=zork", "MARTINELLA_FOO=1", "MARTINELLA_LIMITS__KEY_RATE=fast"), "", nil)
	for _, want := range []string{"MARTINELLA_MODE: mode is", "MARTINELLA_FOO", "MARTINELLA_LIMITS__KEY_RATE"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named among several: %v", want, err)
		}
	}
	if _, err := loadConfigOf(surroundings("MARTINELLA_URL=x", "HOME=/root", "MARTINELLA_KEY_FILE=x"), "", nil); err != nil {
		t.Errorf("variables of others: %v", err)
	}
}

func TestPrintHidesSecretsAndKeepsTheRest(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "whsec"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	file := write(t, filepath.Join(dir, "m.yaml"), valdemo+`redis: redis://admin:hunter2@10.0.0.5:6379/0
channels:
  - {name: press, kind: webhook, url: "https://press.example/in/k3y?t=abc", secret_file: whsec} # of the newspaper
`)
	out := must(t, "config", "print", "--config", file)
	for _, secret := range []string{"hunter2", "whsec_Mf", "t=abc", "k3y"} {
		if strings.Contains(out, secret) {
			t.Errorf("%s is shown:\n%s", secret, out)
		}
	}
	for _, want := range []string{"slug: valdemo", "zone: Europe/Rome", "10.0.0.5:6379", "name: press", "secret_file: whsec", "press.example"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is missing:\n%s", want, out)
		}
	}
	again := write(t, filepath.Join(dir, "again.yaml"), strings.NewReplacer("://hidden@", "://", "(hidden)", "in").Replace(out))
	if code, _, errOut := command(t, "config", "check", "--config", again); code != 0 {
		t.Errorf("what is printed is not read again: %s", errOut)
	}
}

func TestSecretsMayLieBesideTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "secrets", "token"), "abc")
	file := write(t, filepath.Join(dir, "m.yaml"), valdemo+"channels:\n  - {name: toot, kind: mastodon, url: https://m.example, token_file: secrets/token}\n")
	if code, _, errOut := command(t, "config", "check", "--config", file); code != 0 {
		t.Errorf("got exit %d: %s", code, errOut)
	}
}

// An alias takes no replies (DECISIONS 16).
func TestAnAliasWithoutAReplyNumberIsSaid(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "smpp"), "secret")
	for sender, noted := range map[string]bool{
		"source: Valdemo": true,
		"source: Valdemo, reply_number: '+390577000000'": false,
		"source: '+390577000000'":                        false,
	} {
		file := write(t, filepath.Join(dir, "m.yaml"), valdemo+"channels:\n  - {name: sms, kind: smpp, addr: 'smsc.example:2775', system_id: gw, password_file: smpp, "+sender+"}\n")
		out := must(t, "config", "check", "--config", file)
		if got := strings.Contains(out, "note: sms: ") && strings.Contains(out, "reply_number"); got != noted {
			t.Errorf("%s: noted %v, want %v:\n%s", sender, got, noted, out)
		}
	}
}
