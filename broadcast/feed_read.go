package broadcast

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/channels"
)

const (
	feedTime      = 30 * time.Second // of one request with its whole answer
	feedRedirects = 3
	feedLinks     = 100 // alerts that are fetched in one reading; the rest waits for the next
	feedRest      = time.Hour
)

// feedTransport has limits on what a server can cost.
func feedTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		ResponseHeaderTimeout: 20 * time.Second, MaxIdleConnsPerHost: 2, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 64 << 10}
}

// Read reads a feed once: what is new and concerns us is stored before the
// feed counts as read, so nothing is lost where this ends in between.
func (f *Feeds) Read(ctx context.Context, feed Feed) error {
	before, err := f.Store.FeedState(ctx, feed.Name)
	if err != nil {
		return err
	}
	now := time.Now()
	after := before
	after.Tried = now.UTC()
	fresh, err := f.read(ctx, feed, &after, now)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if fresh > 0 {
		after.New = now.UTC()
		f.metrics.fresh.WithLabelValues(feed.Name).Add(float64(fresh))
	}
	if err != nil {
		after.Failures, after.Problem = before.Failures+1, short(err)
		f.metrics.failures.WithLabelValues(feed.Name).Inc()
		if hold := f.rest(feed, after.Failures, err); hold > 0 {
			err = errors.Join(err, f.Store.HoldTurn(ctx, feed.Name, hold))
		}
	} else {
		after.Read, after.Failures, after.Problem = now.UTC(), 0, ""
	}
	return errors.Join(err, f.Store.PutFeedState(ctx, feed.Name, after))
}

// rest is how long a feed is left alone after failures: twice as long each time,
// as far as that is longer than its own pace; at least as long as it asks for.
func (f *Feeds) rest(feed Feed, failures int, err error) time.Duration {
	_, asked := channels.VerdictOf(err)
	return max(asked, roughly(min(feedRest, max(feed.Every, 30*time.Second<<min(failures, 10)))))
}

// read fetches the feed and takes what is in it. The marks of the answer are
// kept in state only where all of it was taken.
func (f *Feeds) read(ctx context.Context, feed Feed, state *FeedState, now time.Time) (fresh int, err error) {
	got, err := f.fetch(ctx, feed, feed.URL, state.ETag, state.Modified, cap.Container.Bytes)
	if err != nil || got.same {
		return 0, err
	}
	container, err := cap.ReadContainer(got.body, cap.Container)
	if err != nil {
		return 0, fmt.Errorf("the feed cannot be read: %w", err)
	}
	var failed error
	whole := true
	take := func(doc *cap.Document, raw []byte) error {
		a := f.trusted(ctx, feed, doc, raw, now)
		if a == nil {
			return nil
		}
		isNew, err := f.take(ctx, feed, a, fresh < ringsOfReading, now)
		if isNew {
			if fresh++; fresh == ringsOfReading+1 {
				f.Log.Error("a feed brings many new warnings at once: nobody is rung for each of them any more", zap.String("feed", feed.Name))
			}
		}
		return err
	}
	links := map[string]string{} // entry to address
	var entries []string
	for _, item := range container.Items {
		for i := range item.Alerts {
			if item.Alerts[i].Err != nil {
				f.metrics.unread.WithLabelValues(feed.Name).Inc()
				continue
			}
			failed = errors.Join(failed, take(item.Alerts[i].Document, item.Alerts[i].Raw))
		}
		if href := linkOf(item); len(item.Alerts) == 0 && href != "" {
			sum := sha256.Sum256([]byte(item.ID + "\x00" + item.Updated + "\x00" + href))
			entry := hex.EncodeToString(sum[:16])
			if _, twice := links[entry]; !twice {
				links[entry], entries = href, append(entries, entry)
			}
		}
	}
	seen, err := f.Store.SeenEntries(ctx, feed.Name, entries)
	if err != nil {
		return fresh, errors.Join(failed, err)
	}
	fetched := 0
	var done []string
	for i, entry := range entries {
		if seen[i] {
			done = append(done, entry) // it stands there still
			continue
		}
		if fetched++; fetched > feedLinks || ctx.Err() != nil {
			whole = false
			break
		}
		doc, raw, err := f.linked(ctx, feed, got.from, links[entry])
		if err == nil {
			err = take(doc, raw)
		}
		if errors.Is(err, errLink) { // it will not get better
			f.metrics.unread.WithLabelValues(feed.Name).Inc()
			f.Log.Warn("an entry of a feed leads to no alert", zap.String("feed", feed.Name), zap.String("reason", short(err)))
			err = nil
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		done = append(done, entry)
	}
	failed = errors.Join(failed, f.Store.MarkEntries(ctx, feed.Name, done))
	if failed == nil && whole {
		state.ETag, state.Modified = got.etag, got.modified
	}
	return fresh, failed
}

// trusted gives the alert of a document that can be taken, signed as the
// configuration wants; nil for others.
func (f *Feeds) trusted(ctx context.Context, feed Feed, doc *cap.Document, raw []byte, now time.Time) *alerts.Alert {
	if feed.Certificate != nil {
		s := f.verifier.Verify(ctx, raw, []*x509.Certificate{feed.Certificate}, now)
		if s.State != cap.SignatureValid {
			f.metrics.unread.WithLabelValues(feed.Name).Inc()
			f.Log.Error("an alert of a feed is not signed by the pinned certificate: it is left out", zap.String("feed", feed.Name), zap.String("signature", string(s.State)), zap.String("reason", s.Why))
			return nil
		}
		doc = s.Document
	}
	if doc == nil || !doc.Valid() {
		f.metrics.unread.WithLabelValues(feed.Name).Inc()
		return nil
	}
	a := doc.Alert
	for i := range a.Infos {
		if a.Infos[i].Language == "" {
			a.Infos[i].Language = feed.Language
			if feed.Language == "" {
				a.Infos[i].Language = f.Language
			}
		}
	}
	return a
}

// linkOf is where an entry's alert is: the link that says it is CAP, else its
// first.
func linkOf(item cap.Item) string {
	for _, l := range item.Links {
		if strings.HasPrefix(l.Type, "application/cap+xml") {
			return l.Href
		}
	}
	if len(item.Links) > 0 {
		return item.Links[0].Href
	}
	return ""
}

// errLink is the error of an entry that cannot be followed, now or later.
var errLink = errors.New("the entry cannot be followed")

func (f *Feeds) linked(ctx context.Context, feed Feed, from *url.URL, href string) (*cap.Document, []byte, error) {
	to, err := from.Parse(href)
	if err != nil {
		return nil, nil, errLink
	}
	got, err := f.fetch(ctx, feed, to.String(), "", "", cap.National.Bytes)
	if err != nil {
		return nil, nil, err
	}
	doc, err := cap.Parse(got.body, cap.National)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errLink, err)
	}
	return doc, got.body, nil
}

