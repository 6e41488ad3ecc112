// Package templates is warnings written in advance: what to say of a flood or a
// closed road, in calm words, before the night in which it is needed. Shipped
// ones are data (shipped/*.json); an authority adds its own, and gives them to
// others as a signed pack.
//
// It is pure: no store, no page, no channel. A template is filled into an
// alerts.Info, which then goes the way of every alert. Its words are held to
// alerts/lint by the tests; those of an authority by [Template.Lint].
//
// Start at [Template.Fill]; packs are in [Seal] and [Open].
package templates
