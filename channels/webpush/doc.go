// Package webpush reaches browsers that asked for it, also while they are
// closed: Web Push (RFC 8030), encrypted for the one browser (RFC 8291) and
// signed with the authority's VAPID key (RFC 8292).
//
// The topic is the event: what waits at a push service is replaced by the next
// revision, so a message may always be sent again. What arrives is [Payload],
// for a small service worker; the worker itself belongs to the page.
//
// Endpoints are addresses that strangers give: [channels.DialPublic] lets a connection go to
// public addresses only, and what a push service that nobody knows answers is
// never taken as said of the channel.
//
// It knows nothing of who the people are. Start at [Channel].
package webpush
