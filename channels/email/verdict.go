package email

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"time"

	"martinella/channels"
)

// stage is how far a mail has come. What an answer or a silence means depends
// on it.
type stage string

const (
	atGreeting stage = "the greeting"
	atAuth     stage = "AUTH"
	atMail     stage = "MAIL"
	atRcpt     stage = "RCPT"
	atData     stage = "DATA"
	atEnd      stage = "the mail"
)

const server = "the mail server"

// greylisted is how long a server that asks to come again later wants to be
// left alone, at least (RFC 6647 section 2.1: often a minute, at most five).
const greylisted = time.Minute

// judge turns the error of a stage into a verdict.
//
//	4xx          retry: the server did not take it. 421 also ends the connection.
//	530 534 535  the account is refused, at whatever stage
//	5xx          at the greeting: this machine is refused, AUTH: the account,
//	             MAIL: the sender; all of them concern every mail, so the channel
//	             stops and calls the operator instead of burning an audience
//	5xx          from RCPT on: this recipient or this mail, for ever; but a server
//	             that says that it does not relay for us means the account
//	552, 501, 555 of MAIL  this mail: too large, or an address that it cannot read
//	no answer    before the final dot: surely not taken; after it: uncertain
func (c *Channel) judge(ctx context.Context, at stage, err error, hidden ...string) error {
	answer, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		err = c.broke(ctx, string(at), err, hidden...)
		if at == atEnd {
			return channels.Uncertain(err)
		}
		return err
	}
	worded := refused(string(at), answer.Code, answer.Msg, append(hidden, c.config.Username)...)
	text := strings.ToLower(answer.Msg)
	switch {
	case answer.Code == 530 || answer.Code == 534 || answer.Code == 535:
		return channels.Unauthorized(worded)
	case answer.Code/100 == 4:
		if strings.Contains(text, "greylist") || strings.Contains(text, "graylist") || strings.Contains(text, "grey-list") {
			return channels.RetryAfter(worded, greylisted)
		}
		return worded
	case answer.Code/100 != 5:
		// An answer that does not belong here: nobody knows what the server did.
		if at == atEnd {
			return channels.Uncertain(worded)
		}
		return worded
	case at == atGreeting || at == atAuth:
		return channels.Unauthorized(worded)
	case at == atMail && answer.Code != 552 && answer.Code != 501 && answer.Code != 555:
		return channels.Unauthorized(worded)
	case at == atRcpt && strings.Contains(text, "relay"):
		return channels.Unauthorized(worded)
	}
	return channels.Permanent(worded)
}

// broke is the error for a connection that failed. It keeps the end of ctx as
// its cause, and no address of a person.
func (c *Channel) broke(ctx context.Context, what string, err error, hidden ...string) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%s: %s: %w", server, what, cause)
	}
	text := veil(err.Error(), append(hidden, c.config.Username)...)
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "..."
	}
	return fmt.Errorf("%s: %s: %s", server, what, text)
}
