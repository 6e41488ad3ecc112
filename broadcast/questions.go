package broadcast

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/alerts/lexicon"
	"martinella/channels"
)

// Questions takes sign-ups of strangers and asks the contact whether it was
// meant, over the channels and in the way in which staff is called: one short
// message, outside of alerts and of their queues. A sign-up is taken without a
// look at who is on the roll; what depends on that happens afterwards, so that
// nobody learns from the answer, nor from the time it takes, who subscribes.
// What waits is in memory: after a crash people sign up again. The limits are
// of this node. Its methods may be called from many goroutines.
type Questions struct {
	QuestionsConfig
	lines   []ringLine
	waiting chan Subscriber

	contacts, tries, allTries, enrolled, strangers, hourly, texts *allowance
}

// QuestionsConfig is what questions need. Every field is required but the
// budgets.
type QuestionsConfig struct {
	SignUps              *SignUps
	Routes               []Route
	PublicURL, Authority string
	PerHour              int // questions an hour, by all channels; 0: 200
	TextsPerHour         int // of them text messages, which cost money; 0: 60
	Log                  *zap.Logger
}

// ErrBusy is the error for who asks too often, or when all together do.
var ErrBusy = errors.New("too many sign-ups at the moment: try again later")

// The limits of sign-ups, beside the budgets. An address may be a whole mobile
// network's (DECISIONS 15).
const (
	perContact   = 3    // questions to one contact, or mailbox, a day
	perStranger  = 20   // sign-ups from one address an hour
	perDigits    = 5    // tries of digits for one contact an hour
	perOffice    = 300  // tries of digits for all contacts an hour
	perBrowsers  = 2000 // browsers that subscribe in an hour
	questions    = 200
	textMessages = 60

	questionsWaiting = 256
	askers           = 2 // questions at a time
	askTries         = 3
	askAgain         = 10 * time.Second // before the second try; the third waits six times as long
)

// NewQuestions finds the channels that can write to one person. Nothing leaves
// before Run.
func NewQuestions(c QuestionsConfig) *Questions {
	if c.PerHour == 0 {
		c.PerHour = questions
	}
	if c.TextsPerHour == 0 {
		c.TextsPerHour = textMessages
	}
	q := &Questions{QuestionsConfig: c, waiting: make(chan Subscriber, questionsWaiting),
		contacts: newAllowance(perContact, 24*time.Hour), tries: newAllowance(perDigits, time.Hour), allTries: newAllowance(perOffice, time.Hour), enrolled: newAllowance(perBrowsers, time.Hour), strangers: newAllowance(perStranger, time.Hour),
		hourly: newAllowance(c.PerHour, time.Hour), texts: newAllowance(c.TextsPerHour, time.Hour)}
	// What only writes down has public pages: a link to somebody's own is not for them.
	q.lines = slices.DeleteFunc(linesOf(c.Routes), func(l ringLine) bool { return l.kind == "" })
	return q
}

// Kinds are the kinds of contact that can be asked here.
func (q *Questions) Kinds() []string {
	var kinds []string
	for _, l := range q.lines {
		if !slices.Contains(kinds, l.kind) {
			kinds = append(kinds, l.kind)
		}
	}
	return kinds
}

// Take takes a sign-up with one contact, from an address of the network where
// that is known (""). [ErrBusy] tells nothing of the contact: it is for everybody
// who comes then. A contact that was asked too often today is not asked again,
// and nobody is told. What is not asked uses up nothing but the act of the
// address. It does not block.
func (q *Questions) Take(who Subscriber, from string) error {
	now := time.Now()
	if !q.Admit(from) {
		return ErrBusy
	}
	var back []func()
	undo := func() {
		for _, give := range back {
			give()
		}
	}
	take := func(a *allowance, name string) bool {
		if !a.take(name, now) {
			return false
		}
		back = append(back, func() { a.give(name) })
		return true
	}
	for kind, address := range who.Contacts {
		switch {
		case kind == "phone" && !take(q.texts, ""), !take(q.hourly, ""):
			undo()
			q.Log.Warn("the budget of sign-ups for this hour is used up: people are asked to come later", zap.String("contact", kind))
			return ErrBusy
		case q.contacts.full(now): // also for who is in the table: else the answer would tell who is
			undo()
			q.Log.Warn("too many contacts signed up today: people are asked to come later", zap.String("contact", kind))
			return ErrBusy
		case !take(q.contacts, kind+" "+mailbox(kind, address)):
			undo()
			return nil
		}
	}
	select {
	case q.waiting <- who:
		return nil
	default:
		undo()
		q.Log.Warn("too many sign-ups wait: people are asked to come later")
		return ErrBusy
	}
}

