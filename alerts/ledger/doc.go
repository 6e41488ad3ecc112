// Package ledger makes the acts of an authority evident: what was written
// cannot be changed, removed, moved or cut off without anybody seeing it.
//
// The acts are the leaves of a Merkle tree (RFC 6962 section 2.1). Its root is
// signed from time to time, as a checkpoint that any reader of signed notes
// understands (c2sp.org/tlog-checkpoint): whoever keeps one can prove later
// what was there. An export holds the acts, each signed with its number, and a
// head; it is verified without the gateway that wrote it.
//
// It knows bytes and hashes. Where acts are kept, who may read them and what
// is in them is not its business.
//
// Start at [Verify] and [Write]; [Tree] is behind both.
package ledger
