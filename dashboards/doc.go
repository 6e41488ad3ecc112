// Package dashboards is every door to the outside: who watches and who asks.
// The API by which alerts come in and are decided upon, the public pages and
// feeds, the hooks of platforms, and the administration port.
//
// It proves identity (API keys, signatures) and hands an alerts.Person to the
// desk; what that person may do is decided in alerts and nowhere here. It
// reads pages from the board, a projection in memory, so that a citizen never
// waits for the store. It must not know Redis, WebSockets or any platform:
// those come in as interfaces and handlers through [Config].
//
// Start at routes.go, which lists every path with who may call it; then
// server.go; then the file that bears the name of what you look for.
package dashboards
