package channels

import (
	"slices"
	"strings"
	"unicode"
)

// clusterWeight is what X counts for one grapheme: two for an emoji that it
// knows (those of Unicode 11), else the sum of its parts.
func clusterWeight(cluster string) int {
	parts := strings.Split(cluster, joiner)
	n := len(parts) - 1 // each joiner that joins nothing known weighs one
	for i := 0; i < len(parts); {
		end := len(parts)
		for end > i+1 && !joinedEmoji(parts[i:end]) {
			end--
		}
		if end > i+1 {
			n += 2 - (end - i - 1)
		} else {
			n += partWeight(parts[i])
		}
		i = end
	}
	return n
}

// partWeight counts what stands between two joiners.
func partWeight(part string) int {
	n := 0
	for runes := []rune(part); len(runes) > 0; {
		used := emojiAt(runes)
		if used > 0 {
			n += 2
		} else {
			n += weight(runes[0])
			used = 1
		}
		runes = runes[used:]
	}
	return n
}

const (
	joiner   = "\u200d"
	selector = '\ufe0f' // shows a sign as an emoji
	keycap   = '\u20e3'
)

// emojiAt is how many characters the emoji takes that runes begin with, where
// it takes more than one; 0 for none.
func emojiAt(runes []rune) int {
	first := runes[0]
	next := func(i int) rune {
		if i < len(runes) {
			return runes[i]
		}
		return 0
	}
	switch {
	case first == '#' || first == '*' || first >= '0' && first <= '9':
		if next(1) == keycap {
			return 2
		}
		if next(1) == selector && next(2) == keycap {
			return 3
		}
	case regional(first) && regional(next(1)):
		if flags[string([]rune{first - 0x1F1E6 + 'A', next(1) - 0x1F1E6 + 'A'})] {
			return 2
		}
	case first == 0x1F3F4: // a flag with the name of a region in tags
		for _, region := range []string{"gbeng", "gbsct", "gbwls"} {
			if len(runes) > len(region)+1 && slices.EqualFunc([]rune(region+"\x7f"), runes[1:len(region)+2], func(a, b rune) bool { return a+0xE0000 == b }) {
				return len(region) + 2
			}
		}
	case next(1) >= 0x1F3FB && next(1) <= 0x1F3FF:
		if unicode.Is(toned, first) {
			return 2
		}
	case next(1) == selector:
		if unicode.Is(selected, first) {
			return 2
		}
	}
	return 0
}

func regional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// joinedEmoji reports whether two or more parts with joiners between them are
// one of the sequences that X counts as one emoji.
func joinedEmoji(parts []string) bool {
	if len(parts) == 2 && parts[0] != "" {
		switch parts[1] {
		case "♀️", "♂️":
			return gendered(parts[0])
		}
		runes := []rune(parts[0])
		person := runes[0] == '👨' || runes[0] == '👩'
		if person && parts[1] != "" && (len(runes) == 1 || len(runes) == 2 && emojiAt(runes) == 2) && strings.Contains(callings, " "+parts[1]+" ") {
			return true
		}
	}
	return strings.Contains(couples, " "+strings.Join(parts, joiner)+" ") || family(parts)
}

// gendered: who is shown as a man or as a woman.
func gendered(who string) bool {
	runes := []rune(who)
	switch {
	case len(runes) == 1:
		return unicode.Is(people, runes[0])
	case len(runes) == 2 && emojiAt(runes) == 2:
		return unicode.Is(people, runes[0]) && runes[1] != selector || runes[0] == 0x26F9 || runes[0] >= 0x1F3CB && runes[0] <= 0x1F3CC || runes[0] >= 0x1F574 && runes[0] <= 0x1F575
	}
	return false
}

// family: one or two grown-ups, one or two children.
func family(parts []string) bool {
	grown := 0
	for grown < len(parts) && (parts[grown] == "👨" || parts[grown] == "👩") {
		grown++
	}
	whom, children := strings.Join(parts[:grown], "+"), strings.Join(parts[grown:], "+")
	return slices.Contains([]string{"👨", "👩", "👨+👩", "👨+👨", "👩+👩"}, whom) && slices.Contains([]string{"👦", "👧", "👦+👦", "👧+👦", "👧+👧"}, children)
}

