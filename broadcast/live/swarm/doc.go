// Package swarm is thousands of WebSocket subscribers in one process, to
// measure what a live feed does to them, and the floor to measure it against.
//
// [Open] connects the clients over raw sockets that one or two epoll loops read
// into one buffer, so that the clients take little of the processors which they
// share with the server. Every client proves order: what is lost, doubled or
// out of order is counted exactly ([Report]), and when each message had come to
// what share of the clients is told on the clock that all processes share
// ([Now]). [ServeFloor] is a server that does nothing but write one ready frame
// to every socket: no fan-out can do with fewer system calls.
//
// It knows neither the live feed's code nor what a message says: a [Check]
// finds the place of a message in the order. It works on Linux only; elsewhere
// [Open] and [ServeFloor] give [ErrUnsupported]. Start at [Open], then loop.go
// (one epoll loop), ledger.go (order and times) and floor.go.
package swarm
