package bluesky

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

func TestFacets(t *testing.T) {
	for text, want := range map[string]string{
		"":       "",
		"Piove.": "",
		"ALLERTA ROSSA #allertameteo https://x.it":             "14-27 #allertameteo, 28-40 https://x.it",
		"perché città #allertameteo è":                         "15-28 #allertameteo",
		"🔥🇮🇹 #fuoco":                                           "13-19 #fuoco",
		"👨‍👩‍👧‍👦 https://x.it/è?a=1#b":                         "26-47 https://x.it/è?a=1#b",
		"#piove, #nevica. #vento!!! #":                         "0-6 #piove, 8-15 #nevica, 17-23 #vento",
		"#2026 #112! #a2026 #2026a":                            "12-18 #a2026, 19-25 #2026a",
		"x#no (#no) \"#no\"":                                   "",
		"＃警報 です":                                               "0-9 ＃警報",
		"#عاصفة الآن":                                          "0-11 #عاصفة",
		"#️⃣ uno":                                              "",
		"#a\u00adb #c\u2060d":                                  "0-2 #a, 6-8 #c",
		"#👨‍👩‍👧":                                               "", // it would end within a character
		"#" + strings.Repeat("a", 64):                          "0-65 #" + strings.Repeat("a", 64),
		"#" + strings.Repeat("a", 65):                          "",
		"#" + strings.Repeat("è", 64):                          "0-129 #" + strings.Repeat("è", 64),
		"##doppio":                                             "0-8 ##doppio",
		"vedi https://x.it/a, o (https://y.it/b).":             "5-19 https://x.it/a, 24-38 https://y.it/b",
		"https://x.it/a_(b) https://x.it/a).":                  "0-18 https://x.it/a_(b), 19-33 https://x.it/a",
		"HTTPS://X.IT/A http://[::1]:8080/a":                   "0-14 HTTPS://X.IT/A, 15-34 http://[::1]:8080/a",
		"www.comune.pistoia.it/allerta. e comune.pistoia.it":   "0-29 www.comune.pistoia.it/allerta",
		"ai piani alti.No auto.It piove":                       "",
		"xhttps://x.it https:// http:/// https://%zz/ ftp://x": "",
		"#piove\nhttps://x.it\r\n#vento":                       "0-6 #piove, 7-19 https://x.it, 21-27 #vento",
		"#piove\u00a0https://x.it\u3000#vento":                 "0-6 #piove, 8-20 https://x.it, 23-29 #vento",
		"«https://x.it»":                                       "",
		"e\u0301 #e\u0301 #\u0301x":                            "4-8 #e\u0301, 9-13 #\u0301x",
	} {
		var got []string
		for _, f := range facets(text) {
			got = append(got, fmt.Sprintf("%d-%d %s", f.Index.Start, f.Index.End, text[f.Index.Start:f.Index.End]))
			one := f.Features[0]
			part := text[f.Index.Start:f.Index.End]
			if one.Tag != "" && part != "#"+one.Tag && part != "＃"+one.Tag || one.URI != "" && one.URI != part && one.URI != "https://"+part || one.Tag+one.URI == "" {
				t.Errorf("%q: %+v", text, f)
			}
		}
		if have := strings.Join(got, ", "); have != want {
			t.Errorf("%q: got %q, want %q", text, have, want)
		}
	}
}

func FuzzFacets(f *testing.F) {
	for _, seed := range []string{"ALLERTA ROSSA #allertameteo https://x.it", "#👨‍👩‍👧 (www.x.it)", "#️⃣#\u0301 https://x.it/è)", "\xff#\xff https://\xff", "＃警報　https://x.it。"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, one := range facets(text) {
			from, to := one.Index.Start, one.Index.End
			if from < last || to <= from || to > len(text) || len(one.Features) != 1 {
				t.Fatalf("%q: %+v after %d", text, one, last)
			}
			last = to
			tag := one.Features[0].Tag
			if len(tag) > 640 || uniseg.GraphemeClusterCount(tag) > 64 || (tag == "") == (one.Features[0].URI == "") {
				t.Errorf("%q: %+v", text, one)
			}
			if utf8.ValidString(text) {
				n := uniseg.GraphemeClusterCount(text[:from]) + uniseg.GraphemeClusterCount(text[from:to]) + uniseg.GraphemeClusterCount(text[to:])
				if !utf8.ValidString(text[from:to]) || n != uniseg.GraphemeClusterCount(text) {
					t.Errorf("%q: %+v cuts a character", text, one)
				}
			}
		}
	})
}
