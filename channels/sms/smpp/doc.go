// Package smpp sends SMS to an operator's SMSC over SMPP 3.4, with its own PDU
// codec and session layer.
//
// A [Channel] keeps one transceiver bind. Every part of a text is a request
// with its own sequence number; a full window waits; a connection that breaks
// tells for each part whether it may have arrived or surely has not. Delivery
// receipts and citizens' messages are confirmed to the SMSC only after the
// broadcast has stored them.
//
// It must not know queues, retries, recipients' records or Redis. Texts, GSM-7
// and UCS-2 come from package channels.
//
// Start at [New], then send.go (one message), session.go (the wire) and
// status.go (what each answer decides).
package smpp
