// Package broadcasttest is what every store must do: the contracts of
// alerts.Store, alerts.Keys and the interfaces of package broadcast, as suites
// that any implementation runs ([TestStore], [TestLog], [TestQueue],
// [TestPeople], [TestKeys]), and the [Checker] that compares what clients were
// promised with what a store has.
//
// It must not know any implementation. Start at [Open].
package broadcasttest
