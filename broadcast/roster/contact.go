package roster

import (
	"errors"
	"net/mail"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"martinella/channels"
)

// Errors of contacts. They do not repeat the contact.
var (
	ErrPhone   = errors.New("the phone number is not one that exists")
	ErrPremium = errors.New("the number is one that costs whoever calls it")
	ErrMangled = errors.New("the phone number was turned into a figure by the spreadsheet")
	ErrMail    = errors.New("the e-mail address cannot be read")
	ErrMobile  = errors.New("text messages do not reach this number")
	ErrPush    = errors.New("the push endpoint is not an https address with its keys")
)

// Phone gives a number in E.164. Without a country it is dialled in Italy.
func Phone(s string) (string, error) {
	if strings.ContainsAny(s, "eE") && strings.Trim(s, "0123456789.,eE+") == "" {
		return "", ErrMangled
	}
	n, err := phonenumbers.Parse(s, "IT")
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", ErrPhone
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.TOLL_FREE:
		return "", ErrPremium
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// Mobile gives a number in E.164 that text messages reach.
func Mobile(s string) (string, error) {
	number, err := Phone(s)
	if err != nil {
		return "", err
	}
	n, err := phonenumbers.Parse(number, "IT")
	if err != nil {
		return "", ErrPhone
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return number, nil
	}
	return "", ErrMobile
}

// Mail gives an address in small letters, as it is stored.
func Mail(s string) (string, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 { // RFC 5321, 4.5.3.1.3
		return "", ErrMail
	}
	return strings.ToLower(a.Address), nil
}

// Push gives the subscription of a browser as it is kept. It may be written as
// browsers give it, in JSON.
func Push(s string) (string, error) {
	if strings.HasPrefix(s, "{") {
		a, err := channels.ReadPushSubscription([]byte(s))
		if err != nil {
			return "", ErrPush
		}
		return a.String(), nil
	}
	if _, err := channels.ParsePushAddress(s); err != nil {
		return "", ErrPush
	}
	return s, nil
}
