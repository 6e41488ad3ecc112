// Package verify compares what somebody received with what we wrote: the same,
// a part of it, ours with words added, or changed. It knows nothing of alerts
// and pages, and nothing it is given is kept.
//
// Two texts count as the same where a reader would say so: case, accents (a
// short message may replace È), punctuation, spaces and emoji do not count,
// each word, number and address does. So an address that differs in one
// letter, and a telephone number that differs in one digit, are changes.
//
// Start: [Prepare] for both texts, [Best] for the answer, [Difference] to show it.
package verify
