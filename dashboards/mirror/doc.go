// Package mirror keeps copies of the public pages on other hosts: plain files
// that any web server can give out when the gateway itself cannot.
//
// An [Edition] is what a copy holds at one moment; who makes editions is a
// [Source]. A [Target] takes them: [Folder] writes them into a directory, one
// whole file after the other, and [Host] puts them to a web server. [Keeper]
// brings every change of the pages to all targets, each at its own pace.
//
// Start: read Folder.Take in folder.go for what a copy promises, then Keeper.Run
// in keeper.go for when it is renewed.
package mirror
