package smpp

import (
	"encoding/binary"
	"strconv"
	"strings"

	"martinella/channels"
)

// receipt is a delivery receipt as SMPP 3.4 appendix B describes it: a text
// that most SMSCs write alike, and optional parameters that say it better.
type receipt struct {
	id    string // from the text
	stat  string // DELIVRD, UNDELIV, ...
	err   string // the network's code
	tlvID string // receipted_message_id
	state byte   // message_state; 0: not given
}

const maxMessageID = 64 // octets of message_id without its NUL (5.2.23)

// readReceipt reads a receipt out of a deliver_sm. ok is false for what is no
// receipt: a citizen's message. The type bits decide; a receipted_message_id
// also makes one, since only the SMSC can add it. A text alone never does:
// anybody can write "stat:DELIVRD".
func readReceipt(m *message) (r receipt, ok bool) {
	kind := m.esmClass & esmTypeMask
	id, has := find(m.tlvs, tagReceiptedID)
	if kind != esmReceipt && kind != esmIntermediate && !(kind == 0 && has) {
		return receipt{}, false
	}
	r = parseReceipt(string(m.content()))
	if has {
		r.tlvID = cut(strings.TrimRight(string(id), "\x00"), maxMessageID)
	}
	if state, has := find(m.tlvs, tagMessageState); has && len(state) == 1 {
		r.state = state[0]
	}
	if code, has := find(m.tlvs, tagNetworkError); has && len(code) == 3 && r.err == "" {
		r.err = strconv.Itoa(int(binary.BigEndian.Uint16(code[1:])))
	}
	if kind == esmIntermediate && r.report() != channels.ReportEnroute {
		r.state, r.stat = stateEnroute, ""
	}
	return r, true
}

// parseReceipt reads "id:1001 sub:001 dlvrd:001 submit date:2611211930 done
// date:2611211930 stat:DELIVRD err:000 text:ALLERTA". Order and case are free,
// anything may be missing; nothing is read out of the text at its end, which
// is the sender's.
func parseReceipt(s string) receipt {
	var r receipt
	for s != "" {
		word, rest, _ := strings.Cut(s, " ")
		key, value, colon := strings.Cut(word, ":")
		if colon {
			if value == "" && !strings.EqualFold(key, "text") { // "id: 1001"
				value, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
			}
			switch strings.ToLower(key) {
			case "id":
				r.id = cut(value, maxMessageID)
			case "stat":
				r.stat = strings.ToUpper(plain(cut(value, 16)))
			case "err":
				r.err = plain(cut(value, 16))
			case "text":
				return r
			}
		}
		s = rest
	}
	return r
}

// The values of message_state (5.2.28).
const (
	stateEnroute       = 1
	stateDelivered     = 2
	stateExpired       = 3
	stateDeleted       = 4
	stateUndeliverable = 5
	stateAccepted      = 6
	stateUnknown       = 7
	stateRejected      = 8
)

var stateNames = map[byte]string{
	stateEnroute: "ENROUTE", stateDelivered: "DELIVRD", stateExpired: "EXPIRED", stateDeleted: "DELETED",
	stateUndeliverable: "UNDELIV", stateAccepted: "ACCEPTD", stateUnknown: "UNKNOWN", stateRejected: "REJECTD",
}

// name is the state in the text's words; the parameter wins.
func (r receipt) name() string {
	if name, known := stateNames[r.state]; known {
		return name
	}
	return r.stat
}

// report says what the receipt means. ACCEPTD is somebody else's promise and
// UNKNOWN is no knowledge: neither changes anything.
func (r receipt) report() channels.ReportState {
	switch r.name() {
	case "DELIVRD":
		return channels.ReportDelivered
	case "EXPIRED", "DELETED", "UNDELIV", "REJECTD":
		return channels.ReportFailed
	}
	return channels.ReportEnroute
}

// code is the state and the network's error, for the operator.
func (r receipt) code() string {
	if r.err == "" || strings.Trim(r.err, "0") == "" {
		return r.name()
	}
	return strings.TrimSpace(r.name() + " err:" + r.err)
}

// messageID is the id as the SMSC wrote it, the parameter first.
func (r receipt) messageID() string {
	if r.tlvID != "" {
		return r.tlvID
	}
	return r.id
}

func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return s
}

// plain keeps letters, digits and hyphens.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || (r >= '0' && r <= '9') || (r >= 'A' && r <= 'Z') || (r >= 'a' && r <= 'z') {
			return r
		}
		return -1
	}, s)
}
