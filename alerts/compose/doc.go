// Package compose is what a person does before there is an alert: a form as it
// was typed, the alert that it makes, the form that a record was made from, what
// a template fills in, times in words, what differs between two versions, and
// which of the five elements are there.
//
// It is pure: no store, no clock, no page; the time and what the authority knows
// come in with a [Context]. Who may do what is decided by the desk alone, what a
// channel makes of the words by the channel.
//
// Start at [Form].
package compose
