package volunteers

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Reading is what a message of a volunteer says. Answer has no time and does not
// say over what it came: those are the caller's.
type Reading struct {
	Answer Answer
	Code   uint32 // of the call, as its number; 0: none is named
	// Clear: Answer is what they mean. Else it is empty, and a person must read
	// the message: nobody is counted for a guess.
	Clear bool
}

// The bounds of what is read, in code points.
const (
	NoteMost  = 200 // of [Answer.Note], the rest is left out
	replyMost = 600 // of what they wrote themselves: who writes more says more than an answer
)

// ReadReply reads what a volunteer wrote by SMS, e-mail or in a chat, in Italian,
// English, German, Slovene or French, with or without accents: "SI 20", "s",
// "arrivo tra mezz'ora", "NO al lavoro", "forse 60". It takes a number as the
// minutes until they are there, and a call's code anywhere. What is quoted of the
// message that they answer does not count; what else they wrote is the note.
//
// It would rather ask than be wrong, above all where somebody would be counted who
// does not come: what has a condition, a doubt, a question, another day, yes and
// no together, or a yes within words that nobody here knows, is not clear. A time
// of day ("alle 18:30") is kept in the note, as is a time without a yes where
// other words stand. STOP and the like are not read here: they are the channel's.
func ReadReply(text string) Reading {
	own := ownWords(text)
	out := Reading{}
	number, spans, several := codeIn(own)
	out.Code = number
	if several || utf8.RuneCountInString(own) > replyMost {
		return out
	}
	r := parse(own, spans)
	if kind, clear := r.decide(); clear {
		out.Clear = true
		out.Answer.Kind = kind
		out.Answer.Note = r.note(own)
		if kind != Cannot {
			out.Answer.Minutes = r.minutes
		}
	}
	return out
}

// reply is a message in pieces, and what was counted of them.
type reply struct {
	parts   []part
	count   [classes]int
	timed   bool // a time was said
	minutes int
	unsure  bool // a word that may say yes stands where nobody can tell
	torn    bool // two times, one that cannot be, or a question
}

// part is one word, phrase, time or sign of a message.
type part struct {
	class    class
	from, to int // bytes of what they wrote
	minutes  int // of classTime and classNumber
}

// parse cuts a message into parts; the spans are the call's code.
func parse(own string, codes [][2]int) *reply {
	tokens := scan(own)
	r := &reply{}
	for i := 0; i < len(tokens); {
		t := tokens[i]
		p, n := part{class: classText, from: t.from, to: t.to}, 1
		switch {
		case slices.ContainsFunc(codes, func(c [2]int) bool { return t.from < c[1] && t.to > c[0] }):
			p.class = classCode
		case t.kind == tokenQuestion:
			r.torn, p.class = true, classSign
		case t.kind == tokenSign:
			p.class = classSign
		default:
			p, n = next(tokens[i:], r.last())
		}
		p.to = tokens[i+n-1].to
		r.parts = append(r.parts, p)
		i += n
	}
	r.times()
	r.settle()
	for _, p := range r.parts {
		r.count[p.class]++
	}
	return r
}

// last is the class of the part before, signs and what says nothing left out.
func (r *reply) last() class {
	for _, p := range slices.Backward(r.parts) {
		if c := p.class; c != classSign && c != classCode && c != classFill {
			return c
		}
	}
	return classSign
}

// times finds the one time that was said, and makes text of what is no time until
// they are there.
func (r *reply) times() {
	before := classSign
	for i := range r.parts {
		p := &r.parts[i]
		is := p.class
		bare := is == classNumber
		switch {
		case is != classTime && !bare:
		case before == classSpan || before == classText || bare && (before == classAt || before == classClock):
			p.class = classText
		case bare && p.minutes < fewest && (before == classIn || r.after(i, false) == classText):
			r.torn = true // "in 3": three people, or three minutes?
		case r.timed && r.minutes != p.minutes, p.minutes > 24*60:
			r.torn = true
		default:
			r.timed, r.minutes = true, p.minutes
		}
		following := r.after(i, false)
		timed := following == classTime || following == classNumber
		if is == classAt && following != classClock && !timed || (is == classSpan || is == classIn) && !timed {
			p.class = classText
		}
		if is != classCode && is != classFill {
			before = p.class
		}
	}
}

