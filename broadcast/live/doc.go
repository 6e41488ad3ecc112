// Package live is the fan-out to people who have a page open and to programs
// that listen: WebSocket (/live) and server-sent events (/events). It is the
// only package that speaks gorilla/websocket.
//
// [Hub] is given every published change by the node's one tail ([Hub.Publish])
// and hands it to all clients in log order: first hello, then what the client
// missed since its cursor, then what comes, without a gap and without a double.
// As many shards as there are processors write one ready frame to each socket
// of their clients and wait for none: what a socket does not take at once is
// that client's backlog, which is bounded; when it is full the client is closed
// and may come back with its cursor.
//
// It knows no page, no store and no channel: what a message says is built by
// the functions in [Config], history comes from broadcast.Log, and what may be
// shown to the public is decided by alerts.MayLeave. Start at [Hub.Publish],
// then shard.go (who gets it), client.go and line.go (how it is written),
// join.go (past and present), and one file for each kind of connection:
// epoll_linux.go, line_conn.go, events.go.
package live
