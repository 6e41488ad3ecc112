package broadcast

import (
	"time"

	"martinella/alerts"
)

// Filled are the values of the placeholders that a record's messages have for
// everybody ([channels.Placeholders]): the time of its publication, in the zone
// of its author, and its code.
func Filled(r *alerts.Record) map[string]string {
	return map[string]string{
		"{sent}": alerts.FormatTime(r.Published.In(r.Alert.Sent.Location()).Truncate(time.Second)),
		"{code}": alerts.CodeOf(r.ID),
	}
}
