package channels

import (
	"context"
	"net/http"
	"time"

	"martinella/alerts"
)

// Channel is one configured way to say an alert: "comune-mastodon", "sms". Its
// methods may be called from many goroutines at once.
type Channel interface {
	// Name is the configured name, [a-z0-9-]{2,32}. It is part of the stored
	// format: queued work finds its channel by it.
	Name() string

	// Render turns the approved record into this platform's messages, one for
	// each audience and language that it serves. It is pure: no clock, no
	// network; the same record gives the same bytes. An error means that the
	// channel cannot carry this alert; it becomes a visible failed delivery
	// and never stops the other channels.
	Render(r *alerts.Record) ([]Message, error)

	// Send delivers m to one recipient or one public place and blocks until
	// the platform answered or ctx ended. nil: taken, the receipt says under
	// which id. A plain error: surely not taken, try again by policy. The
	// other verdicts are [Permanent], [RetryAfter], [Unauthorized] and
	// [Uncertain]. It never retries by itself. No error contains a secret or
	// a full address.
	Send(ctx context.Context, m Message) (Receipt, error)
}

// Message is one rendered text, and once the dispatcher has addressed it
// ([Message.For]), the one thing that Send carries. Before that, Text and
// Payload may hold the placeholders of [Placeholders]; the approver's digest
// covers them in that form.
type Message struct {
	Channel  string          `json:"channel"`
	Audience string          `json:"audience"`          // "public", or the audience whose snapshot is addressed
	Readers  alerts.Readers  `json:"readers,omitempty"` // who stood at the channel's end when it was written; the planner sets it; empty: written before this was kept
	Language string          `json:"language"`          // RFC 3066
	Title    string          `json:"title,omitempty"`
	Text     string          `json:"text"`
	Payload  []byte          `json:"payload,omitempty"` // a body in the platform's form, for machines
	URL      string          `json:"url,omitempty"`     // the alert's page: what a probe searches for
	Alert    alerts.ID       `json:"alert"`
	Event    alerts.ID       `json:"event"`
	Revision int             `json:"revision"`
	Change   alerts.Change   `json:"change"`
	Severity alerts.Severity `json:"severity"`
	Exercise bool            `json:"exercise,omitempty"` // Exercise or Test: marked, and only where configured
	Expires  time.Time       `json:"expires,omitzero"`   // never sent after; zero for a Cancel
	Step     Step            `json:"step,omitempty"`     // of a public post: what is done; the planner sets it
	Image    *Image          `json:"image,omitempty"`    // nil: words alone

	// Filled by the dispatcher, outside the digest.

	Key      string         `json:"-"` // idempotency key: alert/revision/channel/recipient, the same for every attempt
	To       string         `json:"-"` // E.164 number, mail address, ...; empty for a public post
	Ordinal  uint32         `json:"-"` // of the recipient within the snapshot; a hint for platforms that carry a number
	Sent     time.Time      `json:"-"` // when the alert was published: the only time that a body may contain
	Areas    []alerts.Value `json:"-"` // the approved area in codes, resolved; the digest covers it in the record
	Previous string         `json:"-"` // the platform's id of this event's earlier post, for edits and threads
	Standing []string       `json:"-"` // ids of the event's other posts: for StepPoint those that still read as if they held, for StepWithdraw all earlier ones; none of them is m for a Find
}

// Receipt is what the platform answered.
type Receipt struct {
	ID    string `json:"id,omitempty"` // the platform's id of the message
	URL   string `json:"url,omitempty"`
	Parts []Part `json:"parts,omitempty"` // for messages of several parts (SMS); accepted only when all are
	Note  string `json:"note,omitempty"`  // worth showing to the operator: "nobody subscribed"
}

// Part is one part of a long message.
type Part struct {
	ID string `json:"id"`
}

// DeliveryReport is what a platform says later of a message that it took.
// State moves only forward; reports come late, doubled and out of order.
type DeliveryReport struct {
	MessageID string // as in [Receipt.ID] or [Part.ID]
	// Alternatives are other spellings of the same id, to be looked up only
	// when MessageID is unknown: some SMSCs answer in hexadecimal and report in
	// decimal. Usually empty.
	Alternatives []string
	State        ReportState
	Code         string // the platform's own code, without personal data
	At           time.Time

	// Of a failure that may pass, like a busy telephone: how often at most the
	// recipient is sent it once more, and how much later. It stops when the alert
	// is changed or over. 0: the failure is final.
	Again int
	After time.Duration
}

// ReportState is what a [DeliveryReport] says.
type ReportState string

// The values of [ReportState].
const (
	ReportDelivered ReportState = "delivered"
	ReportFailed    ReportState = "failed"
	ReportEnroute   ReportState = "enroute" // still on its way: changes nothing
)

// Reply is what a person answered over the channel.
type Reply struct {
	From string // address; never logged in full
	To   string
	Text string
	At   time.Time
	Code string // of a link that the person opened ([Linker]): From is theirs; Text is "" then
}

// Sink takes what comes back. Both methods return only when it is durable, so
// that the platform is answered after that; an error means: not stored, the
// platform should send it again.
type Sink interface {
	Report(ctx context.Context, channel string, r DeliveryReport) error
	Reply(ctx context.Context, channel string, r Reply) error
}

