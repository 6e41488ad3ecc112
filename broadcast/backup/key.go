package backup

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// Key opens and closes backups. It follows from the key file alone.
type Key struct{ identity *age.X25519Identity }

// NewKey makes the key of a seed of 32 bytes.
func NewKey(seed []byte) (*Key, error) {
	if len(seed) != 32 {
		return nil, errors.New("key of backups: the seed is not of 32 bytes")
	}
	identity, err := age.ParseX25519Identity(strings.ToUpper(bech32("age-secret-key-", seed)))
	if err != nil {
		return nil, fmt.Errorf("key of backups: %w", err)
	}
	return &Key{identity}, nil
}

// String hides the key.
func (k *Key) String() string { return "key of backups" }

// seal gives a writer that encrypts to w; what is not closed is not whole.
func (k *Key) seal(w io.Writer) (io.WriteCloser, error) {
	return age.Encrypt(w, k.identity.Recipient())
}

// open gives what was sealed. Every byte that it gives is as it was written.
func (k *Key) open(r io.Reader) (io.Reader, error) {
	in, err := age.Decrypt(r, k.identity)
	if _, other := errors.AsType[*age.NoIdentityMatchError](err); other {
		return nil, ErrOtherKey
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its beginning: %w", ErrBroken, err)
	}
	return in, nil
}

// charset of Bech32 (BIP 173), in which age writes keys.
const charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32 encodes data under a prefix of small letters.
func bech32(prefix string, data []byte) string {
	var groups []byte
	bits, have := 0, uint(0)
	for _, b := range data {
		bits, have = bits<<8|int(b), have+8
		for have >= 5 {
			have -= 5
			groups = append(groups, byte(bits>>have)&31)
		}
		bits &= 1<<have - 1
	}
	if have > 0 {
		groups = append(groups, byte(bits<<(5-have))&31)
	}
	var check []byte
	for _, c := range []byte(prefix) {
		check = append(check, c>>5)
	}
	check = append(check, 0)
	for _, c := range []byte(prefix) {
		check = append(check, c&31)
	}
	sum := polymod(append(append(check, groups...), 0, 0, 0, 0, 0, 0)) ^ 1
	for i := range 6 {
		groups = append(groups, byte(sum>>(5*(5-i)))&31)
	}
	var out strings.Builder
	out.WriteString(prefix + "1")
	for _, g := range groups {
		out.WriteByte(charset[g])
	}
	return out.String()
}

// polymod is the checksum of BIP 173.
func polymod(values []byte) uint32 {
	sum := uint32(1)
	for _, v := range values {
		top := sum >> 25
		sum = (sum&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	return sum
}
