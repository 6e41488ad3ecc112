// Package copykit is the channel for accounts that no program may post to
// (Instagram, YouTube, a WhatsApp channel) and for a notice on paper: it makes
// the text, the picture and the link ready to copy, and nothing leaves. A person
// posts it and ticks it, and the record says who and when.
//
// The package knows neither who ticks nor where that is kept: see
// broadcast.Kits.
//
// Start at [Channel].
package copykit
