// Package voice calls people and says the alert: for the many who have no other
// way, on mobiles and landlines. A provider with an HTTP interface makes the
// calls: Twilio, or one that the configuration describes.
//
// What is said is made for the ear: no link, times and abbreviations spelled
// out, everything twice, an exercise named first and last. Who presses 1 has
// heard it, and only that counts as delivered; who answers and presses nothing,
// or a machine that answers, does not. Who is busy or not there is called again
// some minutes later, by the broadcast.
//
// It must not know queues, retries, recipients' records or Redis.
//
// Start at [Channel], then speech.go and spell.go (what is said), twilio.go and
// generic.go (who says it).
package voice
