package lexicon

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
)

// rings are the words by which staff is called, by language and cause.
var rings = loadRings()

func loadRings() map[string]map[string]string {
	var all map[string]map[string]string
	b, err := files.ReadFile("rings.json")
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		panic(fmt.Sprintf("lexicon: the embedded file of rings cannot be read: %v", err))
	}
	return all
}

// RingLanguages are the languages in which staff is called, the first stands in
// for others.
var RingLanguages = []string{"it", "en"}

// ringHeadline is how many characters of a headline a call to staff repeats: with
// the link it fits one text message or two.
const ringHeadline = 60

// Ring is what a member of staff is told who is called. "test" is a cause too.
func Ring(tag string, why alerts.Why, headline, authority string) string {
	letters := []rune(strings.Join(strings.Fields(headline), " "))
	if len(letters) > ringHeadline {
		letters = append([]rune(strings.TrimRight(string(letters[:ringHeadline-1]), " ")), '…')
	}
	short := strings.TrimRight(string(letters), ".")
	return strings.NewReplacer("{headline}", short, "{authority}", authority).Replace(ringWords(tag)[string(why)])
}

// RingSubject is the subject of a mail that calls somebody.
func RingSubject(tag, authority string) string {
	return strings.ReplaceAll(ringWords(tag)["subject"], "{authority}", authority)
}

// RingSent is what operators are told of an alert that went out, behind
// [Ring]: how it is marked, where, when, and who said yes.
func RingSent(tag, level, area, name string, at time.Time) string {
	return strings.NewReplacer("{level}", level, "{area}", area, "{name}", name, "{time}", at.Format("15:04")).Replace(ringWords(tag)["sent-how"])
}

// RingSentSubject is the subject of a mail that tells operators of it.
func RingSentSubject(tag, authority string) string {
	return strings.ReplaceAll(ringWords(tag)["sent-subject"], "{authority}", authority)
}

// RingShort is the headline of a ring for a call to volunteers to which too few
// come. missing are the needs that are not met, as "2 × pilot"; one that begins
// with no skill is written by [RingAnybody].
func RingShort(tag, code string, coming, needed int, missing []string) string {
	return strings.NewReplacer("{code}", code, "{coming}", strconv.Itoa(coming), "{needed}", strconv.Itoa(needed), "{missing}", strings.Join(missing, ", ")).Replace(ringWords(tag)["short"])
}

// RingAnybody says that so many people of any skill are missing.
func RingAnybody(tag string, n int) string {
	return strings.ReplaceAll(ringWords(tag)["anybody"], "{n}", strconv.Itoa(n))
}

// RingNobody says that who should have been called could not be.
func RingNobody(tag string) string { return ringWords(tag)["nobody"] }

func ringWords(tag string) map[string]string {
	if w, ok := rings[alerts.PrimaryLanguage(tag)]; ok {
		return w
	}
	return rings[RingLanguages[0]]
}
