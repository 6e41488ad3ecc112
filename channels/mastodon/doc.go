// Package mastodon posts to an account on a server with the Mastodon API
// (docs.joinmastodon.org; also GoToSocial, Pleroma, Akkoma).
//
// One post a language, as long as the server takes it, with a picture where it
// takes one. A later revision answers the earlier post, so that an event is one
// thread; a correction changes it in place, which readers see. The server's
// idempotency is not to be relied on: when an answer is lost, [Channel.Find]
// looks through the account's own posts. [Connect] gets the token.
//
// Start at [Channel].
package mastodon
