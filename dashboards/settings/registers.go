package settings

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/channels"
)

// Registers are what texts may name, and by what they are found. Each list is a
// paper of its own, so that two people may change two lists at once.
type Registers struct {
	Phones   []Phone   `json:"phones"`
	Links    []Link    `json:"links"`
	Hashtags []Tags    `json:"hashtags"`
	Accounts []Account `json:"accounts"`
}

// Phone is an approved telephone number as people dial it.
type Phone struct {
	Number string `json:"number"`
	Note   string `json:"note,omitempty"` // whose it is, for staff
}

// Link is an approved page of somebody else; what is below it is meant too.
type Link struct {
	URL  string `json:"url"`
	Note string `json:"note,omitempty"`
}

// Tags are the hashtags of an event, without the sign; see
// [channels.HashtagEntry].
type Tags struct {
	Event    string   `json:"event,omitempty"`
	Language string   `json:"language,omitempty"`
	Tags     []string `json:"tags"`
}

// Account is an official account of the authority where no channel of the
// gateway posts.
type Account struct {
	Platform string `json:"platform"`
	Name     string `json:"name"`
	URL      string `json:"url"`
}

// MostRows bounds a register, MaxNote what is written beside a row, in
// characters.
const (
	MostRows = 200
	MaxNote  = 200
)

// Fault is why a row is not taken. The pages have its words.
type Fault string

// The values of [Fault].
const (
	FaultPhone    Fault = "phone"
	FaultLink     Fault = "link"
	FaultLanguage Fault = "language"
	FaultTags     Fault = "tags"
	FaultPlatform Fault = "platform"
	FaultName     Fault = "name"
	FaultAddress  Fault = "address"
	FaultNote     Fault = "note"
	FaultTwice    Fault = "twice"
)

// CheckPhone reports whether it is a number as people dial it: 3 to 15 digits
// (ITU-T E.164 allows 15), with the signs that people write between them.
func CheckPhone(number string) bool {
	digits := 0
	for _, r := range number {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return digits >= 3 && digits <= 15 && strings.Trim(number, "+0123456789 ./-()") == ""
}

// CheckLink reports whether an address may be approved: https, a host, and no
// name or password in it.
func CheckLink(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && CheckAddress(address)
}

// CheckAddress reports whether it can be a public link: without a name and
// password, which it would show to everybody.
func CheckAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !Unprintable(address) && !strings.ContainsAny(address, " \t\"<>")
}

// Unprintable tells whether a text holds what steers a terminal or turns the
// direction of writing. Joiners are letters' business.
func Unprintable(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\u200c' && r != '\u200d' })
}

var (
	// PlatformForm is how a platform is named.
	PlatformForm = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	languageForm = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$`)
)

func noted(note string) bool { return utf8.RuneCountInString(note) <= MaxNote && !Unprintable(note) }

// Fault says what is wrong with the row, "" if nothing.
func (p Phone) Fault() Fault {
	switch {
	case !CheckPhone(p.Number):
		return FaultPhone
	case !noted(p.Note):
		return FaultNote
	}
	return ""
}

// Fault says what is wrong with the row, "" if nothing.
func (l Link) Fault() Fault {
	switch {
	case len(l.URL) > 2000 || !CheckLink(l.URL):
		return FaultLink
	case !noted(l.Note):
		return FaultNote
	}
	return ""
}

// Fault says what is wrong with the row, "" if nothing.
func (t Tags) Fault() Fault {
	switch {
	case !noted(t.Event):
		return FaultNote
	case t.Language != "" && !languageForm.MatchString(t.Language):
		return FaultLanguage
	case len(t.Tags) == 0 || len(t.Tags) > 10:
		return FaultTags
	}
	for _, tag := range t.Tags {
		if !channels.CheckHashtag(tag) {
			return FaultTags
		}
	}
	return ""
}

// Fault says what is wrong with the row, "" if nothing.
func (a Account) Fault() Fault {
	switch {
	case !PlatformForm.MatchString(a.Platform):
		return FaultPlatform
	case strings.TrimSpace(a.Name) == "" || !noted(a.Name):
		return FaultName
	case len(a.URL) > 2000 || !CheckAddress(a.URL):
		return FaultAddress
	}
	return ""
}

// The keys by which rows are the same.

// Key is the number without what people write between its digits.
func (p Phone) Key() string {
	return strings.Map(func(r rune) rune {
		if r == '+' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, p.Number)
}

// Key is the address.
func (l Link) Key() string { return strings.TrimSuffix(l.URL, "/") }

// Key is event and language, without regard to case.
func (t Tags) Key() string {
	return strings.ToLower(strings.TrimSpace(t.Event)) + "\x00" + alerts.PrimaryLanguage(t.Language)
}

// Key is the address.
func (a Account) Key() string { return a.URL }

// row is one line of a register.
type row interface {
	Fault() Fault
	Key() string
}

// RowFault is what is wrong with one row of a register, from 0.
type RowFault struct {
	Row   int
	Fault Fault
}

// Faults lists what is wrong with rows: their form, and those that stand twice,
// also in taken, the keys of what the configuration has already.
func Faults[R row](rows []R, taken map[string]bool) (all []RowFault) {
	seen := map[string]bool{}
	for i, r := range rows {
		f := r.Fault()
		if f == "" && (seen[r.Key()] || taken[r.Key()]) {
			f = FaultTwice
		}
		seen[r.Key()] = true
		if f != "" {
			all = append(all, RowFault{i, f})
		}
	}
	return all
}
