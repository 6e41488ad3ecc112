// Package email sends alerts as mail, one message for each recipient: through
// any submission server, or through a certified mailbox (PEC, RFC 6109).
//
// A mail is a plain text and a light HTML page with the alert's map, signed
// with DKIM, with a one-click unsubscribe that needs no stored token. Delivery
// and failure notices that come back to a mailbox (DSN, RFC 3464; the receipts
// of PEC) become reports, and STOP becomes a reply, both only after they were
// proven to belong to a mail of ours.
//
// It must not know queues, retries, recipients' records or Redis.
//
// Start at [New]; then render.go and mail.go (what is sent), submit.go and
// verdict.go (how, and what each answer decides), seal.go (ids and tokens),
// mailbox.go and notice.go (what comes back).
package email
