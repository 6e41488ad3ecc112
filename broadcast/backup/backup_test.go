package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// rdbFile is a copy as Redis writes it, as far as its ends go.
func rdbFile(size int) []byte {
	dice := rand.New(rand.NewPCG(1, 2))
	b := []byte("REDIS0011")
	for len(b) < size {
		b = append(b, byte(dice.Uint32()))
	}
	return binary.LittleEndian.AppendUint64(b, ^crc64.Update(^uint64(0), jones, b))
}

func testKey(t testing.TB, seed byte) *Key {
	t.Helper()
	k, err := NewKey(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var testManifest = Manifest{Authority: "valdemo", Program: "test", At: time.Unix(1_760_000_000, 0).UTC(), Facts: Facts{Schema: 1, Acts: 3}}

func made(t testing.TB, m Manifest, copied []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	files := []File{{In: InConfig, Path: "martinella.yaml", Data: []byte("mode: live\n")}, {In: InRoot, Path: "/etc/ssl/valdemo.pem", Data: []byte("pem")}}
	if _, err := Write(t.Context(), &b, testKey(t, 1), m, files, iotest.HalfReader(bytes.NewReader(copied))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The sum is that of Redis (crc64.c, its test).
func TestTheSumIsThatOfRedis(t *testing.T) {
	if got := ^crc64.Update(^uint64(0), jones, []byte("123456789")); got != 0xe9c6d914c4b8d9ca {
		t.Errorf("%016x", got)
	}
}

// The text of a key is as age writes it (BIP 173 and age's own test vectors).
func TestAKeyIsOneOfAge(t *testing.T) {
	if got := strings.ToUpper(bech32("age-secret-key-", make([]byte, 32))); !strings.HasPrefix(got, "AGE-SECRET-KEY-1QQQQ") || len(got) != 74 {
		t.Errorf("%s", got)
	}
	if _, err := NewKey(make([]byte, 31)); err == nil {
		t.Error("a seed of 31 bytes was taken")
	}
	if text := fmt.Sprint(testKey(t, 1)); strings.Contains(text, "AGE") {
		t.Error("a key prints itself")
	}
}

// What is wrong with a backup is said, and nothing of it counts.
func TestWhatIsWrongWithABackupIsSaid(t *testing.T) {
	good := made(t, testManifest, rdbFile(3<<20))
	flip := func(at int) []byte {
		b := slices.Clone(good)
		b[at] ^= 1
		return b
	}
	nothing := rdbFile(100)
	copy(nothing[len(nothing)-8:], make([]byte, 8))
	wrongSum := rdbFile(100)
	wrongSum[20] ^= 1
	foreign := testManifest
	foreign.Authority = "altrove"
	lost := errors.New("the place is gone")
	for name, c := range map[string]struct {
		in   io.Reader
		key  byte
		want error
	}{
		"a good one":                        {bytes.NewReader(good), 1, nil},
		"another key":                       {bytes.NewReader(good), 2, ErrOtherKey},
		"cut off in the middle":             {bytes.NewReader(good[:len(good)/2]), 1, ErrBroken},
		"cut off at its last byte":          {bytes.NewReader(good[:len(good)-1]), 1, ErrBroken},
		"cut off at the end of a piece":     {bytes.NewReader(good[:200+2*(64<<10+16)]), 1, ErrBroken},
		"nothing":                           {bytes.NewReader(nil), 1, ErrBroken},
		"something else":                    {strings.NewReader("hello\n"), 1, ErrBroken},
		"something follows":                 {io.MultiReader(bytes.NewReader(good), strings.NewReader("x")), 1, ErrBroken},
		"a byte flipped at the beginning":   {bytes.NewReader(flip(3)), 1, ErrBroken},
		"a byte flipped in its middle":      {bytes.NewReader(flip(len(good) / 2)), 1, ErrBroken},
		"a byte flipped at its end":         {bytes.NewReader(flip(len(good) - 1)), 1, ErrBroken},
		"another authority's":               {bytes.NewReader(made(t, foreign, rdbFile(100))), 1, ErrForeign},
		"its copy has a wrong sum":          {bytes.NewReader(made(t, testManifest, wrongSum)), 1, ErrBroken},
		"its copy has no sum":               {bytes.NewReader(made(t, testManifest, nothing)), 1, ErrBroken},
		"its copy is none":                  {bytes.NewReader(made(t, testManifest, []byte("hello"))), 1, ErrBroken},
		"the place fails while it is read":  {io.MultiReader(bytes.NewReader(good[:5000]), iotest.ErrReader(lost)), 1, lost},
		"the place fails at the very start": {iotest.ErrReader(lost), 1, lost},
	} {
		t.Run(name, func(t *testing.T) {
			proof, err := Verify(t.Context(), c.in, testKey(t, c.key), "valdemo", nil)
			if !errors.Is(err, c.want) || c.want == nil && (proof.How != Summed || len(proof.Files) != 2) {
				t.Errorf("%+v, %v", proof, err)
			}
			if c.want == lost && errors.Is(err, ErrBroken) {
				t.Errorf("a place that fails is called a broken backup: %v", err)
			}
		})
	}
}

// Every single byte counts: whichever is flipped or cut off, the backup is not good.
func TestNoByteCanBeChanged(t *testing.T) {
	good := made(t, testManifest, rdbFile(2000))
	key := testKey(t, 1)
	for at := range good {
		b := slices.Clone(good)
		b[at] ^= 0x80
		if _, err := Verify(t.Context(), bytes.NewReader(b), key, "valdemo", nil); err == nil {
			t.Fatalf("byte %d was flipped, and it is good", at)
		}
		if _, err := Verify(t.Context(), bytes.NewReader(good[:at]), key, "valdemo", nil); err == nil {
			t.Fatalf("it ends at byte %d, and it is good", at)
		}
	}
}

// A newer program's backup says so, whatever else is in it.
func TestANewerFormatIsRefused(t *testing.T) {
	var b bytes.Buffer
	sealed, err := testKey(t, 1).seal(&b)
	if err != nil {
		t.Fatal(err)
	}
	packed := gzip.NewWriter(sealed)
	out := &writer{tar: tar.NewWriter(packed)}
	if err := errors.Join(out.part(manifestName, []byte(`{"format": 2, "authority": 7}`)), out.tar.Close(), packed.Close(), sealed.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(t.Context(), &b, testKey(t, 1), "valdemo", nil); !errors.Is(err, ErrNewer) {
		t.Errorf("it says %v", err)
	}
}

// A source that is cut off makes no backup.
func TestASourceThatIsCutOffMakesNone(t *testing.T) {
	for name, in := range map[string]io.Reader{
		"cut off":      io.MultiReader(bytes.NewReader(rdbFile(5000)), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"at its start": iotest.ErrReader(io.ErrUnexpectedEOF),
		"empty":        strings.NewReader(""),
	} {
		if _, err := Write(t.Context(), io.Discard, testKey(t, 1), testManifest, nil, in); err == nil {
			t.Errorf("%s: there is no error", name)
		}
	}
	full := errors.New("no space left on device")
	if _, err := Write(t.Context(), failingWriter{full}, testKey(t, 1), testManifest, nil, bytes.NewReader(rdbFile(3<<20))); !errors.Is(err, full) {
		t.Errorf("a full place gives %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWhichBackupsStay(t *testing.T) {
	now := time.Date(2026, 11, 22, 22, 10, 0, 0, time.UTC)
	var names []string
	for h := range 24 * 120 {
		names = append(names, Name("valdemo", now.Add(-time.Duration(h)*time.Hour)))
	}
	names = append(names, "martinella-valdemo.erased", "notes.txt", Name("altrove", now.Add(-9000*time.Hour)))
	old := DefaultKeep.Old(names, "valdemo", now)
	left := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(old, n) })
	if n := len(left) - 3; n != 48+27+7 {
		t.Errorf("%d stay: 48 hours, 27 days before them and 7 weeks before those should", n)
	}
	for h := range 48 {
		if name := Name("valdemo", now.Add(-time.Duration(h)*time.Hour)); slices.Contains(old, name) {
			t.Errorf("the one of %d hours ago goes", h)
		}
	}
	// The newest good one stays, and what came after it, however many there are.
	if old := (Keep{Hourly: 1}).Old(names, "valdemo", now.Add(-70*time.Hour)); slices.Contains(old, Name("valdemo", now.Add(-70*time.Hour))) || slices.Contains(old, Name("valdemo", now.Add(-3*time.Hour))) {
		t.Error("the newest good one goes, or one after it")
	}
	if old := (Keep{Hourly: 1}).Old(names, "valdemo", time.Time{}); len(old) != 0 {
		t.Errorf("without a good one %d go", len(old))
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Verify(t.Context(), bytes.NewReader(b), testKey(t, 1), "", nil); err == nil {
			t.Error("it is good")
		}
	})
}
