// Package broadcast is who carries it: it renders what was approved, publishes
// it, and brings every message to its end, with records that can be trusted.
//
// [Planner] renders and publishes (alerts.Publisher). [Dispatcher] runs one
// channel: it plans jobs from the log, sends them in windows and settles every
// recipient. [Board] is the projection that pages read: all records at start,
// then the log. The store is behind [Log], [Queue], [Publisher], [People] and
// [Work]; broadcast/rdb implements them on Redis and is the only package that
// speaks it; broadcast/live is the only one that speaks WebSocket.
//
// It knows no platform and no page. Start at [Publication], the one write that
// makes an alert public, then [Queue].
package broadcast
