package pressroom

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

func TestEscapes(t *testing.T) {
	for name, c := range map[string]struct{ text, slack, discord, mattermost string }{
		"plain words":             {"Salite subito, è allagato. 🔥", "Salite subito, è allagato. 🔥", "Salite subito, è allagato. 🔥", "Salite subito, è allagato. 🔥"},
		"a link and a full stop":  {"Vedi https://a.example/x_y*z.", "Vedi <https://a.example/x_y%2Az>.", "Vedi https://a.example/x_y%2Az.", "Vedi https://a.example/x_y%2Az."},
		"a link in brackets":      {"(https://a.example/?a=1&b=2)", "(<https://a.example/?a=1&amp;b=2>)", "(https://a.example/?a=1&b=2)", "(https://a.example/?a=1&b=2)"},
		"a bar in a link":         {"https://a.example/a|b", "<https://a.example/a%7Cb>", "https://a.example/a%7Cb", "https://a.example/a%7Cb"},
		"Slack's mentions":        {"<!channel> <!here|x> <@U1>", "&lt;!channel&gt; &lt;!here|x&gt; &lt;@U1&gt;", `\<!channel\> \<!here\|x\> \<@U1\>`, `<` + gap + `!channel\> <` + gap + `!here\|x\> <` + gap + `@` + gap + `U1\>`},
		"mentions in plain words": {"@everyone e @all, scrivi a a@b.example", "@everyone e @all, scrivi a a@b.example", "@everyone e @all, scrivi a a@b.example", "@" + gap + "everyone e @" + gap + "all, scrivi a a@b.example"},
		"a hidden link":           {"[Banca](https://evil.example)", "[Banca](<https://evil.example>)", `\[Banca\](https://evil.example)`, `\[Banca\](https://evil.example)`},
		"emphasis":                {"*a* _b_ ~c~ `d` ||e||", "*a* _b_ ~c~ `d` ||e||", "\\*a\\* \\_b\\_ \\~c\\~ \\`d\\` \\|\\|e\\|\\|", "\\*a\\* \\_b\\_ \\~c\\~ \\`d\\` \\|\\|e\\|\\|"},
		"headings and lists":      {"# A\n- b\n1. c\n-# d\n> e\n#allerta", "# A\n- b\n1. c\n-# d\n&gt; e\n#allerta", "\\# A\n\\- b\n1\\. c\n\\-# d\n\\> e\n#allerta", "\\# A\n\\- b\n1\\. c\n\\-# d\n\\> e\n#allerta"},
		"entities":                {"&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;", "&lt;!channel&gt;", "&" + gap + "lt;!channel&" + gap + "gt;"},
		"backslashes":             {`\*a\*`, `\*a\*`, `\\\*a\\\*`, `\\\*a\\\*`},
	} {
		for shape, want := range map[string]string{shapeSlack: c.slack, shapeDiscord: c.discord, shapeMattermost: c.mattermost, shapeTemplate: c.text} {
			if got := escapes[shape](c.text); got != want {
				t.Errorf("%s, %s: got %q, want %q", name, shape, got, want)
			}
		}
	}
}

// read is what a reader of CommonMark sees: a foreign program is the judge.
func read(t *testing.T, source string) (text, page string) {
	t.Helper()
	var b bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.Strikethrough, extension.Table, extension.TaskList)).Convert([]byte(source), &b); err != nil {
		t.Fatal(err)
	}
	return html.UnescapeString(tags.ReplaceAllString(b.String(), "")), b.String()
}

var (
	tags      = regexp.MustCompile(`</?[a-z][^>]*>`)
	slackLink = regexp.MustCompile(`<(https?://[^<>|]+)>`)
)

// FuzzEscape: what is shown is what was written, and nothing of it is markup.
func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"*a* <!channel> @all", "# A\n- b\n1. c\n+ d\n> e", "[x](https://a.example/_b_) https://a.example/_b_.", "a_b_c ~~d~~ `e` \\* | & &amp;", "@everyone\n<@1>", "1) a\n===\n---\n***\n___", "https://a.example/x*_", "~x~", "http://\u00a0*a*", "https://!", "http://0*0*0", "https://a.example/[x]*y*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = tidy(text)
		got := slack(text)
		shown := html.UnescapeString(slackLink.ReplaceAllString(got, "$1"))
		if unescaped(shown) != unescaped(text) {
			t.Errorf("slack: %q becomes %q", text, got)
		}
		if strings.ContainsAny(slackLink.ReplaceAllString(got, ""), "<>") {
			t.Errorf("slack: %q has a control sequence in %q", text, got)
		}

		// Within an address an underscore stays; this judge makes fewer links.
		text = address.ReplaceAllStringFunc(text, func(link string) string { return strings.ReplaceAll(link, "_", "-") })
		source := mattermost(text)
		seen, page := read(t, source)
		if unescaped(packed(seen)) != unescaped(packed(text)) {
			t.Errorf("mattermost: %q becomes %q and reads %q", text, source, seen)
		}
		for _, tag := range tags.FindAllString(page, -1) {
			if tag != "<p>" && tag != "</p>" {
				t.Errorf("mattermost: %q becomes %s", text, page)
			}
		}
		if !utf8.ValidString(discord(text)) || strings.ReplaceAll(unescaped(packed(discord(text))), `\`, "") != strings.ReplaceAll(unescaped(packed(text)), `\`, "") {
			t.Errorf("discord: %q becomes %q", text, discord(text))
		}
	})
}

// unescaped takes the percent signs of addresses back.
func unescaped(text string) string {
	return strings.NewReplacer("%5C", `\`, "%60", "`", "%2A", "*", "%7E", "~", "%7C", "|", "%5B", "[", "%5D", "]").Replace(text)
}

// tidy is a text as messages are: without control characters, without space at
// the ends of lines or runs of it.
func tidy(text string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.ToValidUTF8(text, ""), "\n") {
		line = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				return -1
			}
			return r
		}, line)
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func packed(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, gap, "")), "")
}
