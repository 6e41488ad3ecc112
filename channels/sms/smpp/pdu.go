package smpp

import (
	"encoding/binary"
	"fmt"
)

// The wire format of SMPP 3.4 (Short Message Peer to Peer Protocol
// Specification v3.4, issue 1.2): a header of four 32-bit words, then fields in
// a fixed order, then optional parameters. Section numbers are of that text.

const (
	headerSize = 16
	// maxPDU bounds what is read. The largest legal PDU carries a
	// message_payload of 64 KiB; nothing that we exchange comes near.
	maxPDU = 64 << 10
	// maxShortMessage is the most octets of short_message (5.2.21, 5.2.22).
	maxShortMessage = 254
	version34       = 0x34 // interface_version (5.2.4)
)

// command is a command_id (5.1.2.1).
type command uint32

const (
	genericNack     command = 0x80000000
	bindReceiver    command = 0x00000001
	bindTransmitter command = 0x00000002
	querySM         command = 0x00000003
	submitSM        command = 0x00000004
	deliverSM       command = 0x00000005
	unbind          command = 0x00000006
	cancelSM        command = 0x00000008
	bindTransceiver command = 0x00000009
	enquireLink     command = 0x00000015
	alertNotify     command = 0x00000102 // alert_notification, which nobody answers (4.12.1)

	responseBit command = 0x80000000
)

var commandNames = map[command]string{
	bindReceiver: "bind_receiver", bindTransmitter: "bind_transmitter", bindTransceiver: "bind_transceiver",
	querySM: "query_sm", submitSM: "submit_sm", deliverSM: "deliver_sm", cancelSM: "cancel_sm",
	unbind: "unbind", enquireLink: "enquire_link",
}

func (c command) response() command { return c | responseBit }
func (c command) isResponse() bool  { return c&responseBit != 0 }

func (c command) String() string {
	if c == genericNack {
		return "generic_nack"
	}
	if name, known := commandNames[c&^responseBit]; known {
		if c.isResponse() {
			return name + "_resp"
		}
		return name
	}
	return fmt.Sprintf("command %#08x", uint32(c))
}

// newBody gives the empty body that a command carries; nil for those that are
// a header only. known is false for a command that we do not speak.
func (c command) newBody() (b body, known bool) {
	switch c {
	case bindReceiver, bindTransmitter, bindTransceiver:
		return new(bindRequest), true
	case bindReceiver | responseBit, bindTransmitter | responseBit, bindTransceiver | responseBit:
		return new(bindAnswer), true
	case submitSM, deliverSM:
		return new(message), true
	case submitSM | responseBit, deliverSM | responseBit:
		return new(messageAnswer), true
	case querySM:
		return new(query), true
	case querySM | responseBit:
		return new(queryAnswer), true
	case cancelSM:
		return new(cancel), true
	case genericNack, unbind, enquireLink, unbind | responseBit, enquireLink | responseBit, cancelSM | responseBit:
		return nil, true
	}
	return nil, false
}

// pdu is one protocol data unit.
type pdu struct {
	command command
	status  status
	seq     uint32
	body    body // nil: header only, as refusals may be
}

// body is what follows the header.
type body interface {
	append(b []byte) ([]byte, error)
	parse(f *fields)
}

// malformed is the error of a PDU that cannot be read. Its status is what the
// peer is told by generic_nack.
type malformed struct {
	status status
	what   string
}

func (m *malformed) Error() string { return "malformed pdu: " + m.what }

// appendPDU encodes p at the end of b. On an error b is returned unchanged.
func appendPDU(b []byte, p pdu) ([]byte, error) {
	start := len(b)
	out := append(b, make([]byte, headerSize)...) //nolint:gocritic // b itself is returned on an error
	if p.body != nil {
		var err error
		if out, err = p.body.append(out); err != nil {
			return b, fmt.Errorf("encode %s: %w", p.command, err)
		}
	}
	size := len(out) - start
	if size > maxPDU {
		return b, fmt.Errorf("encode %s: %d octets, more than %d", p.command, size, maxPDU)
	}
	head := out[start:]
	binary.BigEndian.PutUint32(head, uint32(size))
	binary.BigEndian.PutUint32(head[4:], uint32(p.command))
	binary.BigEndian.PutUint32(head[8:], uint32(p.status))
	putSequence(head, p.seq)
	return out, nil
}

// putSequence writes the sequence number into an encoded PDU.
func putSequence(frame []byte, seq uint32) { binary.BigEndian.PutUint32(frame[12:], seq) }

// decodePDU reads one whole PDU. Byte fields of the result alias b; strings are
// copies. The header is filled as far as it could be read also on an error,
// which is always a *malformed.
func decodePDU(b []byte) (pdu, error) {
	var p pdu
	if len(b) < headerSize {
		return p, &malformed{statusInvalidLength, "shorter than a header"}
	}
	p.command = command(binary.BigEndian.Uint32(b[4:]))
	p.status = status(binary.BigEndian.Uint32(b[8:]))
	p.seq = binary.BigEndian.Uint32(b[12:])
	if size := binary.BigEndian.Uint32(b); size != uint32(len(b)) || size > maxPDU {
		return p, &malformed{statusInvalidLength, fmt.Sprintf("command_length %d of %d octets", size, len(b))}
	}
	bd, known := p.command.newBody()
	if !known {
		return p, &malformed{statusInvalidCommand, p.command.String() + " is not spoken here"}
	}
	// A refusal may leave out its body (4.4.2 and practice), and so may the
	// answer to a deliver_sm, whose message_id is unused.
	if bd == nil || (p.command.isResponse() && len(b) == headerSize) {
		return p, nil
	}
	f := fields{rest: b[headerSize:]}
	bd.parse(&f)
	if f.err != nil {
		return p, f.err
	}
	p.body = bd
	return p, nil
}
