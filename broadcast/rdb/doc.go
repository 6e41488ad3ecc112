// Package rdb keeps everything in Redis, and is the only package that speaks
// it: records and acts (alerts.Store), API keys (alerts.Keys), the log, the
// queues of channels, deliveries and subscribers (the interfaces of package
// broadcast).
//
// What must happen together happens in one Lua script (scripts/*.lua); each
// says in its header which keys it touches, and keys.go is the only place that
// names keys. An answer without an error means that Redis has it as durably as
// [Redis.Durability] says.
//
// It must not know what an alert means, how a channel sends, or who asks.
// Start at [Open], then store.go, publish.go and queue.go.
package rdb
