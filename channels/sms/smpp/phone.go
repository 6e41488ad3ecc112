package smpp

import (
	"errors"
	"strings"

	"martinella/channels/sms"
)

// Types of number and numbering plans (SMPP 3.4 sections 5.2.5 and 5.2.6).
const (
	tonUnknown       byte = 0
	tonInternational byte = 1
	tonNetwork       byte = 3
	tonAlphanumeric  byte = 5
	npiUnknown       byte = 0
	npiISDN          byte = 1 // E.163, E.164
)

var errNotANumber = errors.New("the recipient has no phone number in international form")

// recipient turns an E.164 number into an address.
func recipient(to string) (address, error) {
	if !sms.IsE164(to) {
		return address{}, errNotANumber
	}
	return address{tonInternational, npiISDN, strings.TrimPrefix(to, "+")}, nil
}

// senderAddress is an alias, or a number written with or without its plus.
func senderAddress(s string) address {
	if sms.IsNumber(s) {
		return address{tonInternational, npiISDN, strings.TrimPrefix(s, "+")}
	}
	return address{tonAlphanumeric, npiUnknown, s}
}

// number writes an address as a person would; the reverse of recipient.
func (a address) number() string {
	if a.ton == tonInternational && sms.AllDigits(a.digits) && a.digits != "" {
		return "+" + a.digits
	}
	return a.digits
}
