package pressroom

import (
	"regexp"
	"strings"
)

// escapes make a sender's words harmless in each chat: what looks like markup is
// shown, not obeyed, and nobody is called by it. Addresses stay links.
var escapes = map[string]func(string) string{
	shapeSlack:      slack,
	shapeMattermost: mattermost,
	shapeDiscord:    discord,
	shapeTemplate:   func(text string) string { return text },
}

// address is what every chat makes a link of.
var address = regexp.MustCompile(`https?://(?:[A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*(?::[0-9]+)?(?:[/?#][^\s<>"]*)?`)

// linked rewrites a text outside its addresses and the addresses themselves.
func linked(text string, words, link func(string) string) string {
	var b strings.Builder
	for text != "" {
		at := address.FindStringIndex(text)
		if at == nil {
			break
		}
		end := at[0] + len(strings.TrimRight(text[at[0]:at[1]], ".,;:!?)]}'»”’*_~`|"))
		b.WriteString(words(text[:at[0]]))
		b.WriteString(link(text[at[0]:end]))
		text = text[end:]
	}
	b.WriteString(words(text))
	return b.String()
}

// percent writes markup within an address so that it is none (RFC 3986,
// section 2.1); the address stays the same.
var percent = strings.NewReplacer(`\`, "%5C", "`", "%60", "*", "%2A", "~", "%7E", "|", "%7C", "[", "%5B", "]", "%5D")

// entities are the three characters that control Slack's text
// (docs.slack.dev/messaging/formatting-message-text, "Escaping text"): without
// them there is no <!channel>, no <@user> and no hidden link.
var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func slack(text string) string {
	return linked(text, entities.Replace, func(link string) string {
		return "<" + percent.Replace(entities.Replace(link)) + ">"
	})
}

// markup are the characters of Markdown that work anywhere in a line.
var markup = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`, "|", `\|`, "[", `\[`, "]", `\]`, ">", `\>`)

// lineMarkup is what makes a heading, a list or a rule at the beginning of a
// line.
var lineMarkup = regexp.MustCompile(`(?m)^([ \t]*)(#{1,6}|-#|[-+]|=+|-[- ]*)([ \t]|$)`)

// number is what makes a numbered list there.
var number = regexp.MustCompile(`(?m)^([ \t]*[0-9]+)([.)])([ \t]|$)`)

func lines(text string) string {
	return number.ReplaceAllString(lineMarkup.ReplaceAllString(text, `$1\$2$3`), `$1\$2$3`)
}

// angle hides Discord's <@id>, <#id>, <t:...> and its links without a preview.
// @everyone stays readable; that it calls nobody is said in each request.
var angle = strings.NewReplacer("<", `\<`)

func discord(text string) string {
	return lines(linked(text, func(s string) string { return angle.Replace(markup.Replace(s)) }, percent.Replace))
}

// called is a mention in Mattermost: an @ that no word stands before.
var called = regexp.MustCompile(`(^|[^\pL\pN_.-])@([\pL\pN])`)

// gap is a space of no width: a mention or an instruction with it inside is
// neither, and reads the same.
const gap = "\u200b"

// entity is a character written as one of HTML, which Mattermost would show as
// the character.
var entity = regexp.MustCompile(`&(#?[0-9A-Za-z]+;)`)

// mattermost takes from Markdown, from mentions, and from what Mattermost
// understands of Slack's text: <!channel>.
func mattermost(text string) string {
	return lines(linked(text, func(s string) string {
		s = strings.ReplaceAll(markup.Replace(s), "<", "<"+gap)
		s = entity.ReplaceAllString(s, "&"+gap+"$1")
		return called.ReplaceAllString(s, "$1@"+gap+"$2")
	}, percent.Replace))
}
