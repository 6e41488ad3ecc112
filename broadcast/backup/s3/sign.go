package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// sign adds the signature of AWS Signature Version 4 (AWS, "Signature Version 4
// for API requests"), over all of the body.
func (s *S3) sign(req *http.Request, body []byte, now time.Time) {
	now = now.UTC()
	sum := sha256.Sum256(body)
	req.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	headers := map[string]string{"host": req.URL.Host}
	for name := range req.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") || lower == "range" {
			headers[lower] = strings.TrimSpace(req.Header.Get(name))
		}
	}
	names := slices.Sorted(maps.Keys(headers))
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", req.Method, escape(req.URL.Path, false), req.URL.RawQuery)
	for _, name := range names {
		fmt.Fprintf(&canonical, "%s:%s\n", name, headers[name])
	}
	fmt.Fprintf(&canonical, "\n%s\n%x", strings.Join(names, ";"), sum)
	scope := now.Format("20060102") + "/" + s.Region + "/s3/aws4_request"
	whole := sha256.Sum256([]byte(canonical.String()))
	text := fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s\n%x", now.Format("20060102T150405Z"), scope, whole)
	key := []byte("AWS4" + s.Secret)
	for _, part := range []string{now.Format("20060102"), s.Region, "s3", "aws4_request"} {
		key = mac(key, part)
	}
	req.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%x", s.KeyID, scope, strings.Join(names, ";"), mac(key, text)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// escape writes what the signature wants escaped: all but letters, digits and
// -._~, and the slash where it is part of a name.
func escape(text string, slash bool) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0, c == '/' && !slash:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// canonicalQuery is a query as it is signed, and as it is sent.
func canonicalQuery(query url.Values) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			parts = append(parts, escape(name, true)+"="+escape(value, true))
		}
	}
	return strings.Join(parts, "&")
}
