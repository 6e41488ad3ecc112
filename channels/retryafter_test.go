package channels

import (
	"net/http"
	"testing"
	"time"
)

func TestWaitOf(t *testing.T) {
	now := time.Date(2026, 11, 21, 19, 45, 9, 0, time.UTC)
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		want   time.Duration
	}{
		"nothing said": {429, http.Header{}, "", 0},
		"seconds":      {429, http.Header{"Retry-After": {"289"}}, "", 289 * time.Second},
		"a date":       {503, http.Header{"Retry-After": {"Sat, 21 Nov 2026 19:49:09 GMT"}}, "", 4 * time.Minute},
		"Bluesky: the window's end and Retry-After agree": {429,
			http.Header{"Ratelimit-Limit": {"3000"}, "Ratelimit-Reset": {"1795290598"}, "Ratelimit-Policy": {"3000;w=300"}, "Retry-After": {"289"}}, "", 289 * time.Second},
		"of a refusal's two times the later counts":                     {429, http.Header{"Ratelimit-Reset": {"1795290609"}, "Retry-After": {"28"}}, "", 5 * time.Minute},
		"of header and body the later counts":                           {429, http.Header{"Retry-After": {"3"}}, `{"parameters":{"retry_after":7}}`, 7 * time.Second},
		"a server that starts says nothing of the window":               {503, http.Header{"Retry-After": {"30"}, "X-Ratelimit-Reset": {"2026-11-21T19:49:09.000Z"}}, "", 30 * time.Second},
		"Slack: seconds with a plain text":                              {429, http.Header{"Retry-After": {"30"}}, "rate_limited", 30 * time.Second},
		"WhatsApp and Facebook say no time":                             {429, http.Header{}, `{"error":{"code":130429,"message":"Rate limit hit"}}`, 0},
		"a page of HTML is no answer":                                   {429, http.Header{"Content-Type": {"text/html"}}, "<html>retry_after: 9</html>", 0},
		"Bluesky: the window's end is no wait where nothing is refused": {200, http.Header{"Ratelimit-Reset": {"1795290369"}}, "", 0},
		"Mastodon: a date without Retry-After":                          {429, http.Header{"X-Ratelimit-Reset": {"2026-11-21T19:49:09.000Z"}}, `{"error":"Throttled"}`, 4 * time.Minute},
		"X: Unix seconds":                                               {429, http.Header{"X-Rate-Limit-Reset": {"1795290429"}}, "", 2 * time.Minute},
		"Telegram: in the body":                                         {429, http.Header{}, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}`, 7 * time.Second},
		"Matrix: milliseconds":                                          {429, http.Header{}, `{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":1500}`, 1500 * time.Millisecond},
		"Discord: a fraction":                                           {429, http.Header{}, `{"retry_after":0.5}`, 500 * time.Millisecond},
		"GoToSocial: two headers, the later counts":                     {503, http.Header{"Retry-After": {"30", "Sat, 21 Nov 2026 19:47:09 GMT"}}, "<html>starting</html>", 2 * time.Minute},
		"the draft's reset in seconds from now":                         {429, http.Header{"Ratelimit-Reset": {"60"}}, "", time.Minute},
		"an absurd wait is cut":                                         {429, http.Header{"Retry-After": {"99999999999999999999"}}, "", 15 * time.Minute},
		"an absurd date is cut":                                         {429, http.Header{"Retry-After": {"Sat, 21 Nov 2099 19:49:09 GMT"}}, "", 15 * time.Minute},
		"a date that is past is no wait":                                {429, http.Header{"Retry-After": {"Sat, 21 Nov 2020 19:49:09 GMT"}}, "", 0},
		"a negative number is no wait":                                  {429, http.Header{"Retry-After": {"-5"}}, "", 0},
		"nonsense is no wait":                                           {429, http.Header{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"later"}}, `{"retry_after":"soon"}`, 0},
		"not a number is no wait":                                       {429, http.Header{"Retry-After": {"NaN"}}, "", 0},
		"a string of digits in the body is understood":                  {429, http.Header{}, `{"retry_after":"3"}`, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := WaitOf(c.status, c.header, []byte(c.body), now); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
