// Package pressroom posts to a chat where a newsroom or the office reads, over
// an incoming webhook: Slack, Mattermost, Discord, or any other that takes JSON
// of a shape that the configuration gives.
//
// The address of the hook is the credential, so it stands in a file and in no
// error. Words of senders are made harmless for each chat: they ping nobody and
// format nothing. Only Discord gives the id of what it took: [Discord] changes
// and takes back its posts, [Hook] posts and no more. None of them can be asked
// for a message whose answer was lost.
//
// Start at [New].
package pressroom
