package webpush

import (
	"testing"

	"martinella/channels"
)

func TestStrangersCannotPointIntoPrivateNetworks(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"https://fcm.googleapis.com/fcm/send/abc": true,
		"https://93.184.216.34/x":                 true,
		"https://10.0.0.1/x":                      false,
		"https://127.0.0.1/x":                     false,
		"https://[::1]/x":                         false,
		"https://[::ffff:10.0.0.1]/x":             false,
		"https://169.254.169.254/latest":          false,
		"http://localhost/x":                      false,
	} {
		if err := (&Channel{}).Admit(channels.PushAddress{Endpoint: endpoint}); (err == nil) != want {
			t.Errorf("%s: %v", endpoint, err)
		}
		if err := (&Channel{config: Config{AllowPrivate: true}}).Admit(channels.PushAddress{Endpoint: endpoint}); err != nil {
			t.Errorf("%s with allow_private: %v", endpoint, err)
		}
	}
}
