package dashboards

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// statement is what we say of one of our messages, signed: the words, when, and
// whether it still holds. Fields are only ever added; V counts the rest.
type statement struct {
	V         int             `json:"v"`
	Authority string          `json:"authority"`
	Site      string          `json:"site"`
	At        string          `json:"at"` // when this was said
	ID        alerts.ID       `json:"id"`
	Event     alerts.ID       `json:"event"`
	Revision  int             `json:"revision"`
	Code      string          `json:"code"`
	Status    alerts.Status   `json:"status"`
	Change    alerts.Change   `json:"change"`
	Severity  alerts.Severity `json:"severity"`
	Published string          `json:"published"`
	Expires   string          `json:"expires,omitempty"`
	Standing  stands          `json:"standing"`
	Newest    alerts.ID       `json:"newest,omitempty"` // the revision that holds now
	Texts     []saidText      `json:"texts"`
	Messages  []sentText      `json:"messages"` // as they went out, which may be shorter
}

// WrittenText is one text of a revision as its readers got it.
type WrittenText struct {
	Language string
	Text     string
	Also     bool // another form of a text that is there: with its title, or with the small lines of a mail
}

// sentText is one that page and statement show.
type sentText struct {
	Language string `json:"language"`
	Text     string `json:"text"`
}

// mostSent bounds how many are shown; channels say much the same.
const mostSent = 24