// mailbox is where the messages to an address arrive, as far as addresses tell:
// without what stands behind a + (RFC 5233, section 1), and without the dots that
// Gmail passes over (support.google.com/mail/answer/7436150). Only limits count
// by it: a message goes to the address as it was typed.
func mailbox(kind, address string) string {
	if kind != "email" {
		return address
	}
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	name, domain := strings.ToLower(address[:at]), strings.ToLower(address[at+1:])
	if plain, _, tagged := strings.Cut(name, "+"); tagged && plain != "" {
		name = plain
	}
	if domain == "googlemail.com" {
		domain = "gmail.com"
	}
	if domain == "gmail.com" {
		name = strings.ReplaceAll(name, ".", "")
	}
	return name + "@" + domain
}

// Admit takes one act from an address of the network, false where there were too
// many. It does not block.
func (q *Questions) Admit(from string) bool { return from == "" || q.strangers.take(from, time.Now()) }

// Try takes one try of digits for a contact, false where there were too many.
func (q *Questions) Try(kind, address string) bool {
	now := time.Now()
	return q.tries.take(kind+" "+address, now) && q.allTries.take("", now)
}

// Enrolling takes one browser that subscribes, false where there were too many
// within the hour: whoever asks, since a browser needs no contact to be asked at.
func (q *Questions) Enrolling() bool { return q.enrolled.take("", time.Now()) }

// Run asks until ctx ends; what waits then is not asked.
func (q *Questions) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range askers {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case who := <-q.waiting:
					q.ask(ctx, who)
				}
			}
		})
	}
	wg.Wait()
	if n := len(q.waiting); n > 0 {
		q.Log.Warn("the gateway stops: people who signed up are not asked", zap.Int("sign_ups", n))
	}
	return nil
}

// ask enters the sign-up and writes to its contact.
func (q *Questions) ask(ctx context.Context, who Subscriber) {
	for kind, address := range who.Contacts {
		wait := askAgain
		for try := range askTries {
			err := guard(func() error { return q.once(ctx, who, kind, address) })
			if err == nil || ctx.Err() != nil {
				return
			}
			verdict, _ := channels.VerdictOf(err)
			q.Log.Warn("who signed up was not asked", zap.String("contact", kind), zap.String("to", mask(address)), zap.Int("try", try+1), zap.String("verdict", string(verdict)), zap.String("reason", short(err)))
			if verdict == channels.VerdictPermanent || verdict == channels.VerdictUncertain || try == askTries-1 || !pause(ctx, wait) {
				return // in doubt it may be there: another one would have other digits
			}
			wait *= 6
		}
	}
}

func (q *Questions) once(ctx context.Context, who Subscriber, kind, address string) error {
	limited, cancel := context.WithTimeout(ctx, ringTime)
	defer cancel()
	now := time.Now()
	asked, err := q.SignUps.Ask(limited, who, now)
	if err != nil {
		return err
	}
	link, code, again := q.PublicURL+"/s/"+asked.Token, "", asked.Token == ""
	if again {
		link = q.PublicURL + "/p/" + q.SignUps.OwnToken(asked.Number, kind, address, now)
	} else if code, err = q.SignUps.Digits(limited, asked.Number, kind, now); err != nil {
		return err
	}
	subject, text := lexicon.SignUp(who.Language, kind, again, q.Authority, link, code)
	err = channels.Permanent(errors.New("no channel can write to this kind of contact"))
	for _, l := range q.lines {
		if l.kind != kind {
			continue
		}
		err = l.call(limited, address, subject, text)
		if verdict, _ := channels.VerdictOf(err); verdict == channels.VerdictAccepted || verdict == channels.VerdictUncertain {
			break
		}
	}
	return err
}

// Waiting is how many sign-ups wait to be asked.
func (q *Questions) Waiting() int { return len(q.waiting) }
