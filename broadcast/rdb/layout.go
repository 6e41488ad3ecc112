//go:build !schemanext

package rdb

// Schema is the layout of keys that this program writes. It reads that one and
// the one before.
const Schema = 1

// steps go forward only, one layout each, from layout 1 on, in order.
var steps = []step{}
