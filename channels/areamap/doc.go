// Package areamap draws the area of an alert as a small picture: the same
// shapes, colours and patterns as the map of the public page, for places where
// only a picture travels, such as a mail or a post.
//
// It has no map beneath the shapes, needs no network and no font, and gives
// the same bytes for the same input on every machine. It knows nothing of
// channels or languages: whoever shows the picture says in words what is on it.
//
// Start at [Draw].
package areamap
