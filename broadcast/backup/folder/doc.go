// Package folder keeps backups in a directory: of another disk, or of another
// machine that is mounted here.
//
// Start: Folder.Put.
package folder
