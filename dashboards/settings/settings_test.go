package settings

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/templates"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
)

func TestFaultsOfRows(t *testing.T) {
	long := strings.Repeat("x", MaxNote+1)
	for name, c := range map[string]struct {
		row  row
		want Fault
	}{
		"a number":                 {Phone{"+39 0573 555.0100", "switchboard"}, ""},
		"a short number":           {Phone{"112", ""}, ""},
		"two digits":               {Phone{"12", ""}, FaultPhone},
		"sixteen digits":           {Phone{"1234567890123456", ""}, FaultPhone},
		"letters":                  {Phone{"0573 PIPPO", ""}, FaultPhone},
		"figures of another world": {Phone{"٠١٢٣", ""}, FaultPhone},
		"a long note":              {Phone{"112", long}, FaultNote},
		"a note that turns":        {Phone{"112", "\u202egnihton"}, FaultNote},
		"a link":                   {Link{"https://www.regione.example/meteo?x=1", ""}, ""},
		"not safe":                 {Link{"http://www.regione.example/", ""}, FaultLink},
		"with a password":          {Link{"https://a:b@regione.example/", ""}, FaultLink},
		"a script":                 {Link{"javascript:alert(1)", ""}, FaultLink},
		"with a quote":             {Link{"https://x.example/\"onclick", ""}, FaultLink},
		"tags":                     {Tags{"Alluvione", "it-IT", []string{"allerta_1"}}, ""},
		"no tag":                   {Tags{"Alluvione", "it", nil}, FaultTags},
		"a tag of figures":         {Tags{"", "", []string{"112"}}, FaultTags},
		"no language":              {Tags{"", "italiano!", []string{"a"}}, FaultLanguage},
		"an account":               {Account{"instagram", "@x", "https://i.example/x"}, ""},
		"a platform in capitals":   {Account{"Instagram", "@x", "https://i.example/x"}, FaultPlatform},
		"without a name":           {Account{"instagram", " ", "https://i.example/x"}, FaultName},
		"without an address":       {Account{"instagram", "@x", ""}, FaultAddress},
	} {
		if got := c.row.Fault(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	got := Faults([]Phone{{Number: "0573 555 0100"}, {Number: "05735550100"}, {Number: "118"}}, map[string]bool{"118": true})
	if !slices.Equal(got, []RowFault{{1, FaultTwice}, {2, FaultTwice}}) {
		t.Errorf("twice: %v", got)
	}
}

func TestLogoKeepsPixelsOnly(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 30, 20))
	img.Set(3, 4, color.NRGBA{200, 10, 20, 128})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	made, err := MakeLogo(append(b.Bytes(), "<?php evil"...))
	if err != nil || bytes.Contains(made, []byte("evil")) {
		t.Fatalf("%v", err)
	}
	again, err := png.Decode(bytes.NewReader(made))
	if err != nil || again.Bounds() != img.Bounds() || again.At(3, 4) != img.At(3, 4) {
		t.Errorf("the picture changed: %v %v", again, err)
	}
	noise := image.NewNRGBA(image.Rect(0, 0, 400, 400))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(r.Uint32())
	}
	b.Reset()
	if err := png.Encode(&b, noise); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"svg": []byte("<svg/>"), "nothing": nil, "cut": made[:len(made)/2], "640 kB of noise": b.Bytes(), "a huge file": make([]byte, MaxLogoUpload+1)} {
		if _, err := MakeLogo(file); !errors.Is(err, ErrLogo) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func papers(t *testing.T) broadcast.Papers {
	t.Helper()
	r, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r.Papers()
}

func TestTwoNodesHaveTheSame(t *testing.T) {
	store := papers(t)
	here, there := NewBook(store, zap.NewNop()), NewBook(store, zap.NewNop())
	by, now := alerts.By{ID: "staff:1", Name: "Anna"}, time.Now()
	if err := here.PutPhones(t.Context(), 0, []Phone{{Number: "115"}}, by, now); err != nil {
		t.Fatal(err)
	}
	if err := there.PutPhones(t.Context(), 0, []Phone{{Number: "118"}}, by, now); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("over what it did not see: %v", err)
	}
	if err := there.Load(t.Context()); err != nil || len(there.Now().Phones) != 1 || there.Now().Of("phones").By.Name != "Anna" {
		t.Errorf("the other node: %+v %v", there.Now(), err)
	}
	version := there.Now().Version
	if err := there.Load(t.Context()); err != nil || there.Now().Version != version {
		t.Errorf("nothing changed, and the version is %d: %v", there.Now().Version, err)
	}
	// What cannot be read leaves what was read before.
	if _, err := store.PutPaper(t.Context(), broadcast.Paper{Kind: kindSetting, ID: idPhones, Revision: 1, Doc: []byte(`{"not":"a list"}`), By: by, At: now}); err != nil {
		t.Fatal(err)
	}
	if err := there.Load(t.Context()); err == nil || len(there.Now().Phones) != 1 {
		t.Errorf("an unreadable register: %v %v", err, there.Now().Phones)
	}
	var nobody *Book
	if len(nobody.Now().Phones) != 0 {
		t.Error("no book sets something")
	}
}

// away is a store that does not answer.
type away struct{ kept }

type kept interface{ broadcast.Papers }

func (away) Papers(context.Context, string) ([]broadcast.Paper, error) {
	return nil, alerts.ErrUnavailable
}

func TestTemplatesHoldWhileTheStoreIsAway(t *testing.T) {
	b := NewBook(papers(t), zap.NewNop())
	own := Templates{b.papers}
	mine := templates.Shipped()[0]
	mine.ID = "mine"
	if err := own.Put(t.Context(), mine, 0, alerts.By{ID: "staff:1"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := own.Put(t.Context(), mine, 0, alerts.By{ID: "staff:1"}, time.Now()); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("a second one with the id: %v", err)
	}
	all, err := b.Templates()
	if err != nil || len(all) != len(templates.Shipped())+1 {
		t.Fatalf("%d %v", len(all), err)
	}
	b.papers = away{b.papers}
	if still, err := b.Templates(); err != nil || len(still) != len(all) {
		t.Errorf("while the store is away: %d %v", len(still), err)
	}
}
