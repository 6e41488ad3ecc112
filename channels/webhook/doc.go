// Package webhook tells other people's programs of an alert: a signed POST by
// the Standard Webhooks specification 1.0 (standardwebhooks.com), with the
// alert in CAP's JSON form.
//
// The webhook-id is the same over all attempts, so receivers can drop what they
// have; the timestamp and the signature are fresh each time. The secret's file
// holds one secret a line: all of them sign, which is how one is replaced
// without a gap.
//
// Start at [Channel].
package webhook
