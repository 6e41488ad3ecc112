// Package settings is what staff set in the console, over the configuration of
// the nodes: the registers of telephone numbers, links, hashtags and official
// accounts, the identity of the pages, and templates of their own. It is kept in
// [broadcast.Papers], so that all nodes have the same, each change with who and
// when, and the earlier ones behind it.
//
// Start at Book. One holds what is set now. Reading it never blocks; [Book.Run] follows
// the changes of other nodes.
package settings
