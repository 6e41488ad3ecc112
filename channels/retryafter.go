package channels

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds what a platform may ask for: an alert does not wait for an
// hour, and a clock that is wrong by years must not stop a channel.
const maxWait = 15 * time.Minute

// WaitOf reads how long a platform asks to wait, in the five shapes that are
// known of it; of several the longest. body may be nil. It is 0 where nothing
// is said, and at most 15 minutes.
//
//	Retry-After: 289                            Bluesky, Slack; several headers at once: GoToSocial
//	Retry-After: Sat, 21 Nov 2026 19:49:09 GMT  RFC 9110 section 10.2.3
//	X-RateLimit-Reset: 2026-11-21T19:49:09Z     Mastodon, GoToSocial
//	X-Rate-Limit-Reset: 1795291805              X; also RateLimit-Reset of Bluesky
//	{"parameters":{"retry_after":7}}            Telegram; retry_after of Discord; retry_after_ms of Matrix
//
// The reset of a window counts only where the status says that the limit is
// reached: Bluesky sends it with every answer. A 503 that has a Retry-After of
// its own is about something else than the window.
func WaitOf(status int, header http.Header, body []byte, now time.Time) time.Duration {
	var wait time.Duration
	longest := func(d time.Duration) { wait = max(wait, d) }
	for _, v := range header.Values("Retry-After") {
		longest(waitUntil(v, now))
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable && wait == 0 {
		for _, name := range []string{"X-Ratelimit-Reset", "X-Rate-Limit-Reset", "Ratelimit-Reset"} {
			for _, v := range header.Values(name) {
				longest(resetAt(v, now))
			}
		}
	}
	longest(waitInBody(body))
	return min(wait, maxWait)
}

// waitUntil reads seconds or a date.
func waitUntil(v string, now time.Time) time.Duration {
	v = strings.TrimSpace(v)
	if d, ok := seconds(v, time.Second); ok {
		return d
	}
	if at, err := http.ParseTime(v); err == nil {
		return at.Sub(now)
	}
	if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
		return at.Sub(now)
	}
	return 0
}

// resetAt reads the end of a window: a date or Unix seconds. Small numbers are
// seconds from now, as the IETF draft of RateLimit-Reset has them.
func resetAt(v string, now time.Time) time.Duration {
	const aboutYear2001 = 1e9
	v = strings.TrimSpace(v)
	if n, err := strconv.ParseFloat(v, 64); err == nil && n >= aboutYear2001 && n < 1e11 {
		return time.Unix(int64(n), 0).Sub(now)
	}
	return waitUntil(v, now)
}

// seconds reads a number of units, without overflow.
func seconds(v string, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(n) {
		return 0, false
	}
	n = min(max(n*float64(unit), 0), float64(24*time.Hour))
	return time.Duration(n), true
}

func waitInBody(body []byte) time.Duration {
	if len(body) == 0 || len(body) > maxAnswer {
		return 0
	}
	var in struct {
		RetryAfter   json.Number `json:"retry_after"`
		RetryAfterMS json.Number `json:"retry_after_ms"`
		Parameters   struct {
			RetryAfter json.Number `json:"retry_after"`
		} `json:"parameters"`
	}
	if json.Unmarshal(body, &in) != nil {
		return 0
	}
	var wait time.Duration
	for _, f := range []struct {
		v    json.Number
		unit time.Duration
	}{{in.RetryAfter, time.Second}, {in.RetryAfterMS, time.Millisecond}, {in.Parameters.RetryAfter, time.Second}} {
		if d, ok := seconds(f.v.String(), f.unit); ok {
			wait = max(wait, d)
		}
	}
	return wait
}
