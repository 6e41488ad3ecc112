// Package crash names the places at which a process may die while it carries
// an alert, so that a test can kill it exactly there. It must not know anything
// of alerts, stores or channels: a place is a name.
//
// The program that is shipped holds none of it: [At] is an empty function
// unless the build tag "crashpoints" is set. With the tag, [At] ends its own
// process with SIGKILL, which nobody can catch, at the pass that the
// environment names: CRASH_AT="after-try:3" dies when the place
// "after-try" is passed for the third time.
//
// Start with points.go, the list of the places in the order in which an alert
// passes them; the table in ../FAULTS.md says what must hold after each.
package crash
