package dashboards

import (
	"maps"
	"regexp"
	"strings"
	"testing"
)

// tokens reads the custom properties of the light and the dark scheme.
func tokens(t *testing.T) (light, dark map[string]rgb) {
	t.Helper()
	b, err := staticFiles.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(b), "@media(prefers-color-scheme:dark)")
	if !found {
		t.Fatal("no dark scheme")
	}
	after = after[:strings.Index(after, "}}")]
	read := func(css string, into map[string]rgb) {
		for _, m := range regexp.MustCompile(`--([a-z0-9-]+):(#[0-9a-f]{3,6})`).FindAllStringSubmatch(css, -1) {
			hex := m[2]
			if len(hex) == 4 {
				hex = "#" + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:3], 2) + strings.Repeat(hex[3:4], 2)
			}
			c, err := parseColour(hex)
			if err != nil {
				t.Fatal(err)
			}
			into[m[1]] = c
		}
	}
	light, dark = map[string]rgb{}, map[string]rgb{}
	read(before, light)
	maps.Copy(dark, light)
	read(after, dark)
	return light, dark
}

func TestContrastOfEveryTokenPair(t *testing.T) {
	light, dark := tokens(t)
	light["white"], dark["white"], light["black"], dark["black"] = white, white, black, black
	const (
		words = 4.5 // WCAG 2.2, 1.4.3
		shape = 3.0 // WCAG 2.2, 1.4.11
	)
	tests := []struct {
		on, under   string
		least       float64
		light, dark bool
	}{
		{"ink", "bg", words, true, true}, {"ink", "bg2", words, true, true}, {"mut", "bg", words, true, true}, {"mut", "bg2", words, true, true},
		{"link", "bg", words, true, true}, {"link", "bg2", words, true, true}, {"red-ink", "bg", words, true, true}, {"org-ink", "bg", words, true, true},
		{"on-brand", "brand", words, true, true}, {"edge", "bg", shape, true, true}, {"edge", "bg2", shape, true, true},
		{"red", "bg", shape, true, true}, {"org", "bg", shape, true, true}, {"grn", "bg", shape, true, true}, {"on-grn", "grn", shape, true, true},
		{"white", "red", words, true, true}, {"black", "org", words, true, true}, {"black", "yel", words, true, true}, {"ink", "yel", shape, true, false},
		{"yel", "bg", shape, false, true}, {"white", "drill", words, true, true}, {"ink", "new", words, true, true}, {"bg", "ink", words, true, true},
		{"ink", "zone", words, true, true}, {"bg", "mut", shape, true, true},
	}
	for _, tt := range tests {
		for scheme, set := range map[string]map[string]rgb{"light": light, "dark": dark} {
			if (scheme == "light" && !tt.light) || (scheme == "dark" && !tt.dark) {
				continue
			}
			a, known := set[tt.on]
			b, known2 := set[tt.under]
			if !known || !known2 {
				t.Fatalf("there is no token %s or %s", tt.on, tt.under)
			}
			if got := contrast(a, b); got < tt.least {
				t.Errorf("%s on %s in the %s scheme has %.2f, at least %.1f", tt.on, tt.under, scheme, got, tt.least)
			}
		}
	}
}

func TestAnAuthoritysColour(t *testing.T) {
	for brand, want := range map[string]string{"#1b4965": "--on-brand:#ffffff", "#f2c200": "--on-brand:#000000", "#7a0019": "--link:#7a0019", "#ffffff": "--link:#6e6e6e", "": ""} {
		css, err := brandTokens(brand)
		if err != nil || !strings.Contains(css, want) {
			t.Errorf("%s gives %q %v, want %s", brand, css, err, want)
		}
	}
	for _, brand := range []string{"red", "#12345", "1b4965", "#gggggg"} {
		if css, err := brandTokens(brand); err == nil {
			t.Errorf("%s was taken: %s", brand, css)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("an empty configuration was taken")
	}
}
