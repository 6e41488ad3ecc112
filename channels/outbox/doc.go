// Package outbox writes down what it would send: a file of JSON lines, one
// message a line, and the latest in memory for a page. Nobody outside gets
// anything, which is what demonstrations and exercises need.
//
// A message is written once whatever happens: what is in the file is known by
// its key after a restart, and a line that a crash cut off is taken out.
//
// Start at [Channel].
package outbox
