// Package imagecard draws an alert as a picture that posts carry and that pages
// show to other sites: 1200 by 630 pixels, the size that Facebook, X, Telegram
// and Open Graph expect.
//
// A card says the same as the words beside it: level by shape and words, what
// happens or what to do, where, until when, who says it. It knows no platform
// and no page. Nothing of it depends on the moment or the machine: the same
// record gives the same bytes, so that a post that is sent again is the same.
//
// Start at [Painter.Card]; face.go is what stands on a card, layout.go where.
package imagecard
