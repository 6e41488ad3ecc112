// Package callout carries calls to volunteers: it opens them, pages each person
// by one contact after the other through the same lanes, paces and records as
// alerts, takes answers from pages and messages, stops every page of whoever
// answered, and tells the coordinator who comes.
//
// What is decided is decided in alerts/volunteers; here it is done, once,
// whichever node does it and however often it dies. It knows no page and no
// platform: channels write pages ([martinella/channels.Pager]).
//
// Start at [Store], which says what is one write, then [Callouts].
package callout