// callings stand behind a man or a woman; couples are whole.
const (
	callings = " ⚕️ ⚖️ ✈️ 🌾 🍳 🎓 🎤 🎨 🏫 🏭 💻 💼 🔧 🔬 🚀 🚒 🦰 🦱 🦲 🦳 "
	couples  = " 👨‍❤️‍👨 👩‍❤️‍👨 👩‍❤️‍👩 👨‍❤️‍💋‍👨 👩‍❤️‍💋‍👨 👩‍❤️‍💋‍👩 🏳️‍🌈 🏴‍☠️ 👁‍🗨 "
)

// flags are the pairs of letters that are one: countries by ISO 3166, and what
// Unicode added to them.
var flags = func() map[string]bool {
	const codes = "ACADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCPCRCUCVCWCXCYCZ" +
		"DEDGDJDKDMDODZEAECEEEGEHERESETEUFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUICIDIEILIMINIOIQIRISIT" +
		"JEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZ" +
		"OMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTATCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZ" +
		"UAUGUMUNUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW"
	m := make(map[string]bool, len(codes)/2)
	for i := 0; i < len(codes); i += 2 {
		m[codes[i:i+2]] = true
	}
	return m
}()

// ranges reads pairs of ends.
func ranges(ends ...rune) *unicode.RangeTable {
	t := &unicode.RangeTable{}
	for i := 0; i < len(ends); i += 2 {
		if ends[i+1] <= 0xFFFF {
			t.R16 = append(t.R16, unicode.Range16{Lo: uint16(ends[i]), Hi: uint16(ends[i+1]), Stride: 1})
			if ends[i+1] <= unicode.MaxLatin1 {
				t.LatinOffset++
			}
			continue
		}
		t.R32 = append(t.R32, unicode.Range32{Lo: uint32(ends[i]), Hi: uint32(ends[i+1]), Stride: 1})
	}
	return t
}

// selected: signs that a selector makes an emoji of.
var selected = ranges(
	0xA9, 0xA9, 0xAE, 0xAE, 0x203C, 0x203C, 0x2049, 0x2049, 0x2122, 0x2122, 0x2139, 0x2139, 0x2194, 0x2199, 0x21A9, 0x21AA,
	0x231A, 0x231B, 0x2328, 0x2328, 0x23CF, 0x23CF, 0x23ED, 0x23EF, 0x23F1, 0x23F2, 0x23F8, 0x23FA, 0x24C2, 0x24C2, 0x25AA, 0x25AB,
	0x25B6, 0x25B6, 0x25C0, 0x25C0, 0x25FB, 0x25FE, 0x2600, 0x2604, 0x260E, 0x260E, 0x2611, 0x2611, 0x2614, 0x2615, 0x2618, 0x2618,
	0x261D, 0x261D, 0x2620, 0x2620, 0x2622, 0x2623, 0x2626, 0x2626, 0x262A, 0x262A, 0x262E, 0x262F, 0x2638, 0x263A, 0x2640, 0x2640,
	0x2642, 0x2642, 0x2648, 0x2653, 0x265F, 0x2660, 0x2663, 0x2663, 0x2665, 0x2666, 0x2668, 0x2668, 0x267B, 0x267B, 0x267F, 0x267F,
	0x2692, 0x2697, 0x2699, 0x2699, 0x269B, 0x269C, 0x26A0, 0x26A1, 0x26AA, 0x26AB, 0x26B0, 0x26B1, 0x26BD, 0x26BE, 0x26C4, 0x26C5,
	0x26C8, 0x26C8, 0x26CF, 0x26CF, 0x26D1, 0x26D1, 0x26D3, 0x26D4, 0x26E9, 0x26EA, 0x26F0, 0x26F5, 0x26F7, 0x26FA, 0x26FD, 0x26FD,
	0x2702, 0x2702, 0x2708, 0x2709, 0x270C, 0x270D, 0x270F, 0x270F, 0x2712, 0x2712, 0x2714, 0x2714, 0x2716, 0x2716, 0x271D, 0x271D,
	0x2721, 0x2721, 0x2733, 0x2734, 0x2744, 0x2744, 0x2747, 0x2747, 0x2757, 0x2757, 0x2763, 0x2764, 0x27A1, 0x27A1, 0x2934, 0x2935,
	0x2B05, 0x2B07, 0x2B1B, 0x2B1C, 0x2B50, 0x2B50, 0x2B55, 0x2B55, 0x3030, 0x3030, 0x303D, 0x303D, 0x3297, 0x3297, 0x3299, 0x3299,
	0x1F004, 0x1F004, 0x1F170, 0x1F171, 0x1F17E, 0x1F17F, 0x1F202, 0x1F202, 0x1F21A, 0x1F21A, 0x1F22F, 0x1F22F, 0x1F237, 0x1F237, 0x1F321, 0x1F321,
	0x1F324, 0x1F32C, 0x1F336, 0x1F336, 0x1F37D, 0x1F37D, 0x1F396, 0x1F397, 0x1F399, 0x1F39B, 0x1F39E, 0x1F39F, 0x1F3CB, 0x1F3CE, 0x1F3D4, 0x1F3DF,
	0x1F3F3, 0x1F3F3, 0x1F3F5, 0x1F3F5, 0x1F3F7, 0x1F3F7, 0x1F43F, 0x1F43F, 0x1F441, 0x1F441, 0x1F4FD, 0x1F4FD, 0x1F549, 0x1F54A, 0x1F56F, 0x1F570,
	0x1F573, 0x1F579, 0x1F587, 0x1F587, 0x1F58A, 0x1F58D, 0x1F590, 0x1F590, 0x1F5A5, 0x1F5A5, 0x1F5A8, 0x1F5A8, 0x1F5B1, 0x1F5B2, 0x1F5BC, 0x1F5BC,
	0x1F5C2, 0x1F5C4, 0x1F5D1, 0x1F5D3, 0x1F5DC, 0x1F5DE, 0x1F5E1, 0x1F5E1, 0x1F5E3, 0x1F5E3, 0x1F5E8, 0x1F5E8, 0x1F5EF, 0x1F5EF, 0x1F5F3, 0x1F5F3,
	0x1F5FA, 0x1F5FA, 0x1F6CB, 0x1F6CB, 0x1F6CD, 0x1F6CF, 0x1F6E0, 0x1F6E5, 0x1F6E9, 0x1F6E9, 0x1F6F0, 0x1F6F0, 0x1F6F3, 0x1F6F3,
)

