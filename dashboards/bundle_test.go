package dashboards

import (
	"slices"
	"strings"
	"testing"
)

func TestThePackagesOfTheMapAreKnown(t *testing.T) {
	all, err := bundled(bundleLock)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, p := range all {
		names = append(names, p.Name)
		if p.Version == "" || p.Licence == "" || !strings.HasPrefix(p.Integrity, "sha512-") {
			t.Errorf("not all is known of %+v", p)
		}
	}
	if want := []string{"leaflet", "terra-draw", "terra-draw-leaflet-adapter"}; !slices.Equal(names, want) {
		t.Errorf("packages %v, want %v", names, want)
	}
}

func TestALockFileIsRead(t *testing.T) {
	for name, one := range map[string]struct {
		lock string
		want []Bundled
		err  string
	}{
		"packages within packages, and a scope": {`{"lockfileVersion":3,"packages":{"":{"version":"1"},"node_modules/b":{"version":"2"},"node_modules/b/node_modules/@s/a":{"version":"3","license":"MIT","integrity":"sha512-x"}}}`,
			[]Bundled{{Name: "b", Version: "2"}, {"@s/a", "3", "MIT", "sha512-x"}}, ""},
		"what only developers need": {`{"lockfileVersion":2,"packages":{"node_modules/b":{"version":"2","dev":true}}}`, nil, ""},
		"an old version":            {`{"lockfileVersion":1,"dependencies":{}}`, nil, "version 1 is not known"},
		"no JSON":                   {`{`, nil, "list the packages of the map"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := bundled([]byte(one.lock))
			if !slices.Equal(got, one.want) || (err == nil) != (one.err == "") || err != nil && !strings.Contains(err.Error(), one.err) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
