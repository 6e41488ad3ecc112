package broadcast

import "time"

// How long the store keeps what passes. Records of alerts and acts are kept for
// good (RELIABILITY 3).
const (
	// KeepDeliveries is how long after the end of an alert the state of single
	// recipients and the ids of platforms are kept.
	KeepDeliveries = 90 * 24 * time.Hour
	// KeepLog is how far the log of published changes reaches back at least
	// (DECISIONS 20).
	KeepLog = 30 * 24 * time.Hour
)
