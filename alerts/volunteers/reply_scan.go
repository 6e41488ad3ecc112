package volunteers

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word, a number or a sign of a message.
type token struct {
	kind     tokenKind
	text     string // of a word: in small letters without accents
	from, to int    // bytes
	accent   bool   // "sì", "si'"
	number   int
}

type tokenKind int

const (
	tokenSign tokenKind = iota
	tokenQuestion
	tokenWord
	tokenNumber
	tokenClock   // 18:30
	tokenDecimal // 1,5: number is in tenths
)

// signs that say a word.
var pictures = map[rune]string{
	'👍': "👍", '👌': "👍", '✅': "👍", '✔': "👍", '☑': "👍", '🆗': "👍", '🙋': "👍",
	'👎': "👎", '❌': "👎", '🚫': "👎", '🙅': "👎", '✖': "👎",
	'🤷': "?", '❓': "?", '❔': "?", '🤔': "?",
}

// scan cuts a message into tokens.
func scan(s string) []token {
	var out []token
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		t := token{from: i}
		switch {
		case unicode.IsLetter(r):
			size = run(s[i:], func(r rune) bool { return unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) })
			t.kind, t.text = tokenWord, plain(s[i:i+size])
			t.accent = strings.ContainsAny(strings.ToLower(s[i:i+size]), "ìíî\u0300\u0301")
		case r >= '0' && r <= '9':
			size = t.readNumber(s[i:])
		case apostrophe(r):
			if n := len(out); n > 0 && out[n-1].to == i {
				switch out[n-1].kind {
				case tokenNumber: // 20'
					out = append(out, token{kind: tokenWord, text: "min", from: i, to: i + size})
				case tokenWord:
					out[n-1].accent = true
				}
			}
			i += size
			continue
		case r == ' ' || r == '\t' || r == 0xfe0f || r == 0x200d || r >= 0x1f3fb && r <= 0x1f3ff:
			i += size
			continue
		case dash[string(r)] && len(out) > 0 && out[len(out)-1].kind == tokenWord && out[len(out)-1].to == i && letterAt(s, i+size): // peut-être
			i += size
			continue
		case r == '?' || r == '¿' || pictures[r] == "?":
			t.kind = tokenQuestion
		case pictures[r] != "":
			t.kind, t.text = tokenWord, pictures[r]
		default:
			t.text = string(r)
		}
		i += size
		t.to = i
		out = append(out, t)
	}
	return out
}

func letterAt(s string, i int) bool {
	r, _ := utf8.DecodeRuneInString(s[i:])
	return unicode.IsLetter(r)
}

func apostrophe(r rune) bool { return strings.ContainsRune("'’‘`´′ʼ", r) }

func run(s string, is func(rune) bool) int {
	if i := strings.IndexFunc(s, func(r rune) bool { return !is(r) }); i >= 0 {
		return i
	}
	return len(s)
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

// readNumber reads what s begins with: 20, 18:30, 18.30, 1,5.
func (t *token) readNumber(s string) int {
	n := run(s, digit)
	t.kind, t.number = tokenNumber, huge
	if n <= 6 {
		t.number, _ = strconv.Atoi(s[:n])
	}
	if len(s) <= n+1 || !strings.ContainsRune(":.,", rune(s[n])) {
		return n
	}
	switch more := run(s[n+1:], digit); {
	case more == 0:
		return n
	case more == 1 && s[n] != ':' && n <= 2:
		t.kind, t.number = tokenDecimal, t.number*10+int(s[n+1]-'0')
		return n + 2
	default:
		t.kind = tokenClock
		return n + 1 + more
	}
}

// huge is any number that nobody means.
const huge = 1_000_000

// plain is a word in small letters without accents.
func plain(word string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		if to, is := accents[r]; is {
			return to
		}
		return r
	}, strings.ReplaceAll(strings.ToLower(word), "ß", "ss"))
}

var accents = func() map[rune]rune {
	out := map[rune]rune{}
	for to, from := range map[rune]string{'a': "àáâãäå", 'c': "çčć", 'd': "đ", 'e': "èéêë", 'i': "ìíîï", 'n': "ñ", 'o': "òóôõö", 's': "š", 'u': "ùúûü", 'y': "ýÿ", 'z': "ž"} {
		for _, r := range from {
			out[r] = to
		}
	}
	return out
}()

// code is a call's code within words; spaces within it only where it has all its
// digits, since "v 20" says "in 20" in Slovene.
var code = regexp.MustCompile(`(?i)\bv(\s?[-–—_.]?\s?)([0-9]+)`)

// codeIn finds the code of a call: its number and where it stands; several where
// two different ones are named, or one that cannot be.
func codeIn(s string) (number uint32, spans [][2]int, several bool) {
	for _, at := range code.FindAllStringSubmatchIndex(s, -1) {
		gap, digits := s[at[2]:at[3]], s[at[4]:at[5]]
		if strings.ContainsFunc(gap, unicode.IsSpace) && len(digits) < 4 || len(digits) < 3 && letterAt(s, at[1]) { // v20min
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || n == 0 || number != 0 && number != uint32(n) {
			return 0, nil, true
		}
		number, spans = uint32(n), append(spans, [2]int{at[0], at[1]})
	}
	return number, spans, false
}

// readMost is how many bytes of a message are looked at, with all that it quotes.
const readMost = 16 << 10

// ownWords is a message without what it quotes and without what nobody sees.
func ownWords(text string) string {
	text = text[:min(len(text), readMost)]
	text = strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\r\n", "\n"), "\r", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == 0x200d:
			return r
		case unicode.IsSpace(r):
			return ' '
		case unseen(r):
			return -1
		}
		return r
	}, text)
	var own []string
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		l = strings.TrimSpace(l)
		if ends(l) || introduces(l, "") || i+1 < len(lines) && introduces(l, lines[i+1]) {
			break
		}
		if !strings.HasPrefix(l, ">") && l != "" {
			own = append(own, l)
		}
	}
	return strings.Join(own, "\n")
}

// ends reports whether a line ends what somebody wrote themselves: a signature,
// or a mail that is quoted whole.
func ends(l string) bool {
	if l == "--" || strings.HasPrefix(l, "________") {
		return true
	}
	low := strings.ToLower(l)
	if marked := strings.TrimLeft(low, "-"); len(low)-len(marked) >= 2 {
		return strings.Contains(low, "messag") || strings.Contains(low, "nachricht") || strings.Contains(low, "sporo")
	}
	for _, device := range []string{"inviato da", "sent from", "get outlook", "von meinem", "gesendet von", "envoyé de", "envoyé depuis", "poslano z", "poslano s"} {
		if strings.HasPrefix(low, device) {
			return true
		}
	}
	return false
}

// introduces reports whether a line, with the one below, says who wrote what
// follows: "On Monday PC Valdemo wrote:".
func introduces(l, below string) bool {
	begin, _, _ := strings.Cut(l, " ")
	whole := strings.ToLower(strings.TrimSpace(l + " " + strings.TrimSpace(below)))
	if !quoteMark[strings.ToLower(begin)] || !strings.HasSuffix(whole, ":") {
		return false
	}
	for _, wrote := range []string{" ha scritto", " wrote", " schrieb ", " a écrit", " napisal"} {
		if strings.Contains(whole, wrote) {
			return true
		}
	}
	return false
}

var quoteMark = set("il on am le dne v")
