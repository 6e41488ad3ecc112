// Package httpsms sends SMS through providers with an HTTP interface: Twilio,
// Skebby, and any other that the configuration describes (package provider).
//
// A channel has one provider or several in their order. A number is served by
// the first whose prefixes fit; where that one surely did not take the message,
// by the next; never by another after an answer that was lost. Ids carry the
// provider's name, so that receipts of two providers are never taken for one
// another.
//
// None of these services was tried for real: see dashboards/guide/sms.md.
//
// It must not know queues, retries, recipients' records or Redis. Texts come
// from package sms.
//
// Start at [New], then send.go (one message over the providers), then
// twilio.go, skebby.go and generic.go (what each is asked).
package httpsms
