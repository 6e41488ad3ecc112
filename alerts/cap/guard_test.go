package cap

import (
	"errors"
	"strings"
	"testing"
)

// bombs are messages that must cost next to nothing.
func bombs() map[string]string {
	full := Submit.Bytes - 100
	return map[string]string{
		"deep nesting":                  strings.Repeat("<a>", full/3),
		"17 deep":                       strings.Repeat("<a>", 17) + strings.Repeat("</a>", 17),
		"many elements":                 "<alert>" + strings.Repeat("<a/>", full/4) + "</alert>",
		"many attributes":               "<alert" + strings.Repeat(` a=""`, full/5) + "/>",
		"many namespaces":               "<alert" + strings.Repeat(` xmlns:a="a"`, full/12) + "/>",
		"many siblings of an attribute": "<alert>" + strings.Repeat(`<a b="c">d</a>`, full/14) + "</alert>",
		"billion laughs":                `<!DOCTYPE alert [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><alert>&b;</alert>`,
		"external entity":               `<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert>&x;</alert>`,
		"an instruction":                `<?php echo 1 ?><alert/>`,
		"an instruction inside":         `<alert><?xml-transform a?></alert>`,
		"a declaration inside":          `<alert><!ELEMENT a></alert>`,
	}
}

func TestTheGuardRefuses(t *testing.T) {
	for name, xml := range bombs() {
		t.Run(name, func(t *testing.T) {
			if err := guard([]byte(xml), Submit); !errors.Is(err, ErrUnsafe) {
				t.Errorf("got %v, want %v", err, ErrUnsafe)
			}
			if _, err := Parse([]byte(xml), Submit); !errors.Is(err, ErrUnsafe) {
				t.Errorf("parsed: got %v, want %v", err, ErrUnsafe)
			}
		})
	}
	if _, err := Parse([]byte("<alert>"+strings.Repeat(" ", Submit.Bytes)+"</alert>"), Submit); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: got %v", err)
	}
}

func TestMalformedMessages(t *testing.T) {
	for name, xml := range map[string]string{
		"nothing":                        "",
		"white space":                    " \n",
		"text":                           "allerta",
		"JSON":                           `{"identifier":"1"}`,
		"a second root":                  smallAlert + "<alert/>",
		"text behind the root":           smallAlert + "x",
		"text before the root":           "x" + smallAlert,
		"CDATA behind the root":          smallAlert + "<![CDATA[x]]>",
		"an end too many":                smallAlert + "</alert>",
		"the end is missing":             "<alert><info>",
		"crossed ends":                   "<alert><info></alert></info>",
		"an open tag":                    "<alert",
		"an open quote":                  `<alert a="`,
		"an open comment":                "<alert><!-- ",
		"an open CDATA":                  "<alert><![CDATA[",
		"an unknown entity":              "<alert>&nbsp;</alert>",
		"a bare ampersand":               "<alert>a & b</alert>",
		"an attribute twice":             `<alert a="1" a="2"/>`,
		"an expanded attribute twice":    `<alert xmlns:a="u" xmlns:b="u" a:x="1" b:x="2"/>`,
		"a control character":            "<alert>\x01</alert>",
		"a coded control character":      "<alert>&#1;</alert>",
		"NUL":                            "<alert>\x00</alert>",
		"bytes that are not UTF-8":       "<alert>\xff</alert>",
		"UTF-16":                         "\xff\xfe<\x00a\x00/\x00>\x00",
		"UTF-16 by declaration":          `<?xml version="1.0" encoding="UTF-16"?><alert/>`,
		"an unknown encoding":            `<?xml version="1.0" encoding="ebcdic-it"?><alert/>`,
		"XML 1.1":                        `<?xml version="1.1"?><alert/>`,
		"a late declaration":             ` <?xml version="1.0"?><alert/>`,
		"a declaration inside":           `<alert><?xml version="1.0"?></alert>`,
		"only a comment":                 "<!-- a -->",
		"high bytes although ASCII":      "<?xml version=\"1.0\" encoding=\"US-ASCII\"?><alert>\xe8</alert>",
		"less-than sign in an attribute": `<alert a="<"/>`,
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := Parse([]byte(xml), Submit)
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v %+v, want %v", err, doc, ErrMalformed)
			}
		})
	}
}