// fewest is the least number of minutes that is not taken for something else.
const fewest = 5

// after is the class of the next part that is no code nor, where it says so, one
// that says nothing; classSign at the end.
func (r *reply) after(i int, fill bool) class {
	for _, p := range r.parts[i+1:] {
		if p.class != classCode && !(fill && p.class == classFill) {
			return p.class
		}
	}
	return classSign
}

// settle decides words that are an answer only where they stand alone between
// signs, or among words that are known.
func (r *reply) settle() {
	begin, alone := true, true // of the message, and among known words of this piece
	for i := range r.parts {
		p := &r.parts[i]
		switch next := r.after(i, true); p.class {
		case classSi, classYes, classOK, classLetterYes, classDa:
			if !alone || !next.known() || (p.class == classLetterYes || p.class == classDa) && !begin {
				r.unsure = r.unsure || p.class == classYes || p.class == classOK || p.class == classSi && next == classSign
				p.class = classText
			} else if p.class != classOK {
				p.class = classYes
			}
		case classBegin:
			p.class = classStrong
			if !alone {
				r.unsure, p.class = true, classText
			}
		case classNo:
			if !alone && next != classSign {
				p.class = classNot
			}
		case classLetterNo:
			p.class = classNo
			if !alone || !begin || !next.known() {
				p.class = classNot
			}
		case classNon: // "non" alone is French; else it is what follows that is denied
			p.class = classNot
			if alone && (next == classSign || next == classThanks || next == classNo) {
				p.class = classNo
			}
		}
		switch {
		case p.class == classSign:
			alone = true
		case !p.class.known():
			alone = false
		}
		if p.class != classSign && p.class != classCode && p.class != classFill {
			begin = false
		}
	}
}

// decide says what the message means, and whether that is clear.
func (r *reply) decide() (AnswerKind, bool) {
	n := &r.count
	yes := n[classYes] + n[classStrong] + n[classOK]
	words := n[classText] + n[classAt] + n[classClock] + n[classSpan]
	switch {
	case r.torn:
		return "", false
	case n[classNo] > 0:
		return Cannot, yes == 0 && !r.unsure && n[classMaybe] == 0 && n[classDoubt] == 0
	case n[classNot] > 0:
		return "", false
	case n[classMaybe] > 0:
		return Maybe, n[classLater] == 0
	case n[classDoubt]+n[classLater]+n[classSorry] > 0:
		return "", false
	case n[classStrong] > 0:
		return Coming, true
	case n[classReceived] > 0 && !r.timed:
		return "", false
	case n[classYes] > 0:
		return Coming, true
	case n[classOK] > 0: // "ok" alone is yes; "ok grazie" may be anything
		return Coming, r.timed || words+n[classThanks] == 0
	case r.timed: // "20", "tra un'ora"
		return Coming, words == 0 && (n[classNumber] == 0 || r.minutes >= fewest && r.minutes <= aloneMost)
	}
	return "", false
}

// aloneMost is the most that a number alone says as minutes: 417 may be a call.
const aloneMost = 90

// note is what they wrote besides the answer.
func (r *reply) note(own string) string {
	from, to := -1, 0
	for _, p := range r.parts {
		switch p.class {
		case classText, classAt, classClock, classSpan, classLater, classDoubt, classNot:
			if from < 0 {
				from = p.from
			}
			to = p.to
		}
	}
	if from < 0 {
		return ""
	}
	return bounded(line(own[from:to]), NoteMost)
}

func bounded(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return strings.TrimSpace(s[:i])
		}
		n++
	}
	return s
}
