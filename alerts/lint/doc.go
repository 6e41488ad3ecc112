// Package lint reads the words of an alert as a careful colleague would: what
// is missing, what misleads, what nobody understands, what costs.
//
// It is pure: the alert, what the authority approved and the time go in, hits
// come out, each with its place, its reason and its remedy in Italian and
// English. It never silences: a hit blocks only where the alert is malformed
// or has no area or no living expiry; at Severe and above all others are one
// tick that is recorded. It knows no channel, no store and no page; how costly
// a character is comes from outside. The words it looks for are data, in
// alerts/lexicon.
//
// Start at [Check].
package lint
