// Package mastodon posts to an account on a server with the Mastodon API
// (docs.joinmastodon.org; also GoToSocial, Pleroma, Akkoma).
//
// One post a language, as long as the server takes it. A later revision answers
// the earlier post, so that an event is one thread. The server's idempotency is
// not to be relied on: when an answer is lost, [Channel.Find] looks through the
// account's own posts.
//
// Start at [Channel].
package mastodon
