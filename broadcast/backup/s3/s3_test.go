package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/broadcast/backup"
	"martinella/broadcast/backup/placetest"
)

// bucket is a store of one bucket, and what it does wrong.
type bucket struct {
	t  *testing.T
	mu sync.Mutex

	objects map[string][]byte
	uploads map[string]map[string][]byte // "name id" to parts by number
	begun   time.Time
	asked   int
	body    []byte                                                   // of the request that is answered
	wrong   func(n int, r *http.Request, w http.ResponseWriter) bool // true: it has answered
}

func newBucket(t *testing.T) (*bucket, func() *S3) {
	b := &bucket{t: t, objects: map[string][]byte{}, uploads: map[string]map[string][]byte{}, begun: time.Now()}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return b, func() *S3 {
		s, err := New(Config{Endpoint: server.URL, Bucket: "copie", Prefix: "rete civica/", KeyID: "AKID", Secret: "segreto",
			wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// ServeHTTP takes what is signed as it should be.
func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked, b.body = b.asked+1, body
	if b.wrong != nil && b.wrong(b.asked, r, w) {
		return
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		http.Error(w, "", http.StatusForbidden)
		return
	}
	again := r.Clone(r.Context())
	again.URL.Host = r.Host
	again.Header = http.Header{}
	(&S3{Config: Config{Region: "us-east-1", KeyID: "AKID", Secret: "segreto"}}).sign(again, body, at)
	sum := sha256.Sum256(body)
	if again.Header.Get("Authorization") != r.Header.Get("Authorization") || hex.EncodeToString(sum[:]) != r.Header.Get("X-Amz-Content-Sha256") {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<Error><Code>SignatureDoesNotMatch</Code></Error>")
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/copie/")
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<Error><Code>NoSuchBucket</Code><Message>no such bucket</Message></Error>")
		return
	}
	b.serve(w, r, name, body)
}

func (b *bucket) serve(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	q := r.URL.Query()
	upload := name + " " + q.Get("uploadId")
	absent := func() {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<Error><Code>NoSuchKey</Code></Error>")
	}
	switch {
	case name == "" && q.Has("uploads"):
		fmt.Fprint(w, "<ListMultipartUploadsResult>")
		for key := range b.uploads {
			of, id, _ := strings.Cut(key, " id")
			fmt.Fprintf(w, "<Upload><Key>%s</Key><UploadId>id%s</UploadId><Initiated>%s</Initiated></Upload>", of, id, b.begun.UTC().Format(time.RFC3339))
		}
		fmt.Fprint(w, "</ListMultipartUploadsResult>")
	case name == "" && r.Method == http.MethodGet: // one a page
		names := slices.Sorted(maps.Keys(b.objects))
		names = slices.DeleteFunc(names, func(n string) bool {
			return !strings.HasPrefix(n, q.Get("prefix")) || n <= q.Get("continuation-token")
		})
		fmt.Fprint(w, "<ListBucketResult>")
		if len(names) > 0 {
			fmt.Fprintf(w, "<Contents><Key>%s</Key></Contents><IsTruncated>%t</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", names[0], len(names) > 1, names[0])
		}
		fmt.Fprint(w, "</ListBucketResult>")
	case r.Method == http.MethodPost && q.Has("uploads"):
		id := fmt.Sprintf("id%d", b.asked)
		b.uploads[name+" "+id] = map[string][]byte{}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
	case r.Method == http.MethodPut && q.Has("partNumber"):
		parts, ok := b.uploads[upload]
		if !ok {
			absent()
			return
		}
		parts[q.Get("partNumber")] = body
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(body)))
	case r.Method == http.MethodPost:
		var doc struct {
			Part []struct{ PartNumber, ETag string }
		}
		parts, ok := b.uploads[upload]
		if err := xml.Unmarshal(body, &doc); err != nil || !ok {
			absent()
			return
		}
		var whole []byte
		for _, p := range doc.Part {
			if fmt.Sprintf(`"%x"`, sha256.Sum256(parts[p.PartNumber])) != p.ETag {
				b.t.Errorf("part %s has another tag", p.PartNumber)
			}
			whole = append(whole, parts[p.PartNumber]...)
		}
		b.objects[name] = whole
		delete(b.uploads, upload)
		fmt.Fprint(w, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
	case r.Method == http.MethodDelete && q.Has("uploadId"):
		delete(b.uploads, upload)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodDelete:
		delete(b.objects, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		data, ok := b.objects[name]
		if !ok {
			absent()
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data)
	}
}

func TestPlace(t *testing.T) {
	placetest.Test(t, func(t *testing.T) (backup.Place, func() backup.Place) {
		_, open := newBucket(t)
		return open(), func() backup.Place { return open() }
	})
}

// The signature is the one of AWS's own example (Amazon S3 API Reference,
// "Signature calculations", GET object).
func TestTheSignatureIsThatOfTheExample(t *testing.T) {
	req, err := http.NewRequest(http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", "bytes=0-9")
	s := &S3{Config: Config{Region: "us-east-1", KeyID: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}}
	s.sign(req, nil, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	if got := req.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41") {
		t.Errorf("%s", got)
	}
}

const file = "martinella-valdemo-20261122T220000Z.backup"

func some(w io.Writer) error {
	_, err := io.Copy(w, bytes.NewReader(make([]byte, partSize+5)))
	return err
}

// A store that misbehaves never has half a file that counts, and what it says is
// said, without the secret.
func TestAStoreThatMisbehaves(t *testing.T) {
	say := func(status int, text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}
	}
	hangUp := func(w http.ResponseWriter) { panic(http.ErrAbortHandler) }
	part := func(r *http.Request) bool { return r.URL.Query().Has("partNumber") }
	complete := func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") }
	for name, c := range map[string]struct {
		at    func(*http.Request) bool
		times int // how often it does so; 0: always
		does  func(http.ResponseWriter)
		want  string // in the error; "": there is none
	}{
		"it is busy twice":                             {part, 2, say(503, "<Error><Code>SlowDown</Code></Error>"), ""},
		"it hangs up twice":                            {part, 2, hangUp, ""},
		"it is busy for good":                          {part, 0, say(503, "<Error><Code>SlowDown</Code></Error>"), "503 SlowDown"},
		"it is full":                                   {part, 0, say(507, "<Error><Code>QuotaExceeded</Code><Message>full</Message></Error>"), "QuotaExceeded full"},
		"it refuses the key":                           {part, 0, say(403, "<Error><Code>AccessDenied</Code></Error>"), "403 AccessDenied"},
		"it answers with a page":                       {part, 0, say(404, "<html>lost</html"), "404"},
		"it sends elsewhere":                           {part, 0, say(301, ""), "301"},
		"it gives no tag for a part":                   {part, 1, say(200, ""), "no tag"},
		"an error after it began with yes":             {complete, 0, say(200, "<Error><Code>InternalError</Code></Error>"), "InternalError"},
		"nonsense at the end":                          {complete, 0, say(200, "yes"), "cannot be read"},
		"it hangs up at the end, and has done it":      {complete, 1, hangUp, ""},
		"no upload is named":                           {func(r *http.Request) bool { return r.URL.Query().Has("uploads") && r.Method == "POST" }, 0, say(200, "<x></x>"), "names no upload"},
		"whether the file is there is not said":        {func(r *http.Request) bool { return r.Method == http.MethodHead }, 0, say(500, ""), "500"},
		"taking the rest away fails after it was full": {func(r *http.Request) bool { return part(r) || r.Method == http.MethodDelete }, 0, say(507, ""), "507"},
		"an endless error":                             {part, 0, say(400, "<Error><Message>"+strings.Repeat("x", 1<<20)+"</Message></Error>"), "400"},
	} {
		t.Run(name, func(t *testing.T) {
			b, open := newBucket(t)
			done := 0
			b.wrong = func(_ int, r *http.Request, w http.ResponseWriter) bool {
				if !c.at(r) || c.times > 0 && done >= c.times {
					return false
				}
				done++
				if strings.HasSuffix(name, "has done it") {
					b.serve(httptest.NewRecorder(), r, strings.TrimPrefix(r.URL.Path, "/copie/"), b.body)
				}
				c.does(w)
				return true
			}
			err := open().Put(t.Context(), file, false, some)
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "segreto") || len(err.Error()) > 1000) {
				t.Errorf("it says %v", err)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if _, there := b.objects["rete civica/"+file]; there != (c.want == "") {
				t.Errorf("the file is there: %t", there)
			}
		})
	}
}

// A file that ends too early is an error of reading, not a shorter file.
func TestAConnectionThatEndsTooEarly(t *testing.T) {
	b, open := newBucket(t)
	if err := open().Put(t.Context(), file, false, some); err != nil {
		t.Fatal(err)
	}
	b.wrong = func(_ int, r *http.Request, w http.ResponseWriter) bool {
		w.Header().Set("Content-Length", "5000")
		_, _ = w.Write(make([]byte, 4000))
		return true
	}
	r, err := open().Get(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// Uploads that a dead program left take room: they go once they are old.
func TestUploadsThatWereNeverCompletedGo(t *testing.T) {
	b, open := newBucket(t)
	s := open()
	if _, err := s.request(t.Context(), http.MethodPost, s.Prefix+file, map[string][]string{"uploads": {""}}, nil); err != nil {
		t.Fatal(err)
	}
	for at, left := range map[time.Time]int{time.Now().Add(-time.Hour): 1} {
		if err := s.Tidy(t.Context(), at); err != nil || len(b.uploads) != left {
			t.Errorf("%d are left: %v", len(b.uploads), err)
		}
	}
	if err := s.Tidy(t.Context(), time.Now().Add(time.Hour)); err != nil || len(b.uploads) != 0 {
		t.Errorf("%d are left: %v", len(b.uploads), err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for name, c := range map[string]Config{
		"no scheme":     {Endpoint: "s3.example", Bucket: "b", KeyID: "k", Secret: "s"},
		"a path":        {Endpoint: "https://s3.example/b", Bucket: "b", KeyID: "k", Secret: "s"},
		"a password":    {Endpoint: "https://u:p@s3.example", Bucket: "b", KeyID: "k", Secret: "s"},
		"no bucket":     {Endpoint: "https://s3.example", KeyID: "k", Secret: "s"},
		"no secret":     {Endpoint: "https://s3.example", Bucket: "b", KeyID: "k"},
		"another thing": {Endpoint: "ftp://s3.example", Bucket: "b", KeyID: "k", Secret: "s"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}