func TestTheGuardLetsPass(t *testing.T) {
	want := Digest(parse(t, []byte(smallAlert)).Alert)
	bare := strings.TrimPrefix(smallAlert, `<?xml version="1.0" encoding="UTF-8"?>`)
	for name, xml := range map[string]string{
		"no declaration":        bare,
		"a byte order mark":     "\xef\xbb\xbf" + smallAlert,
		"a stylesheet":          `<?xml version='1.0'?><?xml-stylesheet href="a.xsl" type="text/xsl"?>` + bare,
		"line ends of Windows":  strings.ReplaceAll(smallAlert, "><", ">\r\n<"),
		"comments":              "<!-- <x> -->" + strings.Replace(bare, "Prova", "Pro<!-- ' -->va", 1) + "<!-- b -->",
		"CDATA":                 strings.Replace(bare, "Prova", "<![CDATA[Pro]]>va", 1),
		"a prefix":              prefixed("c", strings.Replace(bare, " xmlns=", " xmlns:c=", 1)),
		"single quotes":         strings.ReplaceAll(smallAlert, `"`, "'"),
		"> in an attribute":     strings.Replace(bare, "<alert ", `<alert lang="/>" `, 1),
		"ISO-8859-1":            strings.Replace(smallAlert, "UTF-8", "ISO-8859-1", 1),
		"windows-1252":          strings.Replace(smallAlert, "UTF-8", "windows-1252", 1),
		"space around the root": "\n" + bare + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			doc := parse(t, []byte(xml))
			if !doc.Strict() || Digest(doc.Alert) != want {
				t.Error(doc.Problems, doc.Schema)
			}
		})
	}
}

func TestTheLimitsThemselvesPass(t *testing.T) {
	for name, xml := range map[string]string{
		"16 deep":       strings.Repeat("<a>", 16) + strings.Repeat("</a>", 16),
		"4000 elements": "<a>" + strings.Repeat("<b/>", 3999) + "</a>",
		"32 attributes": "<a" + strings.Repeat(` b=""`, 32) + "/>",
		"256 KiB":       "<a>" + strings.Repeat(" ", Submit.Bytes-7) + "</a>",
	} {
		if err := guard([]byte(xml), Submit); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEncodings(t *testing.T) {
	for name, c := range map[string]struct{ encoding, bytes, want string }{
		"UTF-8":        {"utf-8", "Citt\xc3\xa0", "Città"},
		"ISO-8859-1":   {"ISO-8859-1", "Citt\xe0", "Città"},
		"windows-1252": {"Windows-1252", "Citt\xe0 \x80", "Città €"},
	} {
		t.Run(name, func(t *testing.T) {
			xml := strings.Replace(strings.Replace(smallAlert, "UTF-8", c.encoding, 1), "Prova", c.bytes, 1)
			if got := parse(t, []byte(xml)).Alert.Infos[0].Event; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLargeNationalMessagesAreRead(t *testing.T) {
	area := `<area><areaDesc>Valdemo</areaDesc><polygon>` + strings.Repeat("44.5,10.9 44.5,10.95 44.55,10.95 ", 30) + `44.5,10.9</polygon></area>`
	xml := strings.Replace(smallAlert, "</info>", strings.Repeat(area, 1352)+"</info>", 1)
	if _, err := Parse([]byte(xml), Submit); !errors.Is(err, ErrTooLarge) {
		t.Errorf("as a submit: got %v", err)
	}
	doc, err := Parse([]byte(xml), National)
	if err != nil || len(doc.Alert.Infos[0].Areas) != 1353 {
		t.Errorf("as a national source: %v", err)
	}
}
