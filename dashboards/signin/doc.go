// Package signin knows the members of staff: how they are invited, how they
// prove who they are (a passkey, or a password with a code of their
// authenticator program, or a printed recovery code), their sessions, and the
// fresh proof that a grave act asks for. A member is an alerts.Person like an
// API key, so that package alerts alone decides what they may do.
//
// It must not know HTTP, pages, cookies, or which store keeps its documents
// (broadcast.Staff). Every secret is stored as a digest or sealed.
//
// Start at Office, then member.go and session.go.
package signin
