// Package cap is the Common Alerting Protocol on the wire: it turns XML and
// JSON into an [alerts.Alert] and back, and tells everything that is wrong.
//
// Whatever strangers send meets the guard first ([Limits]), then one walk that
// checks the namespace of every element, then the rules. Reading is lenient
// where real authorities are sloppy (and says so, as warnings); writing is
// strict and always gives the same bytes for the same alert, so that [Digest]
// can decide whether two messages are the same.
//
// It must not know who may send what, where alerts are kept, or the network:
// it never follows a link. Start at [Parse] and [Write]; then [Check], which
// is `martinella check`; [ReadContainer] for feeds; [Verifier] for signatures.
package cap
