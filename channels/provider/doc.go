// Package provider is an HTTP provider that nobody wrote a program for: the
// configuration describes what it is asked, how its answers are to be read,
// and what it says later. Short messages and voice calls share it.
//
// A description cannot be half right: [Description.Compile] names every mistake
// with its field and its remedy. What is put into a request is escaped for its
// place, so that no text of an alert can become anything else than text: JSON
// is built from a parsed tree, not from pasted strings.
//
// It must not know alerts, recipients, queues or which platform it speaks to:
// an adapter says which placeholders and which states there are ([Use]).
//
// Start at [Description], then [Provider].
package provider
