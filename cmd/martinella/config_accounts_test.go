package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"martinella/alerts"
)

const registered = `channels:
  - {name: comune-mastodon, kind: mastodon, url: "https://social.example", token_file: token}
accounts:
  - platform: mastodon
    name: "@valdemo"
    url: https://social.example/@valdemo
    channel: comune-mastodon
    verified: https://social.example/proof
  - {platform: bluesky, name: "@allerta.valdemo.example", url: "https://bsky.example/profile/allerta.valdemo.example", did: "did:plc:abcdefghijklmnopqrstuvwx"}
hashtags:
  - tags: [Valdemo]
  - {event: Piena, language: it, tags: [rivoPiena, "#allertaValdemo"]}
`

func TestTheRegisterIsRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "token"), "secret")
	file := write(t, filepath.Join(dir, "m.yaml"), valdemo+registered)
	c, err := loadConfigOf(surroundings(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := c.accounts()
	if len(all) != 2 || all[0].Name != "@valdemo" || all[0].Channel != "comune-mastodon" || !all[0].AtOnce || all[1].DID == "" || all[1].AtOnce {
		t.Errorf("accounts %+v", all)
	}
	if got := c.settings().Hashtags.For(alerts.Info{Event: "piena"}, "it-IT"); !slices.Equal(got, []string{"#Valdemo", "#rivoPiena", "#allertaValdemo"}) {
		t.Errorf("hashtags %v", got)
	}
	_, out, _ := command(t, "config", "print", "--config", file)
	for _, want := range []string{"accounts:\n  - platform: mastodon\n", "url: https://social.example/@valdemo\n", "channel: comune-mastodon", "hashtags:\n", "- '#allertaValdemo'"} {
		if !strings.Contains(out, want) {
			t.Errorf("config print lacks %q:\n%s", want, out)
		}
	}
}

func TestAChannelOutsideOfTheRegisterIsNoted(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "token"), "secret")
	file := write(t, filepath.Join(dir, "m.yaml"), valdemo+strings.Split(registered, "accounts:")[0])
	if _, out, _ := command(t, "config", "check", "--config", file); !strings.Contains(out, "note: comune-mastodon: its account is not in the register of official accounts") {
		t.Errorf("config check: %s", out)
	}
}

func TestMistakesOfTheRegisterHaveTheirLine(t *testing.T) {
	for name, test := range map[string]struct {
		yaml string
		want []string
	}{
		"everything missing":    {"accounts:\n  - {}\n", []string{"m.yaml:4: accounts[0].platform is missing", "accounts[0].name is missing", "accounts[0].url is missing"}},
		"no address":            {"accounts:\n  - {platform: X y, name: \"@a\", url: social.example}\n", []string{`accounts[0].platform is "X y"`, `m.yaml:4: accounts[0].url is "social.example"`}},
		"an address with a key": {"accounts:\n  - {platform: x, name: \"@a\", url: \"https://me:pass@x.example/a\"}\n", []string{"accounts[0].url is"}},
		"no script":             {"accounts:\n  - {platform: x, name: \"@a\", url: \"javascript:alert(1)\", verified: \"data:text/html,x\"}\n", []string{"accounts[0].url is", "accounts[0].verified is"}},
		"named twice":           {"accounts:\n  - {platform: x, name: \"@a\", url: \"https://x.example/a\"}\n  - {platform: x, name: \"@a\", url: \"https://x.example/a\"}\n", []string{"m.yaml:5: accounts[1].url is \"https://x.example/a\", which another account has"}},
		"a channel not there":   {"accounts:\n  - {platform: x, name: \"@a\", url: \"https://x.example/a\", channel: comune-x}\n", []string{`m.yaml:4: accounts[0].channel is "comune-x", which is no channel`}},
		"a did elsewhere":       {"accounts:\n  - {platform: x, name: \"@a\", url: \"https://x.example/a\", did: \"did:plc:abcdefghijklmnopqrstuvwx\"}\n", []string{"m.yaml:4: accounts[0].did is given for x"}},
		"a did in another form": {"accounts:\n  - {platform: bluesky, name: \"@a\", url: \"https://x.example/a\", did: \"plc:abc\"}\n", []string{`accounts[0].did is "plc:abc"`}},
		"two dids": {"accounts:\n  - {platform: bluesky, name: \"@a\", url: \"https://x.example/a\", did: \"did:web:a.example\"}\n  - {platform: bluesky, name: \"@b\", url: \"https://x.example/b\", did: \"did:web:b.example\"}\n",
			[]string{"m.yaml:5: accounts[1].did is a second one"}},
		"an unknown key":     {"accounts:\n  - {platform: x, name: \"@a\", url: \"https://x.example/a\", chanel: b}\n", []string{"m.yaml:4: unknown key accounts[0].chanel (did you mean channel?)"}},
		"no hashtags":        {"hashtags:\n  - {event: Piena, language: italiano!}\n", []string{"m.yaml:4: hashtags[0].tags is missing", `hashtags[0].language is "italiano!"`}},
		"no hashtag":         {"hashtags:\n  - tags: [\"2026\", bello-e-brutto, fine]\n", []string{`m.yaml:4: hashtags[0].tags[0] is "2026"`, `hashtags[0].tags[1] is "bello-e-brutto"`}},
		"an event twice":     {"hashtags:\n  - {event: Piena, tags: [a]}\n  - {event: piena, tags: [b]}\n", []string{`m.yaml:5: hashtags[1].event is "piena", which stands here already`}},
		"hashtags no list":   {"hashtags: Valdemo\n", []string{"m.yaml:3: hashtags must be a list"}},
		"a register no list": {"accounts: {platform: x}\n", []string{"m.yaml:3: accounts must be a list"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := command(t, "config", "check", "--config", write(t, filepath.Join(t.TempDir(), "m.yaml"), valdemo+test.yaml))
			if code != exitRefused {
				t.Errorf("exit %d: %s", code, out)
			}
			for _, want := range test.want {
				if !strings.Contains(errOut, want) {
					t.Errorf("%q is not named in\n%s", want, errOut)
				}
			}
		})
	}
}

func TestAnAccountThatIsThereTwiceIsNoted(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "token"), "secret")
	const one = "  - {name: NAME, kind: mastodon, url: https://social.example, token_file: token, language: LANG}\n"
	entry := func(name, language string) string {
		return strings.NewReplacer("NAME", name, "LANG", language).Replace(one)
	}
	for name, c := range map[string]struct {
		second string
		want   bool
	}{"the same": {entry("again", "it"), true}, "in another language": {entry("again", "en"), false}} {
		file := write(t, filepath.Join(dir, "m.yaml"), valdemo+"channels:\n"+entry("comune", "it")+c.second)
		if _, out, _ := command(t, "config", "check", "--config", file); strings.Contains(out, "note: again: it has the same account and settings as comune") != c.want {
			t.Errorf("%s: %s", name, out)
		}
	}
}
