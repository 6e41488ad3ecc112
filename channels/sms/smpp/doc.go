// Package smpp sends SMS to an operator's SMSC over SMPP 3.4, with its own PDU
// codec and session layer.
//
// A [Channel] keeps the binds of one contract: transceivers, or pairs of a
// transmitter and a receiver. Every part of a text is a request with its own
// sequence number; a full window waits; a connection that breaks tells for each
// part whether it may have arrived or surely has not. Delivery receipts and
// citizens' messages are confirmed to the SMSC only after the broadcast has
// stored them.
//
// It must not know queues, retries, recipients' records or Redis. Texts and
// what they cost come from package sms, GSM-7 and UCS-2 from package channels.
//
// Start at [New], then send.go (one message), binds.go (which session),
// session.go (the wire) and status.go (what each answer decides).
package smpp
