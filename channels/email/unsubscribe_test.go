package email

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

const multipartForm = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n"

func TestOneClick(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	header := read(t, c, message(t, c, channeltest.Actual, "a/1/mail/7")).header.Get("List-Unsubscribe")
	link, err := url.Parse(strings.Trim(header, "<>"))
	if err != nil || link.Path != "/hooks/mail" {
		t.Fatalf("%q, %v", header, err)
	}
	form := "application/x-www-form-urlencoded"
	for name, c2 := range map[string]struct {
		method, query, media, body string
		stops, forged              bool
	}{
		"as RFC 8058 has it":         {"POST", link.RawQuery, form, "List-Unsubscribe=One-Click", true, false},
		"as a form of several parts": {"POST", link.RawQuery, "multipart/form-data; boundary=b", multipartForm, true, false},
		"with a charset":             {"POST", link.RawQuery, form + "; charset=utf-8", "List-Unsubscribe=One-Click", true, false},
		"a program follows the link": {"GET", link.RawQuery, "", "", false, false},
		"without the word":           {"POST", link.RawQuery, form, "", false, false},
		"with another word":          {"POST", link.RawQuery, form, "List-Unsubscribe=Please", false, false},
		"the word only in the link":  {"POST", link.RawQuery + "&List-Unsubscribe=One-Click", form, "", false, false},
		"no form":                    {"POST", link.RawQuery, "text/plain", "List-Unsubscribe=One-Click", false, false},
		"no kind":                    {"POST", link.RawQuery, "", "List-Unsubscribe=One-Click", false, false},
		"an endless form":            {"POST", link.RawQuery, form, strings.Repeat("x=y&", 100_000) + "List-Unsubscribe=One-Click", false, false},
		"a broken form":              {"POST", link.RawQuery, "multipart/form-data; boundary=b", "--b\r\n", false, false},
		"no ticket":                  {"POST", "", form, "List-Unsubscribe=One-Click", false, true},
		"another ticket":             {"POST", "u=" + seals(t, "mail", otherKey).ticket(testTo), form, "List-Unsubscribe=One-Click", false, true},
		"an address instead":         {"POST", "u=" + testTo, form, "List-Unsubscribe=One-Click", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c2.method, "/hooks/mail?"+c2.query, strings.NewReader(c2.body))
			if c2.media != "" {
				r.Header.Set("Content-Type", c2.media)
			}
			reports, replies, err := c.Inbound(r)
			if len(reports) != 0 || (len(replies) == 1) != c2.stops || (err == nil) != c2.stops || errors.Is(err, channels.ErrForged) != c2.forged {
				t.Fatalf("%v, %v", replies, err)
			}
			if c2.stops && (replies[0].From != testTo || replies[0].Text != "STOP") {
				t.Errorf("%+v", replies[0])
			}
			if err != nil && strings.Contains(err.Error(), "anna") {
				t.Errorf("the error holds the address: %v", err)
			}
		})
	}
	// What a browser is asked to post is what stops.
	fields, err := c.Confirm(httptest.NewRequest(http.MethodGet, link.String(), nil))
	if err != nil || len(fields) != 1 || fields["List-Unsubscribe"] != "One-Click" {
		t.Errorf("a browser is asked to post %v, %v", fields, err)
	}
	if _, err := c.Confirm(httptest.NewRequest(http.MethodGet, "/hooks/mail?u="+testTo, nil)); !errors.Is(err, channels.ErrForged) {
		t.Errorf("a link that is not ours: %v", err)
	}
	// A channel without a key believes nobody.
	plain := newChannel(t, "127.0.0.1:25", func(c *Config) { c.KeyFile = "" })
	r := httptest.NewRequest(http.MethodPost, link.String(), strings.NewReader("List-Unsubscribe=One-Click"))
	r.Header.Set("Content-Type", form)
	if _, _, err := plain.Inbound(r); !errors.Is(err, channels.ErrForged) {
		t.Errorf("without a key: %v", err)
	}
}
