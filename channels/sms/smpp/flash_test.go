package smpp

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestFlashIsAFurtherCopy(t *testing.T) {
	for sentence, c := range map[string]struct {
		flash    string
		severity alerts.Severity
		words    string
		codings  []byte // of all submits, in their order
	}{
		"an extreme alert":               {"extreme", alerts.SeverityExtreme, "Uscite.", []byte{0, 0x10}},
		"in two parts":                   {"extreme", alerts.SeverityExtreme, longText, []byte{0, 0, 0x10, 0x10}},
		"in another script":              {"severe", alerts.SeverityExtreme, "Выходите.", []byte{8, 0x18}},
		"a severe one":                   {"severe", alerts.SeveritySevere, "Uscite.", []byte{0, 0x10}},
		"less than what is asked for":    {"extreme", alerts.SeveritySevere, "Uscite.", []byte{0}},
		"where nobody asked for it":      {"", alerts.SeverityExtreme, "Uscite.", []byte{0}},
		"a message without any severity": {"severe", "", "Uscite.", []byte{0}},
	} {
		t.Run(sentence, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s, m := new(smsc), newMemory()
				s.on = func(c *caller, p pdu) bool {
					if p.command != submitSM {
						return false
					}
					id := c.take(p)
					if p.body.(*message).registered == 1 {
						c.send(pdu{command: deliverSM, seq: p.seq, body: receiptFor(id)})
					}
					return true
				}
				ch := newChannel(t, s, func(config *Config) { config.Flash = c.flash })
				listen(t, ch, m)
				msg := text("k", c.words)
				msg.Severity = c.severity
				got, err := ch.Send(t.Context(), msg)
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				var codings []byte
				references := map[byte]map[byte]bool{} // reference -> codings
				recorded := 0
				for _, p := range s.seen() {
					b := p.body.(*message)
					codings = append(codings, b.dataCoding)
					recorded += int(b.registered)
					if b.esmClass&esmUDH != 0 {
						if references[b.text[3]] == nil {
							references[b.text[3]] = map[byte]bool{}
						}
						references[b.text[3]][b.dataCoding] = true
					}
				}
				if string(codings) != string(c.codings) {
					t.Errorf("sent with the codings %x, want %x", codings, c.codings)
				}
				for reference, with := range references {
					if len(with) > 1 {
						t.Errorf("both copies have the reference %d: a phone would join them", reference)
					}
				}
				_, segments := channels.Segments(c.words)
				if len(got.Parts) != len(segments) || recorded != len(segments) || len(m.reports) != len(segments) {
					t.Errorf("the receipt has %d parts, %d reports were asked for, %d came; want %d each", len(got.Parts), recorded, len(m.reports), len(segments))
				}
				if w := ch.Weigh(msg); w != len(c.codings) {
					t.Errorf("it weighs %d, and %d were sent", w, len(c.codings))
				}
			})
		})
	}
}

func TestTheEstimateCountsTheFlashCopy(t *testing.T) {
	c := newChannel(t, nil, func(c *Config) { c.Flash, c.Price, c.Rate = "severe", "0.05", 100 })
	for kind, copies := range map[channeltest.Kind]int{channeltest.Actual: 1, channeltest.Moderate: 0} {
		r := channeltest.Sample(kind, "it")
		got, err := c.Estimate(r)
		if err != nil || len(got) != 1 || got[0].Copies != copies {
			t.Fatalf("%s: got %+v, %v", kind, got, err)
		}
		want := channels.Money(50_000).Times(got[0].Parts, 1+copies, 1000)
		if cost, known := got[0].Cost(1000); !known || cost != want {
			t.Errorf("%s: costs %v, want %v", kind, cost, want)
		}
		if want := time.Duration(got[0].Parts*(1+copies)*10) * time.Second; got[0].Last(1000) != want {
			t.Errorf("%s: the last after %v, want %v", kind, got[0].Last(1000), want)
		}
	}
}

// The flash copy is never the only one, and never decides.
func TestFlashWaitsForTheRealOne(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		flashes := 0
		refuse := true
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command != submitSM {
				return false
			}
			if p.body.(*message).dataCoding&codingFlash != 0 {
				flashes++
				c.refuse(p, statusThrottled)
				return true
			}
			if refuse && p.body.(*message).text[5] == 2 {
				c.refuse(p, statusSystemError)
				return true
			}
			return false
		}}
		c := newChannel(t, s, func(c *Config) { c.Flash = "extreme" })
		m := text("k", longText)
		m.Severity = alerts.SeverityExtreme
		_, err := c.Send(t.Context(), m)
		verdict(t, err, channels.VerdictUncertain)
		synctest.Wait()
		if flashes != 0 {
			t.Errorf("%d flash copies of a text that was not taken", flashes)
		}
		refuse = false
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Errorf("a refused flash copy decides: %v", err)
		}
		synctest.Wait()
		if flashes != 2 {
			t.Errorf("%d parts of the flash copy, want 2", flashes)
		}
	})
}

func TestAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		c := newChannel(t, s, func(c *Config) { c.ReplyNumber = "+390573000111" })
		if err := c.Answer(t.Context(), testNumber, "Non riceverai più i nostri avvisi su questo recapito."); err != nil {
			t.Fatal(err)
		}
		sent := s.seen()
		if len(sent) != 1 {
			t.Fatalf("%d submits", len(sent))
		}
		b := sent[0].body.(*message)
		if b.source != (address{1, 1, "390573000111"}) || b.destination.digits != "393330001234" || b.registered != 0 || len(b.tlvs) != 0 {
			t.Errorf("sent %+v", b)
		}
		if want := time.Now().Add(answerValidity).UTC().Format("060102150405") + "000+"; b.validity != want {
			t.Errorf("valid until %q, want %q", b.validity, want)
		}
		for _, to := range []string{"3330001234", "", "Comune"} {
			err := c.Answer(t.Context(), to, "x")
			verdict(t, err, channels.VerdictPermanent)
			if to != "" && strings.Contains(err.Error(), to) {
				t.Errorf("the error shows the address: %v", err)
			}
		}
		s.on = func(c *caller, p pdu) bool {
			if p.command == submitSM {
				c.refuse(p, 0x0B)
			}
			return p.command == submitSM
		}
		err := c.Answer(t.Context(), testNumber, "x")
		verdict(t, err, channels.VerdictPermanent)
		if !strings.Contains(err.Error(), "+39 333 ***1234") || strings.Contains(err.Error(), "0001234") {
			t.Errorf("the error says %q", err)
		}
	})
}