// sent gives what went out of a revision, each text once.
func (s *Server) sent(ctx context.Context, r *alerts.Record) ([]sentText, error) {
	out := []sentText{}
	if s.Written == nil {
		return out, nil
	}
	written, err := s.Written(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, t := range written {
		one := sentText{t.Language, strings.TrimSpace(strings.ToValidUTF8(t.Text, ""))}
		if !t.Also && one.Text != "" && len(out) < mostSent && !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out, nil
}

// saidText is one wording of a message, as page and statement show it.
type saidText struct {
	Language    string   `json:"language"`
	Event       string   `json:"event"`
	Headline    string   `json:"headline"`
	Where       string   `json:"where"`
	Description []string `json:"description"`
	Instruction []string `json:"instruction"`
}

// said gives the wordings of a record: those of what it cancels, for a Cancel
// that has none.
func (s *Server) said(r *alerts.Record) []saidText {
	out := []saidText{}
	for _, in := range r.Infos() {
		lang := in.Language
		if lang == "" {
			lang = s.Authority.Language
		}
		out = append(out, saidText{lang, tidy(in.Event), tidy(in.Headline), places(in.Areas), append([]string{}, paragraphs(in.Description)...), append([]string{}, steps(in.Instruction)...)})
	}
	return out
}

// stands is where one revision stands, which may be an old one.
type stands string

// The values of [stands].
const (
	standsHolds     stands = "holds"
	standsLapsed    stands = "lapsed"    // its time is over, and nobody has ended it
	standsUpdated   stands = "updated"   // another revision holds
	standsCancelled stands = "cancelled" // taken back
	standsEnded     stands = "ended"
)

// standingOf is where a revision stands; Newest is empty where what holds now
// is not for everybody.
type standingOf struct {
	Standing stands
	Newest   alerts.ID
}

// placed judges a revision by the newest one of its event.
func (s *Server) placed(ctx context.Context, board *broadcast.View, r *alerts.Record, now time.Time) (standingOf, error) {
	head := r
	if h, found := board.Get(r.Event, now); found {
		head = h.Record
	} else {
		newest, err := s.Desk.Store.Get(ctx, r.Event, alerts.Published)
		if err != nil && !errors.Is(err, alerts.ErrNotFound) {
			return standingOf{}, err
		}
		if err == nil {
			head = newest
		}
	}
	out := standingOf{Standing: standsUpdated}
	if broadcast.Public(head) {
		out.Newest = head.ID
	}
	own := head.ID == r.ID
	switch stand := standing(head, now); {
	case own && (r.Change == alerts.ChangeCancelled || r.Change == alerts.ChangeEnded):
		out.Standing = standsHolds
	case stand == broadcast.StandingCancelled:
		out.Standing = standsCancelled
	case stand == broadcast.StandingEnded:
		out.Standing = standsEnded
	case own && stand == broadcast.StandingLapsed:
		out.Standing = standsLapsed
	case own:
		out.Standing = standsHolds
	}
	return out, nil
}

// asWritten is how a message read when it was sent.
func asWritten(r *alerts.Record) broadcast.Standing {
	switch r.Change {
	case alerts.ChangeCancelled:
		return broadcast.StandingCancelled
	case alerts.ChangeEnded:
		return broadcast.StandingEnded
	}
	return broadcast.StandingActive
}

// statementKey signs statements, and shows its public half.
type statementKey struct {
	private *ecdsa.PrivateKey
	pem     []byte
	print   string // SHA-256 of the public key (SubjectPublicKeyInfo), hexadecimal
	header  string // of every statement, as it is signed
}

func newStatementKey(key *ecdsa.PrivateKey) (*statementKey, error) {
	if key == nil {
		return nil, nil
	}
	if key.Curve != elliptic.P256() {
		return nil, errors.New("dashboards: the key of statements is not of the curve P-256")
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("dashboards: key of statements: %w", err)
	}
	sum := sha256.Sum256(der)
	k := &statementKey{private: key, pem: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), print: hex.EncodeToString(sum[:])}
	k.header = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"` + k.print + `"}`))
	return k, nil
}

// groups is the fingerprint for people to compare.
func (k *statementKey) groups() []string {
	var out []string
	for i := 0; i < len(k.print); i += 4 {
		out = append(out, k.print[i:i+4])
	}
	return out
}

// jws is a JSON Web Signature in its flattened form (RFC 7515 section
// 7.2.2), algorithm ES256 (RFC 7518 section 3.4).
type jws struct {
	Payload   string `json:"payload"`
	Protected string `json:"protected"`
	Signature string `json:"signature"`
}

// sign signs the bytes as they are: they are the canonical form.
func (k *statementKey) sign(payload []byte) (jws, error) {
	out := jws{Payload: base64.RawURLEncoding.EncodeToString(payload), Protected: k.header}
	sum := sha256.Sum256([]byte(out.Protected + "." + out.Payload))
	der, err := k.private.Sign(nil, sum[:], crypto.SHA256) // without chance (RFC 6979): every node gives the same
	if err != nil {
		return out, err
	}
	var number struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &number); err != nil {
		return out, err
	}
	var raw [64]byte
	number.R.FillBytes(raw[:32])
	number.S.FillBytes(raw[32:])
	out.Signature = base64.RawURLEncoding.EncodeToString(raw[:])
	return out, nil
}

// keyPath is where the public key is, for ever.
const keyPath = "/.well-known/martinella-key.pem"

// statement serves what we say of one revision, signed.
func (s *Server) statement(w http.ResponseWriter, r *http.Request) {
	name, isJSON := strings.CutSuffix(r.PathValue("file"), ".json")
	id := alerts.ID(name)
	if !isJSON || !plausible(id) {
		s.pages.missing(w, r)
		return
	}
	if wait := s.verifying.take(s, r); wait > 0 {
		s.tooMany(w, wait, "too many questions at once")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), statusTimeout)
	defer cancel()
	record, err := s.publicRevision(ctx, id)
	if errors.Is(err, alerts.ErrNotFound) {
		s.pages.missing(w, r)
		return
	}
	if err != nil {
		s.pages.unable(w, r, err)
		return
	}
	now := time.Now()
	place, err := s.placed(ctx, s.Board.Snapshot(), record, now)
	if err != nil {
		s.pages.unable(w, r, err)
		return
	}
	messages, err := s.sent(ctx, record)
	if err != nil {
		s.pages.unable(w, r, err)
		return
	}
	b, err := json.Marshal(statement{V: 1, Authority: s.Authority.Name, Site: s.PublicURL, At: stamp(now), ID: record.ID, Event: record.Event, Revision: record.Revision,
		Code: alerts.CodeOf(record.ID), Status: record.Alert.Status, Change: record.Change, Severity: record.Severity(), Published: stamp(record.Published), Expires: stamp(record.Expires()),
		Standing: place.Standing, Newest: place.Newest, Texts: s.said(record), Messages: messages})
	if err != nil {
		s.internal(w, r, err, nil)
		return
	}
	out, err := s.statements.sign(b)
	if err != nil {
		s.internal(w, r, err, nil)
		return
	}
	w.Header()["Cache-Control"] = never
	w.Header().Set("Content-Type", mediaJSON)
	_ = json.NewEncoder(w).Encode(out)
}

// statementPEM serves the public key.
func (s *Server) statementPEM(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(s.statements.pem)
}
