// Package x posts to an account on X by its API v2 (docs.x.com).
//
// One post a language, at most 280 as X weighs characters; a later revision
// answers the earlier post, so that an event is one thread: readers of X see no
// edits. X keeps no idempotency keys: when an answer is lost, [Channel.Find]
// looks through the account's own posts, and X itself refuses the same words
// twice. Every post is paid for, so a day has a cap.
//
// It knows OAuth 1.0a (a signature over every call) and OAuth 2.0 (an access
// token that is refreshed), one of them by configuration.
//
// Start at [Channel].
package x
