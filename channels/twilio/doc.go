// Package twilio holds what everything that speaks to Twilio needs: how its
// requests to us are proved, and what its error codes mean. The adapters for
// calls and messages are their own packages.
//
// It must not know calls, messages or queues.
//
// Start at [Verify] and [Judge].
package twilio
