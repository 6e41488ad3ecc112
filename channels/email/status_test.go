package email

import (
	"net/textproto"
	"testing"

	"martinella/channels"
)

// The action decides, whatever the status says.
func TestActionBeforeStatus(t *testing.T) {
	for action, want := range map[string]channels.ReportState{
		"delayed": channels.ReportEnroute, "relayed": channels.ReportEnroute, "Failed": channels.ReportFailed, "delivered (to a mailbox)": channels.ReportDelivered, "": channels.ReportFailed,
	} {
		if got, _ := statusOf(textproto.MIMEHeader{"Action": {action}, "Status": {"5.4.7"}}); got != want {
			t.Errorf("action %q with status 5.4.7: got %q, want %q", action, got, want)
		}
	}
}
