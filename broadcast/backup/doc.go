// Package backup keeps encrypted copies of everything that a gateway has in
// other places, and reads them back: Redis at one moment, the configuration and
// the files that it names. The key file is not among them: it opens them, and
// is kept on paper (package paper).
//
// A backup is one file: a tar, compressed, encrypted with age for a key that
// comes from the key file. [Write] makes one as a stream, [Read] takes one
// apart, a [Place] keeps them, [Keep] says which are old, and [Keeper] makes one
// every hour, reads it back, and says how old the last good one is. It must not
// know how Redis copies itself ([Source], [Prover]) nor how a place is reached.
//
// Start: read manifest.go for what a file holds, then write.go and keeper.go.
package backup
