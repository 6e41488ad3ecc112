package cap

import (
	"fmt"

	"martinella/alerts"
)

// Kind is the format of a container.
type Kind string

// The values of [Kind].
const (
	KindAtom  Kind = "atom"    // RFC 4287
	KindRSS   Kind = "rss"     // RSS 2.0
	KindEDXL  Kind = "edxl-de" // OASIS EDXL Distribution Element 1.0 and 2.0
	KindAlert Kind = "alert"   // one alert without a container
)

// Feed is a container that was read: what it is and what it carries.
type Feed struct {
	Kind     Kind
	ID       string
	Title    string
	Updated  string // as written
	Items    []Item
	Problems alerts.Problems // of the container's own shape, warnings only
}

// Item is an entry of a container: links to alerts, or whole alerts, or both.
type Item struct {
	ID      string
	Title   string
	Updated string // as written
	Links   []Link
	Alerts  []Embedded

	outside bool // an alert that lies beside the entries
}

// Link is where an item points. It is a stranger's word: whoever follows it
// guards against addresses of the inside.
type Link struct {
	Href string
	Type string // media type, "application/cap+xml" for an alert, or ""
	Rel  string
}

// Embedded is a whole alert inside a container, isolated with the namespaces
// that were in scope, so that a signature of it still verifies.
type Embedded struct {
	Raw      []byte
	Document *Document // nil when Err is not
	Err      error     // it does not pass the Submit limits or is malformed
}

// shape flags what the container's format requires and is not there.
func (f *Feed) shape() {
	var found findings
	want := func(field, value string) {
		if value == "" {
			found.flag(field, "is missing", "the format of the feed requires it")
		}
	}
	switch f.Kind {
	case KindAtom:
		want("feed.id", f.ID)
		want("feed.title", f.Title)
		want("feed.updated", f.Updated)
	case KindRSS:
		want("channel.title", f.Title)
	case KindEDXL:
		want("distributionID", f.ID)
		want("dateTimeSent", f.Updated)
	}
	for i, it := range f.Items {
		at := fmt.Sprintf("item[%d].", i)
		if it.outside {
			found.flag(fmt.Sprintf("item[%d]", i), "is an alert outside of any entry", "put it into an entry of the feed")
			continue
		}
		if f.Kind == KindAtom {
			want(at+"id", it.ID)
			want(at+"title", it.Title)
			want(at+"updated", it.Updated)
		}
		if len(it.Links) == 0 && len(it.Alerts) == 0 {
			found.flag(at+"link", "is missing, and there is no alert inside", "link to the alert or put it in")
		}
	}
	f.Problems = found.problems()
}
