package voice

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// longestTwiML is the limit of Twilio's parameter Twiml
// (twilio.com/docs/voice/api/call-resource).
const longestTwiML = 4000

// pressTime is how long a person may think after the end.
const pressTime = "10"

// script writes what Twilio says in a call. Every text is escaped.
type script struct{ b bytes.Buffer }

func (s *script) tag(name string, attributes ...string) {
	s.b.WriteString("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] == "" {
			continue
		}
		s.b.WriteString(" " + attributes[i] + `="`)
		s.text(attributes[i+1])
		s.b.WriteByte('"')
	}
	s.b.WriteByte('>')
}

func (s *script) end(name string) { s.b.WriteString("</" + name + ">") }

func (s *script) text(text string) {
	_ = xml.EscapeText(&s.b, []byte(strings.ToValidUTF8(text, ""))) // a buffer takes everything
}

func (s *script) say(v Voice, text string) {
	if text == "" {
		return
	}
	s.tag("Say", "language", v.Locale, "voice", v.Name)
	s.text(text)
	s.end("Say")
}

func (s *script) pause() { s.b.WriteString(`<Pause length="1"/>`) }

// gather collects one key, pressed at any time within what is said.
func (s *script) gather(action string, said func()) {
	if action == "" {
		said()
		return
	}
	s.tag("Gather", "input", "dtmf", "numDigits", "1", "timeout", pressTime, "action", action, "method", "POST")
	said()
	s.end("Gather")
}

// twiml is the script of a call: the alert twice, or its recording and then the
// text, and the question at the end.
func (c call) twiml(action string, asks Voice) string {
	var s script
	s.b.WriteString("<Response>")
	s.pause() // a phone takes a moment from the button to the ear
	s.gather(action, func() {
		if c.recording != "" {
			if c.Exercise { // the recording may not say it
				s.say(c.voice, c.mark())
			}
			s.tag("Play")
			s.text(c.recording)
			s.end("Play")
		} else {
			s.say(c.voice, c.said)
		}
		s.pause()
		s.say(asks, c.words.Again)
		s.say(c.voice, c.said)
		if action != "" && !c.page { // a page says itself what a key means
			s.say(asks, c.words.Press)
		}
	})
	s.b.WriteString("</Response>")
	return s.b.String()
}

// mark is the first sentence of an exercise.
func (c call) mark() string {
	first, _, _ := strings.Cut(c.said, ".")
	return first + "."
}

// thanks is what follows a pressed key: the end after one that means something,
// the question again after another one.
func thanks(words, question string, v Voice, known bool, action string) []byte {
	var s script
	s.b.WriteString(xml.Header + "<Response>")
	if known {
		s.say(v, words)
	} else {
		s.gather(action, func() { s.say(v, question) })
	}
	s.b.WriteString("</Response>")
	return s.b.Bytes()
}
