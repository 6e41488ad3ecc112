// Package facebook posts to a Facebook Page through the Graph API
// (developers.facebook.com/docs/pages-api).
//
// One post a language. A picture is uploaded first, unpublished, and the post
// takes it along: so there is one post, whose words can be changed later, and a
// lost answer of the upload harms nobody. The platform knows no idempotency
// key: when an answer is lost, [Channel.Find] looks through the page's own posts.
// What an answer means is told by the code in its JSON, not by its status.
//
// The token travels in a header. Two calls have secrets in their address because
// they are documented in no other way: debug_token and the exchange of a token
// in [Connect]; no error ever holds an address.
//
// Start at [Channel]; the table of codes is in refusal.go.
package facebook
