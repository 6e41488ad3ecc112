// Package lexicon is the words of messages, as data: what an alert is called,
// how an exercise, an update, a cancellation and an all-clear are marked, how a
// time is said. One JSON file is one language.
//
// It holds no interface words (those are in dashboards/locales), knows no
// channel and builds no message: channels.Compose does. What people do about each
// danger, before, during and after it, is in the folder guides; see [AdviceFor].
//
// Start at [For].
package lexicon