// The optional abilities of a channel, found by type assertion.

// Addressed is a channel that reaches one person at a time.
type Addressed interface {
	// AddressKind names the contact that it needs: "phone", "email".
	AddressKind() string
}

// Finder can ask the platform whether a message arrived.
type Finder interface {
	// Find looks for m after its answer was lost. found=false with a nil error
	// means that the platform surely does not have it, or surely drops what it
	// has: it may be sent again.
	Find(ctx context.Context, m Message) (r Receipt, found bool, err error)
}

// Editor can change a post in place; the platform keeps the id.
type Editor interface {
	// Edit blocks like Send, and its verdicts are those of Send. It may be
	// repeated. The error wraps [ErrPostGone] where there is no such post.
	Edit(ctx context.Context, id string, m Message) (Receipt, error)
}

// Withdrawer can take a post back. Taking back what is gone is no error.
type Withdrawer interface {
	Withdraw(ctx context.Context, id string) error
}

// Checker proves the credentials without posting.
type Checker interface {
	Check(ctx context.Context) error
}

// Ender knows when its credentials end, from the last [Checker.Check]; false
// where the platform does not tell, or they do not end. It does not block and may
// be called from many goroutines.
type Ender interface {
	Ends() (time.Time, bool)
}

// Listener receives reports and replies over its own connection. Listen blocks
// until ctx ends.
type Listener interface {
	Listen(ctx context.Context, to Sink) error
}

// Sole is a [Listener] that one node at a time may run: the platform gives what
// comes to whoever asked last.
type Sole interface {
	Sole() bool
}

// Linker is an [Addressed] channel whose addresses nobody can type: a person opens
// a link, and the platform tells whose address it is.
type Linker interface {
	// Link is the address that brings a code here as [Reply.Code]; "" where it is
	// not known yet. The code is at most 64 characters of base64url. It does not
	// block.
	Link(code string) string
}

// Inbound receives reports and replies as HTTP requests under /hooks/{channel}.
// The caller answers 2xx only after the Sink has them; the error of a request
// that is not authentic is [ErrForged].
type Inbound interface {
	Inbound(r *http.Request) ([]DeliveryReport, []Reply, error)
}

// HookAnswerer is an [Inbound] whose platform waits for words after a request:
// what a telephone provider says to a person who pressed a key.
type HookAnswerer interface {
	// HookAnswer gives the body of the answer to a request that Inbound has read
	// and whose reports are stored; nil where nothing is waited for. It does not
	// block.
	HookAnswer(r *http.Request) (contentType string, body []byte)
}

// Confirmer is an [Inbound] whose address stands in messages, so that people
// open it in a browser too. Opening it changes nothing; a page asks.
type Confirmer interface {
	// Confirm gives the fields of a form that, posted to the same address, does
	// what the link is for. The error of a link that is not ours is [ErrForged].
	Confirm(r *http.Request) (fields map[string]string, err error)
}

// Answerer writes a short text back to a person who wrote on the channel: that
// a STOP was carried out. It belongs to no alert: nobody waits for a receipt,
// and none is asked for.
type Answerer interface {
	// Answer sends text to an address in the form that recipients have (E.164
	// for phones). It blocks, and its verdicts are those of Send; one that is
	// not nil is logged and left at that: what the person asked for is done
	// already. No error contains a full address.
	Answer(ctx context.Context, to, text string) error
}

// Stoppable is a channel whose messages people can answer with STOP. A channel to
// which nobody can answer is none, or says so.
type Stoppable interface {
	// HearsStop reports whether an answer arrives here. It is pure.
	HearsStop() bool
}

// Notifier sends a short text to one member of staff who is called: where a
// message has a subject, or where it is only written down. Other channels that
// can call somebody are an [Answerer].
type Notifier interface {
	// Notify sends text under a subject to an address; the address of a channel
	// that is not [Addressed] is "". It blocks, and its verdicts are those of
	// Send. No error contains a full address.
	Notify(ctx context.Context, to, subject, text string) error
}

// Limiter states the pace that the platform allows.
type Limiter interface {
	Limit() Limit
}

// Limit is a pace. The zero value means: no limit known.
type Limit struct {
	PerSecond float64 // messages a second, sustained
	Burst     int     // messages at once
	Window    int     // messages in flight

	Account string  // at the platform, whose pace and quotas several channels share; "": the channel's own
	PerHour int     // messages an hour; 0: no quota known
	PerDay  int     // messages a day; 0: no quota known
	Reserve float64 // part of both quotas that is kept for corrections, 0 to 1
}

// Weigher says what a message takes of the pace and the quotas of [Limit],
// where that is not always one: an SMS contract counts parts.
type Weigher interface {
	// Weigh is at least 1, and pure.
	Weigh(m Message) int
}

// Measurer states how long a text may be, in the platform's own unit.
type Measurer interface {
	Measure(text string) Measure
}

// Measure counts a text in the unit of a platform.
type Measure struct {
	Unit string `json:"unit"` // chars, graphemes, weighted, septets, utf16, bytes
	Used int    `json:"used"`
	Max  int    `json:"max"`   // of one message, or of one part
	Part int    `json:"parts"` // how many parts it makes; 1 where there are no parts
}

// Machine is a channel that machines read; it may carry status System.
type Machine interface {
	Machine() bool
}
