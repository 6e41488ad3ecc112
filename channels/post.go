package channels

import (
	"context"
	"errors"

	"martinella/alerts"
)

// Step says what is done with a message of a channel that posts to everybody.
// The values are part of the stored format.
type Step string

// The values of [Step].
const (
	// StepPost: a post of its own, in the thread of [Message.Previous] where
	// the platform has threads. It notifies.
	StepPost Step = ""
	// StepCorrect: the earlier post is changed in place and nobody is notified.
	// Where there is none, or it is gone, the message is posted.
	StepCorrect Step = "correct"
	// StepPoint: every earlier post that still reads as if it held is changed, so
	// that it says what took its place. Nothing to do where there is none.
	StepPoint Step = "point"
	// StepWithdraw: every earlier post is taken back.
	StepWithdraw Step = "withdraw"
)

// Posts reports whether the step leaves a post that later ones hang on.
func (s Step) Posts() bool { return s == StepPost || s == StepCorrect }

// Image is the picture of a message: the card, which is drawn from the alert
// when the message leaves, so that nobody waits for it before. The words of Alt
// are part of what is approved.
type Image struct {
	Type   string `json:"type"` // media type
	Alt    string `json:"alt"`  // what it shows, for those who do not see it
	Width  int    `json:"width"`
	Height int    `json:"height"`

	// Bytes are filled by the dispatcher, the same for every attempt; empty
	// where it could not be drawn: the message goes without.
	Bytes []byte `json:"-"`
}

// Amender is an [Editor] on whose platform readers see what was changed, so
// that an earlier post tells of what took its place.
type Amender interface {
	Editor

	// RenderAmended gives what the posts of the revision before read once r
	// has taken its place, one for each language of them; [StepPoint] is their
	// step. It is pure, like Render. {next} stands for the address of the new
	// post.
	RenderAmended(before, r *alerts.Record) ([]Message, error)
}

// Rehearser shows that a channel works to people of the office alone.
type Rehearser interface {
	// Rehearse posts the text where the public does not see it, and tells in
	// words where: "to the account itself". It blocks; the verdicts are those of
	// Send. errors.ErrUnsupported where the platform has no such place.
	Rehearse(ctx context.Context, text string) (where string, err error)
}

// Renewer knows what to do when the platform refuses the credentials.
type Renewer interface {
	// Renewal says it in one or two plain sentences, without a secret: where to
	// sign in, what to make there, which file takes it.
	Renewal() string
}

// ErrPostGone is what the error of an Edit wraps where the post is no longer
// there: somebody took it away on the platform.
var ErrPostGone = errors.New("the post is no longer there")

// PostGone marks err with [ErrPostGone]: [Permanent], and no failure of the
// channel.
func PostGone(err error) error { return Apart(Permanent(errors.Join(ErrPostGone, err))) }

// Prompt talks with the person who connects an account.
type Prompt interface {
	// Ask waits for an answer; the default where nothing was typed. The error
	// is that of the input, which ended.
	Ask(q Question) (string, error)
	// Tell says something that needs no answer.
	Tell(text string)
}

// Question is one thing to ask.
type Question struct {
	Text    string
	Default string
	Secret  bool     // it is not shown while it is typed
	Choices []string // the answer is one of them; none: free
	// Check says what is wrong with an answer, which is then asked again; nil:
	// anything goes.
	Check func(answer string) error
}

// Connected is what connecting an account has found out: the fields of the
// channel's entry in the configuration, in order, and the secrets, which go into
// files of their own.
type Connected struct {
	Fields  []Field
	Secrets []Field // by the field that names the file: "token_file"
	Note    string  // worth knowing: when the credential ends
}

// Field is one field of a channel's entry.
type Field struct{ Key, Value string }

// Connect walks a person through connecting an account of one platform. It may
// call the platform, and posts nothing. It blocks as long as the person thinks.
type Connect func(ctx context.Context, p Prompt) (Connected, error)
