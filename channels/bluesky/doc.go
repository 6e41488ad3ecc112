// Package bluesky posts to an account on a server of the AT Protocol
// (atproto.com, docs.bsky.app): bsky.social, or one that somebody runs himself.
//
// One post a language, within 300 characters as people count them. A later
// revision answers the earlier post, so that an event is one thread: readers of
// Bluesky never see an edit. The name of a post's record is made of our key, so
// a post may be written again and stays one.
//
// It knows nothing of queues, retries and who may post. The session is kept in
// memory and begun by the first call that needs one.
//
// Start at [Channel]; the session is in session.go.
package bluesky
