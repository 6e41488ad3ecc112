// Package sms writes an alert for the screen of a phone: how it is fitted into
// the parts that a contract allows, spelled so that it needs few of them, and
// what that costs in money and time. The ways to an SMS (smpp, httpsms) and the
// console, which shows the author all of this before the alert leaves, share
// it.
//
// The alphabet and the cutting into parts are in package channels (gsm7.go).
// It must not know providers, protocols, recipients or configuration files.
//
// Start at [Text]; [Text.Estimates] is what an author is shown.
package sms
