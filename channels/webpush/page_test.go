package webpush

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestPages(t *testing.T) {
	channeltest.Pages(t, channeltest.PagerSuite{
		New: func(t testing.TB) channels.Pager { return channel(t, config(t), "") },
		Fits: func(t testing.TB, name string, m channels.Message) {
			var p Payload
			if err := json.Unmarshal(m.Payload, &p); err != nil || len(m.Payload) > maxPayload || p.Title+"\n"+p.Body != m.Text {
				t.Errorf("%s: %v, %d bytes: %s", name, err, len(m.Payload), m.Payload)
			}
			if p.URL != "/" && p.URL != "https://valdemo.example/d/"+strings.Repeat("W", channels.LongestToken) {
				t.Errorf("%s: a touch leads to %s", name, p.URL)
			}
		},
		LinkInPayload: true,
	})
}

func TestGoldenPages(t *testing.T) { channeltest.GoldenPages(t, channel(t, config(t), "")) }

// What the worker does with a page is written at [Payload] and in sw.js.
func TestWhatTheWorkerDoesWithAPage(t *testing.T) {
	c := channel(t, config(t), "")
	of := func(kind channels.PageKind, urgent bool) (p Payload) {
		t.Helper()
		page := channeltest.SamplePage(kind, "it")
		page.Urgent = urgent
		m, err := c.RenderPage(page)
		if err == nil {
			err = json.Unmarshal(m.Payload, &p)
		}
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	call := of(channels.PageCall, true)
	if call.Level != alerts.SeverityExtreme || of(channels.PageCall, false).Level == alerts.SeverityExtreme {
		t.Error("an urgent call alone stands until it is touched")
	}
	if call.Close || !call.Renotify || call.Sent != "2026-11-22T16:40:00Z" || call.Expires != "2026-11-22T21:00:00Z" || call.Areas == nil {
		t.Errorf("%+v", call)
	}
	for _, kind := range []channels.PageKind{channels.PageFilled, channels.PageClosed, channels.PageCancelled} {
		over := of(kind, true)
		if !over.Close || over.Tag != call.Tag || over.Revision <= call.Revision || over.Expires != "" || over.Renotify != (kind != channels.PageClosed) {
			t.Errorf("%s: %+v", kind, over)
		}
		// Nothing else makes it ring.
		if over.Action != call.Action || !slices.Equal(over.Areas, call.Areas) || over.Level != call.Level {
			t.Errorf("%s is compared with the call as %+v", kind, over)
		}
	}
	m := channels.Message{Audience: channels.AudienceVolunteers, Severity: alerts.SeverityUnknown, Change: alerts.ChangeIssued, Expires: time.Now().Add(10 * time.Minute)}
	if got := urgency(m); got != "high" {
		t.Errorf("a phone is woken with urgency %s", got)
	}
	if left := ttl(m, time.Now()); left > 10*time.Minute || left < 9*time.Minute {
		t.Errorf("a push service keeps it for %v", left)
	}
}
