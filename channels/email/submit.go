package email

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

// Send submits one mail and waits until the server has taken it. The receipt's
// id is the token that notices about this mail bring back.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	l, err := c.write(m)
	if err != nil {
		return channels.Receipt{}, channels.Permanent(err)
	}
	if err := c.submit(ctx, l); err != nil {
		if v, _ := channels.VerdictOf(err); v == channels.VerdictUnauthorized {
			c.refused.Store(true)
		}
		return channels.Receipt{}, err
	}
	return channels.Receipt{ID: l.id}, nil
}

// Answer writes a short mail back to a person, without receipts. Its verdicts
// are those of Send.
func (c *Channel) Answer(ctx context.Context, to, text string) error {
	return c.note(ctx, to, wordsFor(c.language(), c.authority()).Subject, text, "Auto-Submitted", "auto-replied")
}

// Notify writes a short mail to a member of staff who is called, without
// receipts. Its verdicts are those of Send.
func (c *Channel) Notify(ctx context.Context, to, subject, text string) error {
	return c.note(ctx, to, subject, text, "Auto-Submitted", "auto-generated", "Importance", "high")
}

func (c *Channel) note(ctx context.Context, to, subject, text string, headers ...string) error {
	r, err := routeOf(to)
	if err != nil {
		return channels.Permanent(err)
	}
	now := time.Now()
	id := c.seal.id("answer/"+strconv.FormatInt(now.UnixNano(), 10)+"/"+to, "")
	h := c.heading(channels.Message{To: to, Sent: now}, r, id)
	h.line("Subject", encoded(subject))
	for i := 0; i+1 < len(headers); i += 2 {
		h.line(headers[i], headers[i+1])
	}
	h.line("X-Auto-Response-Suppress", "All")
	h.line("MIME-Version", "1.0")
	h.text("text/plain", text+"\n")
	source, err := c.sign(h.Bytes())
	if err != nil {
		return channels.Permanent(err)
	}
	return c.submit(ctx, letter{id: id, from: c.sender(id), to: r, utf8: r.utf8 || !isASCII(c.from.Address), source: source})
}

// submit brings a letter to the server over a connection of its own for as
// long as it takes: a resting one, or a new one.
func (c *Channel) submit(ctx context.Context, l letter) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", server, err)
	}
	select {
	case c.pool.slots <- struct{}{}:
		defer func() { <-c.pool.slots }()
	case <-ctx.Done():
		return fmt.Errorf("%s: all connections are busy: %w", server, ctx.Err())
	}
	for {
		s, fresh := c.pool.take(), false
		if s == nil {
			fresh = true
			var err error
			if s, err = c.open(ctx); err != nil {
				return err
			}
		}
		at, err := s.carry(ctx, c, l)
		if err == nil {
			s.mails++
			c.pool.give(s)
			return nil
		}
		if s.mend(err) {
			c.pool.give(s)
		} else if !fresh && at == atMail && ctx.Err() == nil {
			continue // it ended while it rested: nothing of this mail was said on it
		}
		if errors.Is(err, errNoUTF8) {
			return channels.Permanent(err)
		}
		return c.judge(ctx, at, err)
	}
}

var errNoUTF8 = errors.New("the mail server cannot write to an address outside ASCII (RFC 6531)")

// carry is one mail's dialogue. After an error it says how far it came.
func (s *session) carry(ctx context.Context, c *Channel, l letter) (stage, error) {
	defer s.within(ctx, commandTime)()
	if able, _ := s.client.Extension("SMTPUTF8"); l.utf8 && !able {
		return atMail, errNoUTF8
	}
	s.client.SkipSMTPUTF8(!l.utf8)
	if c.config.Receipts.given() && !c.config.PEC { // RFC 3461, where the server can
		s.client.SetDSNMailReturnOption("HDRS")
		s.client.SetDSNRcptNotifyOption("FAILURE,DELAY")
	}
	if err := s.client.Mail("<" + l.from + ">"); err != nil {
		return atMail, err
	}
	if err := s.client.Rcpt("<" + l.to.address + ">"); err != nil {
		return atRcpt, err
	}
	w, err := s.client.Data()
	if err != nil {
		return atData, err
	}
	defer s.within(ctx, finalTime)()
	if _, err := w.Write(l.source); err != nil {
		return atData, err
	}
	if err := w.Close(); err != nil {
		return atEnd, err
	}
	if told, ok := w.(interface{ ServerResponse() string }); ok {
		c.log.Debug("mail taken", zap.String("id", l.id), zap.String("answer", veil(told.ServerResponse())))
	}
	return "", nil
}

// mend makes a session ready for the next mail after an error, and reports
// whether it lives. The connection of one that does not is closed.
func (s *session) mend(err error) bool {
	answer, ok := errors.AsType[*textproto.Error](err)
	if errors.Is(err, errNoUTF8) || ok && answer.Code != 421 && answer.Code/100 >= 4 {
		defer s.within(context.Background(), quitTime)()
		if errors.Is(err, errNoUTF8) || s.client.Reset() == nil {
			return true
		}
	}
	_ = s.conn.Close()
	return false
}

// Check signs in and names the sender, which the server may refuse too, without
// a recipient: nothing is sent. Then it looks into the mailbox, unless sending
// itself had been refused: what can be sent again must not wait for notices.
func (c *Channel) Check(ctx context.Context) error {
	if err := c.checkServer(ctx); err != nil {
		return err
	}
	sendingStopped := c.refused.Swap(false)
	if !c.config.Receipts.given() {
		return nil
	}
	err := c.checkMailbox(ctx)
	if err != nil && sendingStopped {
		c.log.Error("the mailbox of receipts cannot be read", zap.Error(err))
		return nil
	}
	return err
}

func (c *Channel) checkServer(ctx context.Context) error {
	s, err := c.open(ctx)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	defer s.quit()
	defer s.within(ctx, commandTime)()
	s.client.SkipSMTPUTF8(isASCII(c.from.Address))
	if err := s.client.Mail("<" + c.sender(strings.Repeat("a", tokenLength)) + ">"); err != nil {
		return c.judge(ctx, atMail, err)
	}
	if err := s.client.Reset(); err != nil {
		return c.judge(ctx, atMail, err)
	}
	return nil
}
