package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/broadcast/backup"
)

const (
	// partSize is how much is in memory at once; a part but the last must have 5 MiB
	// (Amazon S3 User Guide, "multipart upload limits").
	partSize = 8 << 20
	mostPart = 10_000
	// mostAnswer bounds what is read of an answer that is no file.
	mostAnswer = 8 << 20
	// answerTime bounds the wait for an answer's beginning, tries how often a request
	// is made that changes nothing the second time.
	answerTime = time.Minute
	tries      = 3
)

// Config says where the store is.
type Config struct {
	Endpoint string // https://s3.example, without bucket
	Region   string // "": us-east-1, which most stores take
	Bucket   string
	Prefix   string // of all names, "" or like valdemo/
	KeyID    string
	Secret   string
	Client   *http.Client // nil: one of its own

	wait func(ctx context.Context, d time.Duration) error // between tries; for tests
}

// S3 is a [backup.Place] in a bucket. The bucket stands in the path, which every
// store takes.
type S3 struct {
	Config
	base *url.URL
}

var _ backup.Place = (*S3)(nil)

// New checks the settings; it asks nobody.
func New(c Config) (*S3, error) {
	base, err := url.Parse(c.Endpoint)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || strings.Trim(base.Path, "/") != "" || base.User != nil {
		return nil, errors.New("the endpoint is not of the form https://s3.example")
	}
	if c.Bucket == "" || c.KeyID == "" || c.Secret == "" {
		return nil, errors.New("bucket, key id and secret are needed")
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.ResponseHeaderTimeout = answerTime
		c.Client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if c.wait == nil {
		c.wait = pause
	}
	return &S3{c, base}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Failure is an answer that is no yes.
type Failure struct {
	Status  int
	Code    string `xml:"Code"` // like NoSuchBucket
	Message string `xml:"Message"`
}

// Error implements error.
func (f *Failure) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the store answers %d %s %s", f.Status, f.Code, f.Message))
}

// request makes one request, and another one where the store is busy or does not
// answer. Its answer is a yes; close it.
func (s *S3) request(ctx context.Context, method, name string, query url.Values, body []byte) (*http.Response, error) {
	var last error
	for try := range tries {
		if try > 0 {
			if err := s.wait(ctx, time.Duration(try*try)*time.Second); err != nil {
				return nil, errors.Join(err, last)
			}
		}
		at := *s.base
		at.Path = "/" + s.Bucket + "/" + name
		at.RawPath = escape("/"+s.Bucket+"/"+name, false)
		at.RawQuery = canonicalQuery(query)
		req, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		s.sign(req, body, time.Now())
		resp, err := s.Client.Do(req)
		if err != nil {
			if last = plain(err); ctx.Err() != nil {
				return nil, last
			}
			continue
		}
		if resp.StatusCode/100 == 2 {
			return resp, nil
		}
		failure := &Failure{Status: resp.StatusCode}
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		_ = resp.Body.Close()
		if xml.Unmarshal(text, failure) != nil {
			failure.Message = ""
		}
		if len(failure.Message) > 200 {
			failure.Message = failure.Message[:200]
		}
		last = failure
		if resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusRequestTimeout {
			return nil, failure
		}
	}
	return nil, last
}

// plain is an error of net/http without the address, which holds an upload's id.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// answer reads an answer into a document.
func answer(resp *http.Response, into any) error {
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return err
	}
	if into == nil {
		return nil
	}
	if err := xml.Unmarshal(text, into); err != nil {
		return errors.New("the store's answer cannot be read")
	}
	return nil
}

func isAbsent(err error) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && f.Status == http.StatusNotFound && f.Code != "NoSuchBucket"
}

// there reports whether a file is there.
func (s *S3) there(ctx context.Context, name string) (bool, error) {
	resp, err := s.request(ctx, http.MethodHead, s.Prefix+name, nil, nil)
	if f, ok := errors.AsType[*Failure](err); ok && f.Status == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, resp.Body.Close()
}

// Put implements [backup.Place].
func (s *S3) Put(ctx context.Context, name string, over bool, fill func(io.Writer) error) error {
	if !over {
		if there, err := s.there(ctx, name); err != nil || there {
			return errors.Join(err, condition(there, backup.ErrThere))
		}
	}
	resp, err := s.request(ctx, http.MethodPost, s.Prefix+name, url.Values{"uploads": {""}}, nil)
	if err != nil {
		return err
	}
	var begun struct {
		UploadID string `xml:"UploadId"`
	}
	if err := answer(resp, &begun); err != nil || begun.UploadID == "" {
		return errors.Join(errors.New("the store names no upload"), err)
	}
	up := &upload{s: s, ctx: ctx, name: s.Prefix + name, id: begun.UploadID, fresh: !over, part: make([]byte, 0, partSize)}
	err = fill(up)
	if err = errors.Join(err, ctx.Err()); err == nil {
		err = up.complete()
	}
	if err != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
		defer cancel()
		return errors.Join(err, s.abort(end, up.name, up.id))
	}
	return nil
}

func condition(on bool, err error) error {
	if on {
		return err
	}
	return nil
}

// upload is a file that is being written.
type upload struct {
	s        *S3
	ctx      context.Context
	name, id string
	part     []byte
	tags     []string // of the parts, as the store gave them
	fresh    bool     // no file of this name was there before
}

