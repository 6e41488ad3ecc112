// Package photo makes the pictures that people send ready to be shown: it decodes
// JPEG, PNG and WebP within limits, turns them the way they were taken, makes them
// small, and writes them anew, so that nothing of where, when and with what they
// were taken is left.
//
// It must not know who sent a picture or where it is kept. Start at [Reader].
package photo
