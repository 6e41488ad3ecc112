// Package alerts is what we say: an alert, its area, its audience, the people
// who may issue it and the rules that they obey.
//
// It is pure: standard library only, no network, no store, no clock. Whatever
// depends on the time takes "now" as an argument; whoever acts is an argument
// named by. Storage and sending are interfaces here ([Store], [Publisher])
// and code elsewhere.
//
// Start at [Alert] (the CAP 1.2 message), then [Record] (the alert with its
// life: state, author, approver, digest), then [Desk], which alone decides who
// may do what, and [MayLeave], which alone decides what may go out where.
package alerts