// Write implements io.Writer.
func (u *upload) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		n := min(len(b), partSize-len(u.part))
		u.part, b, written = append(u.part, b[:n]...), b[n:], written+n
		if len(u.part) == partSize {
			if err := u.send(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

func (u *upload) send() error {
	if len(u.tags) == mostPart {
		return errors.New("the backup is larger than 80 GB")
	}
	resp, err := u.s.request(u.ctx, http.MethodPut, u.name, url.Values{"partNumber": {strconv.Itoa(len(u.tags) + 1)}, "uploadId": {u.id}}, u.part)
	if err != nil {
		return err
	}
	tag := resp.Header.Get("ETag")
	if err := answer(resp, nil); err != nil || tag == "" {
		return errors.Join(errors.New("the store gives no tag for a part"), err)
	}
	u.tags, u.part = append(u.tags, tag), u.part[:0]
	return nil
}

// complete has the store put the parts together: from then on the file is there.
func (u *upload) complete() error {
	if len(u.part) > 0 || len(u.tags) == 0 {
		if err := u.send(); err != nil {
			return err
		}
	}
	type part struct {
		PartNumber int
		ETag       string
	}
	doc := struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []part
	}{}
	for i, tag := range u.tags {
		doc.Part = append(doc.Part, part{i + 1, tag})
	}
	body, err := xml.Marshal(doc)
	if err != nil {
		return err
	}
	resp, err := u.s.request(u.ctx, http.MethodPost, u.name, url.Values{"uploadId": {u.id}}, body)
	if isAbsent(err) && u.fresh { // done, and its answer was lost: there is no such upload any more
		there, lost := u.s.there(u.ctx, strings.TrimPrefix(u.name, u.s.Prefix))
		if there && lost == nil {
			return nil
		}
	}
	if err != nil {
		return err
	}
	var done struct { // it may be an error, although the answer began with 200
		XMLName xml.Name
		Code    string
		ETag    string
	}
	if err := answer(resp, &done); err != nil {
		return err
	}
	if done.XMLName.Local != "CompleteMultipartUploadResult" {
		return &Failure{Status: http.StatusOK, Code: done.Code, Message: "the parts were not put together"}
	}
	return nil
}

func (s *S3) abort(ctx context.Context, name, id string) error {
	resp, err := s.request(ctx, http.MethodDelete, name, url.Values{"uploadId": {id}}, nil)
	if isAbsent(err) { // it is none any more
		return nil
	}
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Get implements [backup.Place]. A connection that ends too early is an error of
// reading.
func (s *S3) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	resp, err := s.request(ctx, http.MethodGet, s.Prefix+name, nil, nil)
	if isAbsent(err) {
		return nil, fmt.Errorf("%s: %w", name, backup.ErrAbsent)
	}
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// List implements [backup.Place].
func (s *S3) List(ctx context.Context, prefix string) (names []string, err error) {
	query := url.Values{"list-type": {"2"}, "prefix": {s.Prefix + prefix}}
	for range mostPart { // pages
		resp, err := s.request(ctx, http.MethodGet, "", query, nil)
		if err != nil {
			return nil, err
		}
		var found struct {
			XMLName  xml.Name `xml:"ListBucketResult"`
			Contents []struct{ Key string }
			Next     string `xml:"NextContinuationToken"`
			More     bool   `xml:"IsTruncated"`
		}
		if err := answer(resp, &found); err != nil {
			return nil, err
		}
		for _, c := range found.Contents {
			if name, ok := strings.CutPrefix(c.Key, s.Prefix); ok && strings.HasPrefix(name, prefix) && !strings.Contains(name, "/") {
				names = append(names, name)
			}
		}
		if !found.More || found.Next == "" {
			slices.Sort(names)
			return names, nil
		}
		query.Set("continuation-token", found.Next)
	}
	return nil, errors.New("the store's list has no end")
}

// Remove implements [backup.Place].
func (s *S3) Remove(ctx context.Context, name string) error {
	resp, err := s.request(ctx, http.MethodDelete, s.Prefix+name, nil, nil)
	if isAbsent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Tidy implements [backup.Place]: uploads of ours that were never completed take
// room, though nobody sees them.
func (s *S3) Tidy(ctx context.Context, at time.Time) error {
	resp, err := s.request(ctx, http.MethodGet, "", url.Values{"uploads": {""}, "prefix": {s.Prefix + "martinella-"}}, nil)
	if f, ok := errors.AsType[*Failure](err); ok && (f.Status == http.StatusNotImplemented || f.Status == http.StatusForbidden) {
		return nil // the store does not tell: it has rules of its own for them
	}
	if err != nil {
		return err
	}
	var found struct {
		Upload []struct {
			Key       string
			UploadID  string `xml:"UploadId"`
			Initiated time.Time
		}
	}
	if err := answer(resp, &found); err != nil {
		return err
	}
	var failed []error
	for _, u := range found.Upload {
		if strings.HasPrefix(u.Key, s.Prefix+"martinella-") && u.Initiated.Before(at) {
			failed = append(failed, s.abort(ctx, u.Key, u.UploadID))
		}
	}
	return errors.Join(failed...)
}
