// Package live is the fan-out to people who have a page open and to programs
// that listen: WebSocket (/live) and server-sent events (/events). It is the
// only package that speaks gorilla/websocket.
//
// [Hub] is given every published change by the node's one tail ([Hub.Publish])
// and hands it to all clients in log order: first hello, then what the client
// missed since its cursor, then what comes, without a gap and without a double.
// Nobody waits for a slow client: its backlog is bounded, and when it is full
// the client is closed and may come back with its cursor.
//
// It knows no page, no store and no channel: what a message says is built by
// the functions in [Config], history comes from broadcast.Log, and what may be
// shown to the public is decided by alerts.MayLeave. Start at [Hub.Publish],
// then join.go (past and present), then socket.go and events.go.
package live