// fetched is the answer of a feed.
type fetched struct {
	same           bool // as it was when it was read last
	body           []byte
	etag, modified string
	from           *url.URL // after redirects
}

// allowed refuses an address that the feed may not lead to: a stranger's word
// must not have us ask the inside. Where the operator's own address leads is
// their choice.
func (feed Feed) allowed(u *url.URL, secure bool) error {
	own, err := url.Parse(feed.URL)
	switch {
	case err != nil:
		return err
	case u.Scheme != "https" && (u.Scheme != "http" || secure):
		return fmt.Errorf("%w: its address is not https", errLink)
	case u.User != nil:
		return fmt.Errorf("%w: its address holds a password", errLink)
	case !strings.EqualFold(u.Host, own.Host) && !slices.ContainsFunc(feed.Hosts, func(h string) bool { return strings.EqualFold(h, u.Host) }):
		return fmt.Errorf("%w: %s is not among the hosts of the feed", errLink, u.Host)
	}
	return nil
}

// maxMark bounds what is kept of an answer's marks.
const maxMark = 512

func (f *Feeds) fetch(ctx context.Context, feed Feed, address, etag, modified string, most int) (*fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, feedTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errLink
	}
	secure := strings.HasPrefix(feed.URL, "https:")
	if err := feed.allowed(r.URL, secure); err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "martinella")
	r.Header.Set("Accept", "application/atom+xml, application/rss+xml, application/cap+xml, application/xml;q=0.9, text/xml;q=0.9")
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	if modified != "" {
		r.Header.Set("If-Modified-Since", modified)
	}
	client := *f.client
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if len(via) > feedRedirects {
			return fmt.Errorf("%w: it leads on and on", errLink)
		}
		return feed.allowed(next.URL, secure)
	}
	res, err := client.Do(r)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the address, which may hold a key
		}
		return nil, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotModified && (etag != "" || modified != ""):
		return &fetched{same: true}, nil
	case res.StatusCode == http.StatusNotFound, res.StatusCode == http.StatusGone:
		return nil, fmt.Errorf("%w: the server answered %d", errLink, res.StatusCode)
	case res.StatusCode != http.StatusOK:
		return nil, channels.RetryAfter(fmt.Errorf("the server answered %d", res.StatusCode), channels.WaitOf(res.StatusCode, res.Header, nil, time.Now()))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(most)+1))
	if err != nil {
		return nil, fmt.Errorf("the answer ended in the middle: %w", err)
	}
	if len(body) > most {
		return nil, fmt.Errorf("%w: it has more than %d bytes", errLink, most)
	}
	got := &fetched{body: body, from: res.Request.URL}
	if e := res.Header.Get("ETag"); len(e) <= maxMark {
		got.etag = e
	}
	if m := res.Header.Get("Last-Modified"); len(m) <= maxMark {
		got.modified = m
	}
	return got, nil
}
