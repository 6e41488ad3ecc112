package broadcast

import (
	"context"
	"errors"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// Job is a range of recipients of one alert on one channel. It holds no
// personal data: recipients are ordinals of a stored snapshot.
type Job struct {
	V       int       `json:"v"`
	Alert   alerts.ID `json:"alert"`
	N       int       `json:"n"` // chunk number within alert and channel: "<alert>/<channel>/<n>" is the job's name
	From    uint32    `json:"from"`
	To      uint32    `json:"to"`      // exclusive
	Attempt int       `json:"attempt"` // 0: nobody has touched it
	Urgent  bool      `json:"urgent"`

	// Of a job that somebody asked to send again; see Resend.
	Again  int64 `json:"again,omitempty"`  // which one: it owns exactly the recipients that it opened
	Key    int64 `json:"key,omitempty"`    // what sets its messages' keys apart from those that failed; 0: the first ones
	Insist bool  `json:"insist,omitempty"` // whoever asked accepts doubles where nobody can tell

	// Where it was taken from; set by Take and Recover.
	Lane    string        `json:"-"`
	EntryID string        `json:"-"`
	Taken   int           `json:"-"` // how often it was handed out, this time included
	Waited  time.Duration `json:"-"` // since it was queued

	// How its messages leave now; set by the dispatcher.
	Second string `json:"-"` // the provider that the channel falls back on, by its configured name; "": none
	Over   Via    `json:"-"`
}

// Turn is what to do with one recipient now. Where that is to ask, it tells as
// well over whom the message may have arrived; see [Turn.Do].
type Turn uint8

// The values of [Turn].
const (
	TurnSend       Turn = iota // not tried yet
	TurnAsk                    // tried, and nobody knows: ask the platform first
	TurnSkip                   // settled
	TurnStop                   // not tried, and the alert was superseded or cancelled on this channel: settle it as Suppressed
	TurnAskStopped             // tried, nobody knows, and the alert was superseded or cancelled: ask the platform, but never send
	TurnHalt                   // not tried, and this recipient alone is to get nothing any more: settle it as Suppressed
	TurnAskHalted              // tried, nobody knows, and this recipient alone is to get nothing any more: ask the platform, but never send
)

// State is where one delivery stands. The numbers are the stored format: 4
// bits a recipient (DECISIONS 26); from 8 on they are Trying with a [Trail].
type State uint8

// The values of [State].
const (
	Queued State = iota
	Trying
	Accepted
	Delivered
	Failed
	Uncertain
	Expired
	Suppressed
)

// String is the name in API, metrics and pages.
func (s State) String() string {
	return [...]string{"queued", "trying", "accepted", "delivered", "failed", "uncertain", "expired", "suppressed"}[s.Plain()]
}

// Result settles one recipient.
type Result struct {
	Ordinal uint32
	State   State // Accepted, Failed, Uncertain, Expired or Suppressed
	Receipt channels.Receipt
	Via     Via           // who has it; for Accepted
	Reason  string        // without personal data: for Failed, Uncertain, Suppressed, and for an Accepted that may be a double
	Latency time.Duration // approval to the platform's yes; for Accepted
}

// ErrLost is the error when a job is no longer this worker's: drop it. Where
// it wraps alerts.ErrUnavailable as well, the store cannot tell at the moment:
// begin nothing, ask again.
var ErrLost = errors.New("the job belongs to another worker now")

// ErrUnreadable is the error for a stored record that this program cannot
// read: asking again gives the same. Where it wraps alerts.ErrUnavailable as
// well, a newer program wrote it and can.
var ErrUnreadable = errors.New("what is stored cannot be read")

// Task is a job with what is needed to send it.
type Task struct {
	Record   *alerts.Record
	Messages []channels.Message // of this channel
	Spans    []Span             // of this channel; Message indexes Messages; People not filled
	Failure  string             // why the channel could not render it, or ""
}

// Queue is the work of one channel, shared by all nodes. Every job is with one
// worker at a time; a worker that dies loses it to another one. All methods
// may be called from many goroutines; they block until the store answered or
// ctx ended.
type Queue interface {
	// Entries gives log entries that this channel has not planned yet, those
	// of dead nodes included; it blocks up to a second when there are none.
	Entries(ctx context.Context, max int) ([]Planned, error)

	// Plan puts jobs into the alert's lane (x: Urgent, n: the rest). first is
	// the number of jobs that were planned before; the answer is the number
	// planned now: another value than first+len(jobs) means that somebody was
	// faster, go on from there. With the last jobs the entry is acknowledged.
	Plan(ctx context.Context, p Planned, first int, jobs []Job, last bool) (int, error)

	// Take gives up to max jobs, urgent ones first; it blocks up to a second
	// when there are none.
	Take(ctx context.Context, max int) ([]Job, error)

	// TakeUrgent is Take from the urgent lane alone: by it an urgent alert
	// overtakes while every other worker is busy with a long normal job.
	TakeUrgent(ctx context.Context, max int) ([]Job, error)

	// Recover gives jobs that nobody works on: this worker's own forgotten
	// ones and those of dead nodes. busy lists the entry ids in hand.
	Recover(ctx context.Context, busy []string) ([]Job, error)

	// Task reads what the job needs.
	Task(ctx context.Context, j Job) (*Task, error)

	// Recipients gives the people's numbers of ordinals [from, to) of the
	// alert's snapshot; nil for public posts.
	Recipients(ctx context.Context, alert alerts.ID, from, to uint32) ([]uint32, error)

	// Reached tells of ordinals [from, to) whether each was sent the alert, or
	// may have been: any state but one that says that nothing was sent.
	// alerts.ErrNotFound where that is no longer kept.
	Reached(ctx context.Context, alert alerts.ID, from, to uint32) ([]bool, error)

	// Begin records the attempt over j.Over durably, before anything is sent,
	// and answers for each ordinal. Asking again for one that is being tried
	// changes nothing and tells over whom it was. ErrLost when the job was taken
	// over.
	Begin(ctx context.Context, j Job, ordinals []uint32) ([]Turn, error)

	// Again records durably, before it leaves, that a recipient who is being
	// tried is sent something over j.Over once more; before are those who may
	// have it still, none or one. TurnAsk: it may leave. TurnAskStopped: the
	// alert was stopped meanwhile, TurnAskHalted: this recipient was, and nothing
	// is recorded. TurnSkip: it is settled. Asking again is safe. ErrLost when the job was taken over.
	Again(ctx context.Context, j Job, ordinal uint32, before ...Via) (Turn, error)

	// Fenced tells, from memory and at once, whether this node still counts as
	// alive: an error that wraps ErrLost where others may take its jobs over
	// at any moment. Ask right before each message leaves.
	Fenced() error

	// Finish settles recipients; with last the job is done. What is settled
	// already stays as it is, so asking again is safe. A message id of a
	// receipt is indexed, and a report that came early is applied: Changed
	// counts what such reports changed. ErrLost when the job was taken over;
	// what happened is recorded all the same, and Changed is filled.
	Finish(ctx context.Context, j Job, results []Result, last bool) (Changed, error)

	// Retry gives the job back after delay, stored as given (the caller has
	// raised Attempt); what was begun last for the unsent ordinals was surely
	// not taken: they return to queued, or to the doubt that was before. reason is shown while it waits. ErrLost when the job was taken
	// over.
	Retry(ctx context.Context, j Job, delay time.Duration, unsent []uint32, reason string) error

	// Bury moves the job to the dead letters, where it stays visible; what of
	// it was never tried becomes failed, what was tried without an answer
	// uncertain. Changed counts them.
	Bury(ctx context.Context, j Job, reason string) (Changed, error)

	// Move brings due retries back to their lanes and gives their number.
	Move(ctx context.Context, max int) (int, error)

	Pacer

	// Posts gives what the channel has posted of the event in this language, as
	// far as it was accepted: what a reply hangs on and an edit changes.
	Posts(ctx context.Context, event alerts.ID, language string) (Posts, error)

	// Trying counts the recipients or posts of the alert that some node is
	// sending now, or that it left in doubt.
	Trying(ctx context.Context, alert alerts.ID) (int, error)

	// Report applies a report of this channel's provider, forward only, also to
	// a message that it carried for another channel; one for an unknown id is
	// parked. known tells which of the two. Changed is zero for a report
	// that changed nothing: a double, a part of a message whose other parts are
	// still on their way, a failure after which the recipient is queued again
	// ([channels.DeliveryReport.Again]).
	Report(ctx context.Context, r channels.DeliveryReport) (known bool, changed Changed, err error)

	// Listening takes the turn to listen to the channel's platform for so long, or
	// keeps it: false while another node has it. 0 gives it back.
	Listening(ctx context.Context, d time.Duration) (bool, error)

	// Depth measures the lanes.
	Depth(ctx context.Context) (Depth, error)

	// Replay puts the alert's dead letters back into their lanes, with Attempt
	// 1, since somebody may have been sent something, and gives their number.
	Replay(ctx context.Context, alert alerts.ID) (int, error)
}

// Changed counts deliveries that something else than a result moved to an end:
// platforms' reports, or the burial of their job.
type Changed struct {
	Delivered, Failed, Uncertain int
	// Channel is whose deliveries they are; "" where it is the queue's.
	Channel string
}

// Planned is a log entry that waits to be planned for a channel.
type Planned struct {
	Entry
	ID string // of the log entry within the channel's group
}

// Depth is how much waits in a channel.
type Depth struct {
	Urgent, Normal Lane
	Delayed        int           // waiting for a retry
	Dead           int           // dead letters
	DeadOldest     time.Duration // age of the oldest of them
}

// Lane is one queue of a channel.
type Lane struct {
	Jobs   int           // not settled, taken or not
	Oldest time.Duration // age of the oldest of them
}

// Reached is how many recipients of a channel had been accepted so long after
// issuing.
type Reached struct {
	MS int64 // milliseconds
	N  int   // of all until then
}

// Delivery is the state of one channel for one alert, as the API shows it.
// Times are milliseconds since the approval; nil: not yet.
type Delivery struct {
	Channel    string `json:"channel"`
	State      string `json:"state"` // queued sending done retrying partly_failed failed uncertain expired
	Total      int    `json:"total"`
	Accepted   int    `json:"accepted"` // by the platform, delivered ones included
	Delivered  int    `json:"delivered"`
	Failed     int    `json:"failed"`
	Uncertain  int    `json:"uncertain"`
	Expired    int    `json:"expired"`
	Suppressed int    `json:"suppressed"`
	FirstMS    *int64 `json:"first_ms"`
	P50MS      *int64 `json:"p50_ms"`
	P99MS      *int64 `json:"p99_ms"`
	LastMS     *int64 `json:"last_ms"`
	// Reached tells how many had been accepted by when, in the order of time, as
	// precisely as the store counts; empty where it does not.
	Reached     []Reached  `json:"-"`
	Error       string     `json:"error,omitempty"` // the newest reason, for people
	Note        string     `json:"note,omitempty"`  // of a channel that took it: nobody listens on a siren's topic
	NextAttempt *time.Time `json:"next_attempt,omitempty"`
	// Attempts is how often what waits for the next attempt was tried; 0: it was
	// only held back, or nothing waits. There is no last one before the alert ends.
	Attempts int    `json:"attempts,omitempty"`
	URL      string `json:"url,omitempty"` // of a public post
	// Second is the provider that the channel fell back on, by its configured
	// name, and SecondAccepted how many of the accepted it took.
	Second         string `json:"second,omitempty"`
	SecondAccepted int    `json:"second_accepted,omitempty"`
	// By, At and PostedURL are of the last of its texts that a person posted and
	// ticked; see [Kit].
	By        *alerts.By `json:"by,omitempty"`
	At        *time.Time `json:"at,omitempty"`
	PostedURL string     `json:"posted_url,omitempty"`
}
