// Package channels is how we say it: the contract between the broadcast and
// the platforms, and the text fitting that all of them share.
//
// One folder below is one platform. It renders an alert into that platform's
// own form (pure, previewed and approved before anything is queued) and sends
// one message to one recipient or one public place. It knows nothing of
// queues, retries, windows or Redis; its error is a decision that the
// broadcast carries out: see [Permanent], [RetryAfter], [Unauthorized] and
// [Uncertain].
//
// Start at [Channel] and [Message]; channeltest holds the contract as tests.
package channels
