package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// codeStep is how long a code holds, and codeSkew how many steps a phone's
// clock may be away (RFC 6238 sections 4.1 and 5.2).
const (
	codeStep = 30 * time.Second
	codeSkew = 1
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// seedOf is the seed of the codes of who accepts an invitation. It follows
// from the secret of the link and from the salt that goes with the invitation:
// a link that lies about after it was used tells nothing.
func seedOf(token, salt string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("martinella codes " + salt))
	return base32Text.EncodeToString(mac.Sum(nil)[:20]) // 160 bits (RFC 4226 section 4)
}

// stepOf finds the step whose code this is, -1 if none; every step is
// compared, in constant time.
func stepOf(seed, code string, now time.Time) int64 {
	code = strings.Join(strings.Fields(code), "")
	found, middle := int64(-1), now.Unix()/int64(codeStep.Seconds())
	for step := middle - codeSkew; step <= middle+codeSkew; step++ {
		want, err := hotp.GenerateCodeCustom(seed, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found
}

// spend accepts a code once: neither it nor an older one counts again
// (RFC 6238 section 5.2).
func (m *Member) spend(code string, now time.Time) error {
	step := stepOf(m.Seed, code, now)
	if m.Seed == "" || step <= m.LastStep {
		return ErrCode
	}
	m.LastStep = step
	return nil
}

// CodeURL is what an authenticator program reads, as a picture or a link
// (github.com/google/google-authenticator/wiki/Key-Uri-Format).
func (o *Office) CodeURL(login, seed string) string {
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s", url.PathEscape(o.issuer), url.PathEscape(login), seed, url.QueryEscape(o.issuer))
}
