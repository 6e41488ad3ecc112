package smpp

import "fmt"

// address is an SME address with its type of number and numbering plan (5.2.5
// and 5.2.6).
type address struct {
	ton, npi byte
	digits   string // or letters, for an alias
}

func (a address) append(b []byte) ([]byte, error) {
	return appendText(append(b, a.ton, a.npi), a.digits)
}

// bindRequest is the body of the three binds (4.1).
type bindRequest struct {
	systemID, password, systemType string
	version, ton, npi              byte
	addressRange                   string
}

func (r *bindRequest) append(b []byte) ([]byte, error) {
	b, err := appendText(b, r.systemID, r.password, r.systemType)
	if err != nil {
		return b, err
	}
	return appendText(append(b, r.version, r.ton, r.npi), r.addressRange)
}

func (r *bindRequest) parse(f *fields) {
	r.systemID, r.password, r.systemType = f.text(), f.text(), f.text()
	r.version, r.ton, r.npi = f.octet(), f.octet(), f.octet()
	r.addressRange = f.text()
}

// bindAnswer is the body of the binds' responses. Its optional parameters are
// not read: we never need them, and a broken one must not cost the bind.
type bindAnswer struct{ systemID string }

func (a *bindAnswer) append(b []byte) ([]byte, error) { return appendText(b, a.systemID) }
func (a *bindAnswer) parse(f *fields)                 { a.systemID = f.lastText() }

// message is the body of submit_sm (4.4.1) and deliver_sm (4.6.1), which are
// alike.
type message struct {
	serviceType                string
	source, destination        address
	esmClass, protocolID       byte
	priority                   byte
	schedule, validity         string
	registered, replace        byte
	dataCoding, defaultMessage byte
	text                       []byte // short_message, with its user data header if esm_class says so
	tlvs                       []tlv
}

// The bits of esm_class that we use (5.2.12).
const (
	esmUDH          byte = 0x40 // short_message starts with a user data header
	esmTypeMask     byte = 0x3C
	esmReceipt      byte = 0x04 // SMSC delivery receipt
	esmIntermediate byte = 0x20 // intermediate delivery notification
)

func (m *message) append(b []byte) ([]byte, error) {
	if len(m.text) > maxShortMessage {
		return b, fmt.Errorf("short_message of %d octets", len(m.text))
	}
	b, err := appendText(b, m.serviceType)
	if err == nil {
		b, err = m.source.append(b)
	}
	if err == nil {
		b, err = m.destination.append(b)
	}
	if err == nil {
		b, err = appendText(append(b, m.esmClass, m.protocolID, m.priority), m.schedule, m.validity)
	}
	if err != nil {
		return b, err
	}
	b = append(b, m.registered, m.replace, m.dataCoding, m.defaultMessage, byte(len(m.text)))
	return appendTLVs(append(b, m.text...), m.tlvs)
}

func (m *message) parse(f *fields) {
	m.serviceType = f.text()
	m.source, m.destination = f.address(), f.address()
	m.esmClass, m.protocolID, m.priority = f.octet(), f.octet(), f.octet()
	m.schedule, m.validity = f.text(), f.text()
	m.registered, m.replace, m.dataCoding, m.defaultMessage = f.octet(), f.octet(), f.octet(), f.octet()
	size := int(f.octet())
	if size > maxShortMessage {
		f.fail(statusInvalidMessageLength, "sm_length 255 is reserved")
	}
	m.text = f.octets(size)
	m.tlvs = f.tlvs()
}

// content is the user data, wherever the SMSC put it: short_message or the
// message_payload parameter (5.3.2.32).
func (m *message) content() []byte {
	if len(m.text) == 0 {
		if payload, has := find(m.tlvs, tagPayload); has {
			return payload
		}
	}
	return m.text
}

// messageAnswer is the body of submit_sm_resp and deliver_sm_resp. What follows
// the id is not read, for the same reason as in bindAnswer.
type messageAnswer struct{ id string }

func (a *messageAnswer) append(b []byte) ([]byte, error) { return appendText(b, a.id) }
func (a *messageAnswer) parse(f *fields)                 { a.id = f.lastText() }

// query is the body of query_sm (4.8.1).
type query struct {
	id     string
	source address
}

func (q *query) append(b []byte) ([]byte, error) {
	b, err := appendText(b, q.id)
	if err != nil {
		return b, err
	}
	return q.source.append(b)
}

func (q *query) parse(f *fields) { q.id, q.source = f.text(), f.address() }

// queryAnswer is the body of query_sm_resp (4.8.2).
type queryAnswer struct {
	id, finalDate    string
	state, errorCode byte
}

func (a *queryAnswer) append(b []byte) ([]byte, error) {
	b, err := appendText(b, a.id, a.finalDate)
	return append(b, a.state, a.errorCode), err
}

func (a *queryAnswer) parse(f *fields) {
	a.id, a.finalDate = f.text(), f.text()
	a.state, a.errorCode = f.octet(), f.octet()
}

// cancel is the body of cancel_sm (4.9.1).
type cancel struct {
	serviceType, id     string
	source, destination address
}

func (c *cancel) append(b []byte) ([]byte, error) {
	b, err := appendText(b, c.serviceType, c.id)
	if err == nil {
		b, err = c.source.append(b)
	}
	if err == nil {
		b, err = c.destination.append(b)
	}
	return b, err
}

func (c *cancel) parse(f *fields) {
	c.serviceType, c.id = f.text(), f.text()
	c.source, c.destination = f.address(), f.address()
}
