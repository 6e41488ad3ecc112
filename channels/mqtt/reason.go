package mqtt

import (
	"fmt"
	"time"

	"martinella/channels"
)

// reason is a reason code (MQTT 5, section 2.4). Below 128 it is a yes.
type reason byte

// The codes that this package names.
const (
	success             reason = 0
	noSubscribers       reason = 16 // accepted, and nobody listens
	badUserOrPassword   reason = 134
	notAuthorized       reason = 135
	topicNameInvalid    reason = 144
	packetTooLarge      reason = 149
	quotaExceeded       reason = 151
	payloadInvalid      reason = 153
	retainNotSupported  reason = 154
	qosNotSupported     reason = 155
	clientIDNotValid    reason = 133
	versionNotSupported reason = 132
)

var reasonWords = map[reason]string{ //nolint:gosec // words, no passwords
	128: "unspecified error", 129: "malformed packet", 130: "protocol error", 131: "implementation specific error", versionNotSupported: "protocol version not supported",
	clientIDNotValid: "client id not valid", badUserOrPassword: "bad user name or password", notAuthorized: "not authorized", 136: "server unavailable", 137: "server busy",
	138: "banned", 139: "server shutting down", 140: "bad authentication method", 141: "keep alive timeout", 142: "session taken over", 143: "topic filter invalid",
	topicNameInvalid: "topic name invalid", 145: "packet identifier in use", 147: "receive maximum exceeded", packetTooLarge: "packet too large", 150: "message rate too high",
	quotaExceeded: "quota exceeded", 152: "administrative action", payloadInvalid: "payload format invalid", retainNotSupported: "retain not supported",
	qosNotSupported: "QoS not supported", 156: "use another server", 157: "server moved", 159: "connection rate exceeded", 160: "maximum connect time",
}

// quotaWait is how long a broker that is full is left alone; it never says.
const quotaWait = 10 * time.Second

// verdict judges a code: 0 and 16 nil. What the broker refused it has not taken.
// who says what refused: "the broker's answer to CONNECT". words are the
// broker's own.
func (r reason) verdict(who, words string) error {
	if r < 128 {
		return nil
	}
	code := fmt.Sprintf("%d", byte(r))
	if name := reasonWords[r]; name != "" {
		code += " (" + name + ")"
	}
	err := channels.Refused(who, code, words)
	switch r {
	case badUserOrPassword, notAuthorized, 138, 140, clientIDNotValid, versionNotSupported:
		return channels.Unauthorized(err)
	case topicNameInvalid, packetTooLarge, payloadInvalid, retainNotSupported, qosNotSupported, 129, 130:
		return channels.Permanent(err)
	case quotaExceeded, 137, 147, 150, 159:
		return channels.RetryAfter(err, quotaWait)
	}
	return err
}
