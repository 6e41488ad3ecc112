package dashboards

import (
	"context"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// Callouts calls volunteers out. Methods may be called from many goroutines and
// block until the store answered. Errors wrap [alerts.ErrNotFound],
// [alerts.ErrStale], [callout.ErrOver], [callout.ErrToken], alerts.ErrForbidden
// with its problems, or [alerts.ErrUnavailable].
type Callouts interface {
	// Suggest tells whom a draft would page; [alerts.Problems] is what is wrong
	// with it, as Open would say.
	Suggest(ctx context.Context, d callout.Draft) (callout.Suggestion, alerts.Problems, error)
	// Open opens a call and pages its first wave. What is wrong with the draft
	// is an [alerts.Refusal].
	Open(ctx context.Context, by alerts.Person, d callout.Draft) (*volunteers.Call, error)
	// Wave pages up to most more of those whom the call's choice finds.
	Wave(ctx context.Context, by alerts.Person, id alerts.ID, waves, most int) (*volunteers.Call, int, error)
	// End closes (thanks) or cancels (do not set out) a call: no page leaves any
	// more, and who was asked to come and did not say no is told.
	End(ctx context.Context, by alerts.Person, id alerts.ID, state volunteers.State, words string) (*volunteers.Call, error)

	Calls(ctx context.Context, most int) ([]*volunteers.Call, error)
	View(ctx context.Context, id alerts.ID) (*callout.View, error)

	// Tests gives how tests of contacts stand. StartTest begins one, ErrHeld where
	// that may not be now; End stops it.
	Tests(ctx context.Context) (callout.TestStanding, error)
	StartTest(ctx context.Context, by alerts.Person, id alerts.ID, groups []string, length time.Duration) (*volunteers.Call, error)

	// AnswerFor and AttendFor are what a coordinator was told by telephone.
	AnswerFor(ctx context.Context, by alerts.Person, id alerts.ID, number uint32, a volunteers.Answer) (callout.Answered, error)
	AttendFor(ctx context.Context, by alerts.Person, id alerts.ID, number uint32, what volunteers.Mark) error

	// CorrectFor says otherwise when a volunteer was there, also after the call;
	// [alerts.ErrStale] where revision is not what is noted any more.
	CorrectFor(ctx context.Context, by alerts.Person, id alerts.ID, number uint32, revision string, to volunteers.Stay, reason string) error

	// Activate writes down by whose order a call's volunteers are active, also
	// after it; [alerts.ErrStale] where a.Revision is not the newest.
	Activate(ctx context.Context, by alerts.Person, id alerts.ID, a volunteers.Activation) error

	// Of gives what all calls and tests of contacts have of one volunteer, the
	// newest first, and of nobody else.
	Of(ctx context.Context, number uint32) ([]callout.Part, error)

	// Own opens a volunteer's page of a call by its token; Answer and Attend are
	// its buttons. A token opens one call for one person, until a day after the
	// call's end.
	Own(ctx context.Context, token string) (*callout.OwnCall, error)
	Answer(ctx context.Context, token string, a volunteers.Answer) (*callout.OwnCall, error)
	Attend(ctx context.Context, token string, what volunteers.Mark) (*callout.OwnCall, error)

	// BoardToken makes the address of the wall board of a call; Board opens it.
	// It names people as the coordinator does, without telephone numbers.
	BoardToken(c *volunteers.Call) string
	Board(ctx context.Context, token string) (*callout.View, error)
}
