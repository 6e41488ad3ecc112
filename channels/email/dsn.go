package email

import (
	"bufio"
	"bytes"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"martinella/channels"
)

// enhanced is a status of RFC 3463, with words behind it at most.
var enhanced = regexp.MustCompile(`^([245])\.(\d{1,3})\.(\d{1,3})\b`)

// statuses reads a delivery status notification (RFC 3464). Each of our mails
// has one recipient, so its fields speak of that one. The action decides: a
// status of 4.4.7 with "failed" means that the server gives up.
func (c *Channel) statuses(header textproto.MIMEHeader, parts []part, at time.Time) []channels.DeliveryReport {
	id, ok := c.addressed(header)
	if !ok {
		id, ok = c.returned(parts)
	}
	if !ok {
		return nil
	}
	worst := channels.DeliveryReport{}
	for _, p := range parts {
		if p.media != "message/delivery-status" && p.media != "message/global-delivery-status" {
			continue
		}
		for _, block := range blocks(p.body) {
			state, code := statusOf(block)
			if state != "" && weight(state) > weight(worst.State) {
				worst = channels.DeliveryReport{MessageID: id, State: state, Code: code, At: at}
			}
		}
	}
	if worst.State == "" {
		return nil
	}
	return []channels.DeliveryReport{worst}
}

func weight(s channels.ReportState) int {
	switch s {
	case channels.ReportFailed:
		return 3
	case channels.ReportDelivered:
		return 2
	case channels.ReportEnroute:
		return 1
	}
	return 0
}

// blocks parts the groups of fields, which blank lines separate.
func blocks(body []byte) []textproto.MIMEHeader {
	const most = 20
	var out []textproto.MIMEHeader
	body = append(bytes.TrimLeft(body, "\r\n"), "\r\n\r\n"...)
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(body)))
	for len(out) < most {
		h, err := r.ReadMIMEHeader()
		if len(h) > 0 {
			out = append(out, h)
		}
		if err != nil {
			return out
		}
		if len(h) == 0 {
			if _, err := r.R.Peek(1); err != nil {
				return out
			}
		}
	}
	return out
}

// statusOf reads the fields of one recipient; "" for those of the message.
func statusOf(block textproto.MIMEHeader) (channels.ReportState, string) {
	code := enhanced.FindString(strings.TrimSpace(block.Get("Status")))
	action := strings.ToLower(strings.TrimSpace(block.Get("Action")))
	if at := strings.IndexAny(action, " \t("); at > 0 {
		action = action[:at]
	}
	if action == "" && code == "" {
		return "", ""
	}
	if code == "" {
		code = action
	}
	switch action {
	case "failed":
		return channels.ReportFailed, code
	case "delivered":
		return channels.ReportDelivered, code
	case "delayed", "relayed", "expanded":
		return channels.ReportEnroute, code
	}
	switch code[0] {
	case '5':
		return channels.ReportFailed, code
	case '2', '4':
		return channels.ReportEnroute, code
	}
	return "", ""
}
