// Package sftp keeps backups on a machine that is reached by SSH: a NAS, another
// office's server. The machine must be the one whose key is in a file of known
// hosts; a new key is never taken over in silence.
//
// Start: SFTP.Put.
package sftp
