package crash

// Point is a place in the program at which it may die.
type Point string

// The places, in the order in which an alert passes them.
const (
	BeforeAccept Point = "before-accept" // read and checked, and nothing is stored
	AfterAccept  Point = "after-accept"  // stored, not published
	AfterXAdd    Point = "after-xadd"    // published, and the sender has no answer
	AfterPlan    Point = "after-plan"    // some jobs of a channel are written
	AfterTry     Point = "after-try"     // the attempt is written, nothing has left
	AfterSubmit  Point = "after-submit"  // the platform has it, and nobody wrote that down
	AfterDone    Point = "after-done"    // the results of a window are written
	BeforeAck    Point = "before-ack"    // all were sent, the job is not settled
)

// The places that a call of volunteers passes, in order.
const (
	AfterCall   Point = "after-call"   // opened, and nobody is paged
	BeforePage  Point = "before-page"  // a round is decided, and nothing of it is stored
	AfterPage   Point = "after-page"   // page and steps are written, and nobody knows
	AfterAnswer Point = "after-answer" // an answer is written, and the volunteer has none
)

// Points are those that an alert passes.
func Points() []Point {
	return []Point{BeforeAccept, AfterAccept, AfterXAdd, AfterPlan, AfterTry, AfterSubmit, AfterDone, BeforeAck}
}

// CallPoints are those that a call of volunteers passes besides.
func CallPoints() []Point { return []Point{AfterCall, BeforePage, AfterPage, AfterAnswer} }