// toned: emoji that take a colour of skin.
var toned = ranges(
	0x261D, 0x261D, 0x26F7, 0x26F7, 0x26F9, 0x26F9, 0x270A, 0x270D, 0x1F385, 0x1F385, 0x1F3C2, 0x1F3C4, 0x1F3C7, 0x1F3C7, 0x1F3CA, 0x1F3CC,
	0x1F442, 0x1F443, 0x1F446, 0x1F450, 0x1F466, 0x1F469, 0x1F46E, 0x1F46E, 0x1F470, 0x1F478, 0x1F47C, 0x1F47C, 0x1F481, 0x1F483, 0x1F485, 0x1F487,
	0x1F4AA, 0x1F4AA, 0x1F574, 0x1F575, 0x1F57A, 0x1F57A, 0x1F590, 0x1F590, 0x1F595, 0x1F596, 0x1F645, 0x1F647, 0x1F64B, 0x1F64F, 0x1F6A3, 0x1F6A3,
	0x1F6B4, 0x1F6B6, 0x1F6C0, 0x1F6C0, 0x1F6CC, 0x1F6CC, 0x1F918, 0x1F91C, 0x1F91E, 0x1F91F, 0x1F926, 0x1F926, 0x1F930, 0x1F939, 0x1F93D, 0x1F93E,
	0x1F9B5, 0x1F9B6, 0x1F9B8, 0x1F9B9, 0x1F9D1, 0x1F9DD,
)

// people: who may be a man or a woman.
var people = ranges(
	0x1F3C3, 0x1F3C4, 0x1F3CA, 0x1F3CA, 0x1F46E, 0x1F46F, 0x1F471, 0x1F471, 0x1F473, 0x1F473, 0x1F477, 0x1F477, 0x1F481, 0x1F482, 0x1F486, 0x1F487,
	0x1F645, 0x1F647, 0x1F64B, 0x1F64B, 0x1F64D, 0x1F64E, 0x1F6A3, 0x1F6A3, 0x1F6B4, 0x1F6B6, 0x1F926, 0x1F926, 0x1F935, 0x1F935, 0x1F937, 0x1F939,
	0x1F93C, 0x1F93E, 0x1F9B8, 0x1F9B9, 0x1F9D6, 0x1F9DF,
)
