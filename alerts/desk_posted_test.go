package alerts

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestWhoMaySayThatAKitWasPosted(t *testing.T) {
	for what, c := range map[string]struct {
		verbs  []Verb
		limit  func(*Rights)
		kind   error // of the refusal; nil: allowed
		field  string
		digest func(Digest) Digest
	}{
		"an author":                         {verbs: []Verb{VerbSubmit}},
		"an approver":                       {verbs: []Verb{VerbApprove}},
		"who issues":                        {verbs: []Verb{VerbIssue}},
		"who only reads":                    {verbs: []Verb{VerbRead}, kind: ErrForbidden, field: "key"},
		"a key of other channels":           {verbs: []Verb{VerbSubmit}, limit: func(r *Rights) { r.Channels = []string{"sms"} }, kind: ErrForbidden, field: "channel"},
		"a key of this channel":             {verbs: []Verb{VerbSubmit}, limit: func(r *Rights) { r.Channels = []string{"instagram"} }},
		"a key of another area":             {verbs: []Verb{VerbSubmit}, limit: func(r *Rights) { r.Areas = []string{"048*"} }, kind: ErrForbidden, field: "info[0].area[0].geocode[0]"},
		"a key for less severe alerts":      {verbs: []Verb{VerbSubmit}, limit: func(r *Rights) { r.MaxSeverity = SeverityMinor }, kind: ErrForbidden, field: "severity"},
		"without saying which text it was":  {verbs: []Verb{VerbSubmit}, digest: func(Digest) Digest { return "" }, kind: ErrInvalid, field: "digest"},
		"a text that is not that of now":    {verbs: []Verb{VerbSubmit}, digest: func(Digest) Digest { return "0" }, kind: ErrStale, field: "digest"},
		"the limits of a key do not add up": {verbs: []Verb{VerbRead}, limit: func(r *Rights) { r.Channels = []string{"instagram"} }, kind: ErrForbidden, field: "key"},
	} {
		t.Run(what, func(t *testing.T) {
			d := newDesk(newMemory())
			r := issued(t, d, func(a *Alert) { a.Infos[0].Severity = SeverityModerate })
			by := person("key:x", c.verbs...)
			if c.limit != nil {
				c.limit(&by.Rights)
			}
			digest := r.Approved
			if c.digest != nil {
				digest = c.digest(digest)
			}
			got, act, err := d.Posted(t.Context(), by, r.ID, "instagram", Decision{Digest: digest, Reason: "from the office's phone"}, noon)
			if c.kind == nil {
				if err != nil || got.ID != r.ID || act.Verb != "posted" || act.By.ID != "key:x" || act.Digest != r.Approved || !act.At.Equal(noon) || act.Reason != "channel instagram: from the office's phone" {
					t.Errorf("got %+v, %v", act, err)
				}
				return
			}
			var refusal *Refusal
			if !errors.As(err, &refusal) || !errors.Is(err, c.kind) || !slices.ContainsFunc(refusal.Problems, func(p Problem) bool { return p.Field == c.field }) {
				t.Errorf("got %v, want %v of %s", err, c.kind, c.field)
			}
		})
	}
}

func TestATickOfATextThatWasReplacedNamesTheNewOne(t *testing.T) {
	d := newDesk(newMemory())
	first := issued(t, d, func(a *Alert) { a.Infos[0].Severity = SeverityModerate })
	by := person("key:x", VerbIssue)
	second, _, err := submit(t, d, by, update(minor))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = d.Posted(t.Context(), by, first.ID, "instagram", Decision{Digest: first.Approved}, noon)
	if !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), "revision 2 took its place") || !strings.Contains(err.Error(), string(second.ID)) {
		t.Errorf("got %v", err)
	}
	if _, _, err = d.Posted(t.Context(), by, "none", "instagram", Decision{Digest: first.Approved}, noon); !errors.Is(err, ErrNotFound) {
		t.Errorf("an alert that there is not: %v", err)
	}
}
