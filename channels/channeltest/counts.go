package channeltest

import "testing"

// Counts are how long texts are, by other people's code: twitter-text, ICU and
// the machine of Node (peers/counts.js). The functions with the shape of
// [Oracle] may be given to [Limits].
type Counts struct {
	t    testing.TB
	peer *Peer
}

// Oracle counts texts as a platform does, without our code.
type Oracle func(texts []string) []int

// Counted is what is known of one text.
type Counted struct {
	Weighted  int  // X
	Valid     bool // X takes it, by length and characters
	Graphemes int
	Bytes     int // of UTF-8
	UTF16     int
	Chars     int
	Linked    int    // Mastodon: characters, a link counting 23
	Broken    string // the end of a line that is cut within a grapheme, or none of the sources'
}

// StartCounts starts the counters; they end with the test. Without node the
// test is skipped and says so. Not for several goroutines.
func StartCounts(t testing.TB) *Counts {
	t.Helper()
	return &Counts{t, StartPeer(t, "counts.js")}
}

// Of counts one text. The lines of a text that was made of the sources have to
// end where a grapheme of these does.
func (c *Counts) Of(text string, sources ...string) Counted {
	c.t.Helper()
	c.peer.Tell(c.t, struct {
		Text    string   `json:"text"`
		Sources []string `json:"sources,omitempty"`
	}{text, sources})
	var out Counted
	c.peer.Next(c.t, &out)
	return out
}

// refusedByX is what a text counts that X takes at no length.
const refusedByX = 1 << 20

// Weighted counts as X does; what X would refuse for another reason than its
// length is longer than everything.
func (c *Counts) Weighted(texts []string) []int {
	return c.each(texts, func(of Counted) int {
		if !of.Valid && of.Weighted <= 280 {
			return refusedByX
		}
		return of.Weighted
	})
}

// Graphemes counts what a reader takes for a character.
func (c *Counts) Graphemes(texts []string) []int {
	return c.each(texts, func(of Counted) int { return of.Graphemes })
}

// Bytes counts those of UTF-8.
func (c *Counts) Bytes(texts []string) []int {
	return c.each(texts, func(of Counted) int { return of.Bytes })
}

// UTF16 counts units of UTF-16.
func (c *Counts) UTF16(texts []string) []int {
	return c.each(texts, func(of Counted) int { return of.UTF16 })
}

// Chars counts code points.
func (c *Counts) Chars(texts []string) []int {
	return c.each(texts, func(of Counted) int { return of.Chars })
}

// Linked counts code points, and 23 for each link.
func (c *Counts) Linked(texts []string) []int {
	return c.each(texts, func(of Counted) int { return of.Linked })
}

func (c *Counts) each(texts []string, of func(Counted) int) []int {
	c.t.Helper()
	out := make([]int, len(texts))
	for i, text := range texts {
		out[i] = of(c.Of(text))
	}
	return out
}
