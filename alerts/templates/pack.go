package templates

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
)

// Pack is templates that travel together.
type Pack struct {
	V         int        `json:"v"`
	Name      string     `json:"name"`
	Made      time.Time  `json:"made"`
	Templates []Template `json:"templates"`
}

// Signer says who signed a pack. A name proves nothing; the key does, where it
// is known.
type Signer struct {
	Name string            `json:"name"`
	Key  ed25519.PublicKey `json:"key"`
}

// Fingerprint is what people compare by telephone: SHA-256 of the key, the first
// 16 bytes, in groups of four.
func (s Signer) Fingerprint() string {
	sum := sha256.Sum256(s.Key)
	h := hex.EncodeToString(sum[:16])
	var groups []string
	for ; h != ""; h = h[4:] {
		groups = append(groups, h[:4])
	}
	return strings.Join(groups, "-")
}

// MaxPack bounds the file of a pack in bytes, MaxTemplates what is in it.
const (
	MaxPack      = 1 << 20
	MaxTemplates = 200
)

// The errors of [Open].
var (
	ErrNotPack   = errors.New("the file is no pack of templates")
	ErrSignature = errors.New("the signature does not fit: the pack was changed after it was signed, or by somebody else")
)

// sealed is the file of a pack: the signature is over the pack's JSON without
// white space, and over the signer's name.
type sealed struct {
	Pack      json.RawMessage `json:"pack"`
	Signature *signature      `json:"signature,omitempty"`
}

type signature struct {
	Name  string `json:"name"`
	Key   string `json:"key"`   // Ed25519 public key, base64
	Value string `json:"value"` // base64
}

// signed is what is signed. The first line keeps the signature from being taken
// for one of something else.
func signed(name string, pack []byte) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "martinella pack of templates v1\n%q\n", name)
	err := json.Compact(&b, pack)
	return b.Bytes(), err
}

// Seal writes a pack as one JSON file, signed in the name. A nil key leaves it
// without a signature.
func Seal(p Pack, name string, key ed25519.PrivateKey) ([]byte, error) {
	p.V = Version
	p.Templates = slices.Clone(p.Templates)
	for i := range p.Templates {
		p.Templates[i].Shipped = false
	}
	b, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	file := sealed{Pack: b}
	if key != nil {
		text, err := signed(name, b)
		if err != nil {
			return nil, err
		}
		public, _ := key.Public().(ed25519.PublicKey)
		file.Signature = &signature{Name: name, Key: base64.StdEncoding.EncodeToString(public), Value: base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))}
	}
	out, err := json.MarshalIndent(file, "", " ")
	return append(out, '\n'), err
}

// Open reads a pack and says who signed it; nil where nobody did. The errors
// wrap [ErrNotPack] or are [ErrSignature]. The templates are not judged: see
// [Compare].
func Open(b []byte) (Pack, *Signer, error) {
	var p Pack
	var file sealed
	if len(b) > MaxPack {
		return p, nil, fmt.Errorf("%w: it is larger than %d bytes", ErrNotPack, MaxPack)
	}
	if err := strict(b, &file); err != nil || len(file.Pack) == 0 {
		return p, nil, fmt.Errorf("%w: it is not JSON of the form {\"pack\":...,\"signature\":...}", ErrNotPack)
	}
	var by *Signer
	if s := file.Signature; s != nil {
		key, errKey := base64.StdEncoding.DecodeString(s.Key)
		value, errValue := base64.StdEncoding.DecodeString(s.Value)
		text, err := signed(s.Name, file.Pack)
		if err != nil || errKey != nil || errValue != nil || len(key) != ed25519.PublicKeySize || len(s.Name) > maxName || !ed25519.Verify(key, text, value) {
			return p, nil, ErrSignature
		}
		by = &Signer{Name: s.Name, Key: key}
	}
	if err := strict(file.Pack, &p); err != nil {
		return Pack{}, nil, fmt.Errorf("%w: %s", ErrNotPack, strings.TrimPrefix(err.Error(), "json: "))
	}
	if p.V != Version || len(p.Templates) == 0 || len(p.Templates) > MaxTemplates || len(p.Name) > maxName {
		return Pack{}, nil, fmt.Errorf("%w: version %d with %d templates; this program reads version %d with 1 to %d", ErrNotPack, p.V, len(p.Templates), Version, MaxTemplates)
	}
	for i := range p.Templates {
		p.Templates[i].Shipped = false
	}
	return p, by, nil
}

// Read reads one template as it stands in a file of its own. It is not judged:
// see [Template.Problems].
func Read(b []byte) (Template, error) {
	var t Template
	if len(b) > MaxPack {
		return t, fmt.Errorf("the template is larger than %d bytes", MaxPack)
	}
	err := strict(b, &t)
	t.Shipped = false
	return t, err
}

// maxName bounds the names of packs and signers, in bytes.
const maxName = 200

// strict reads one JSON value whose fields are all known, and nothing after it.
func strict(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after it")
	}
	return nil
}

// Report says what a pack would do to the templates that are there.
type Report struct {
	New     []string  `json:"new"`
	Changed []string  `json:"changed"`
	Same    []string  `json:"same"`
	Refused []Refused `json:"refused"`
}

// Refused is a template that is not taken, and why.
type Refused struct {
	ID       string          `json:"id"`
	Problems alerts.Problems `json:"problems"`
}

// Compare judges a pack against the templates that are there, and gives what
// they would be afterwards. Nothing that is refused comes in; own ones that the
// pack does not name stay.
func Compare(own []Template, p Pack) (Report, []Template) {
	r := Report{New: []string{}, Changed: []string{}, Same: []string{}, Refused: []Refused{}}
	after := slices.Clone(own)
	seen := map[string]bool{}
	for _, t := range p.Templates {
		ps := t.Problems()
		if seen[t.ID] {
			ps = append(ps, alerts.Problem{Field: "id", Problem: "stands twice in the pack", Hint: "keep one of them", Level: alerts.LevelError})
		}
		seen[t.ID] = true
		if len(ps) > 0 {
			r.Refused = append(r.Refused, Refused{t.ID, ps})
			continue
		}
		have := Merge(after)
		i := slices.IndexFunc(have, func(h Template) bool { return h.ID == t.ID })
		if i < 0 {
			r.New = append(r.New, t.ID)
		} else {
			was := have[i]
			was.Shipped = false
			if reflect.DeepEqual(was, t) {
				r.Same = append(r.Same, t.ID)
				continue
			}
			r.Changed = append(r.Changed, t.ID)
		}
		if i := slices.IndexFunc(after, func(h Template) bool { return h.ID == t.ID }); i >= 0 {
			after[i] = t
		} else {
			after = append(after, t)
		}
	}
	return r, after
}
