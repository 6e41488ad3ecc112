// Package s3 keeps backups in a store that speaks Amazon's S3: AWS, MinIO, Ceph,
// or a provider's. It makes five requests with signatures of its own (AWS
// Signature Version 4) over net/http: the client library of MinIO would bring
// fourteen more modules for the same.
//
// A file is uploaded in parts and is there only once the last request of it, which
// names all parts, was answered: what a dead program left has no name.
//
// Start: S3.Put.
package s3
