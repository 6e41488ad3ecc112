package email

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"time"

	"martinella/channels"
)

// The receipts of a certified mailbox (RFC 6109; the technical rules
// of the Ministerial Decree of 2 November 2005), by X-Ricevuta.
var receipts = map[string]channels.ReportState{
	"accettazione":              channels.ReportEnroute, // our provider has it; from now on it is its
	"presa-in-carico":           channels.ReportEnroute, // the recipient's provider has it
	"avvenuta-consegna":         channels.ReportDelivered,
	"preavviso-errore-consegna": channels.ReportEnroute, // twelve hours without a word
	"non-accettazione":          channels.ReportFailed,
	"errore-consegna":           channels.ReportFailed,
	"rilevazione-virus":         channels.ReportFailed,
}

// daticert is the part of a receipt for programs (RFC 6109).
type daticert struct {
	XMLName xml.Name `xml:"postacert"`
	Type    string   `xml:"tipo,attr"`
	Fault   string   `xml:"errore,attr"`
	Data    struct {
		Date struct {
			Zone string `xml:"zona,attr"`
			Day  string `xml:"giorno"`
			Time string `xml:"ora"`
		} `xml:"data"`
		MessageID string `xml:"msgid"`
	} `xml:"dati"`
}

const maxDaticert = 64 << 10

// certified reads a receipt: kind and Message-ID from the headers, else from
// daticert.xml. Where the two name different kinds nothing is believed. The
// provider's signature is not checked: the id proves that our mail is meant.
func (c *Channel) certified(header textproto.MIMEHeader, parts []part, at time.Time) []channels.DeliveryReport {
	kind := strings.ToLower(strings.TrimSpace(header.Get("X-Ricevuta")))
	id, ok := c.idIn(header.Get("X-Riferimento-Message-Id"))
	data, found := certificate(parts)
	if found {
		if !strings.EqualFold(data.Type, kind) {
			return nil
		}
		if !ok {
			id, ok = c.idIn(data.Data.MessageID)
		}
		if told, valid := data.at(); valid && !told.After(at) {
			at = told
		}
	}
	state, known := receipts[kind]
	if !ok || !known {
		return nil
	}
	code := kind
	if fault := strings.ToLower(data.Fault); state == channels.ReportFailed && faults[fault] {
		code += " " + fault
	}
	return []channels.DeliveryReport{{MessageID: id, State: state, Code: code, At: at}}
}

// faults are the values of errore that say more than the kind.
var faults = map[string]bool{"no-dest": true, "no-dominio": true, "virus": true, "altro": true}

func certificate(parts []part) (data daticert, ok bool) {
	for _, p := range parts {
		if p.media != "application/xml" && p.media != "text/xml" || len(p.body) > maxDaticert {
			continue
		}
		d := xml.NewDecoder(bytes.NewReader(p.body))
		d.CharsetReader = plainCharset
		if d.Decode(&data) == nil {
			return data, true
		}
	}
	return daticert{}, false
}

// plainCharset reads the two encodings that providers use.
func plainCharset(charset string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "utf-8", "us-ascii":
		return in, nil
	case "iso-8859-1":
		b, err := io.ReadAll(in)
		runes := make([]rune, len(b))
		for i := range b {
			runes[i] = rune(b[i])
		}
		return strings.NewReader(string(runes)), err
	}
	return nil, fmt.Errorf("charset %q", charset)
}

// at is when the receipt's event was.
func (d *daticert) at() (time.Time, bool) {
	t, err := time.Parse("02/01/2006 15:04:05 -0700", strings.TrimSpace(d.Data.Date.Day)+" "+strings.TrimSpace(d.Data.Date.Time)+" "+strings.TrimSpace(d.Data.Date.Zone))
	return t, err == nil
}
