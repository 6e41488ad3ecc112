// Package broadcasttest is what every store must do: the contracts of
// alerts.Store, alerts.Keys and the interfaces of package broadcast, as suites
// that any implementation runs ([TestStore], [TestLog], [TestQueue],
// [TestPeople], [TestKeys], [TestCallouts]), the [Checker] that compares what
// clients were promised with what a store has, and [Callouts], a store of calls
// to volunteers for tests of those who use one.
//
// It must not know any implementation. Start at [Open].
package broadcasttest
