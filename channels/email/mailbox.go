package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"go.uber.org/zap"

	"martinella/channels"
)

// The times of the mailbox.
const (
	imapTime   = 30 * time.Second // to connect and sign in
	pollEvery  = time.Minute      // also where the server tells of new mail: some forget what came as IDLE began
	firstPause = time.Second      // after a failure, doubled up to
	lastPause  = 5 * time.Minute
	atOnce     = 20 // mails that are fetched together
	replyTries = 3  // for a reply that nobody takes
)

// Listen reads the mailbox until ctx ends: what is there, then what comes. A
// mail is marked as read, or moved, only after the sink has stored what it
// brings; a mail that is nothing to us stays as it is, for people. Without a
// mailbox it waits. Blocks; several nodes may read the same mailbox.
func (c *Channel) Listen(ctx context.Context, to channels.Sink) error {
	if !c.config.Receipts.given() {
		<-ctx.Done()
		return ctx.Err()
	}
	pause, told := firstPause, false
	for ctx.Err() == nil {
		began := time.Now()
		err := c.follow(ctx, to)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > lastPause {
			pause, told = firstPause, false
		}
		if !told {
			c.log.Warn("the mailbox of receipts is not read; it is tried again", zap.Error(err))
			told = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause/2)): //nolint:gosec // jitter
		}
		pause = min(2*pause, lastPause)
	}
	return ctx.Err()
}

// mailbox is one connection to it.
type mailbox struct {
	client *imapclient.Client
	news   chan struct{} // holds a token while something may have come
}

// openMailbox connects, signs in and opens the folder. The connection ends with
// ctx.
func (c *Channel) openMailbox(ctx context.Context, readOnly bool) (*mailbox, error) {
	r := c.config.Receipts
	password, err := channels.ReadSecret("receipts.password_file", r.PasswordFile)
	if err != nil {
		return nil, err
	}
	secure, err := c.config.tlsConfig(r.IMAP)
	if err != nil {
		return nil, err
	}
	start, cancel := context.WithTimeout(ctx, imapTime)
	defer cancel()
	conn, err := c.dial(start, "tcp", r.IMAP)
	if err != nil {
		return nil, c.mailboxError(start, "connect", err, password)
	}
	raw := conn
	hurry := context.AfterFunc(start, func() { _ = raw.Close() })
	defer hurry()
	b := &mailbox{news: make(chan struct{}, 1)}
	options := &imapclient.Options{TLSConfig: secure, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				select {
				case b.news <- struct{}{}:
				default:
				}
			}
		},
	}}
	switch r.TLS {
	case tlsNone:
		b.client = imapclient.New(conn, options)
	case tlsStart:
		if b.client, err = imapclient.NewStartTLS(conn, options); err != nil {
			return nil, c.mailboxError(start, "protect the connection", err, password)
		}
	default:
		safe := tls.Client(conn, secure)
		if err := safe.HandshakeContext(start); err != nil {
			_ = raw.Close()
			return nil, c.mailboxError(start, "protect the connection", err, password)
		}
		b.client = imapclient.New(safe, options)
	}
	if err := b.client.Login(r.Username, password).Wait(); err != nil {
		_ = b.client.Close()
		worded := c.mailboxError(start, "sign in", err, password)
		if no, ok := errors.AsType[*imap.Error](err); ok && no.Type == imap.StatusResponseTypeNo && no.Code != imap.ResponseCodeUnavailable {
			return nil, channels.Unauthorized(worded)
		}
		return nil, worded
	}
	data, err := b.client.Select(r.folder(), &imap.SelectOptions{ReadOnly: readOnly}).Wait()
	if err != nil {
		_ = b.client.Close()
		return nil, c.mailboxError(start, "open the folder", err, password)
	}
	c.skipped.of(data.UIDValidity)
	return b, nil
}

func (c *Channel) mailboxError(ctx context.Context, what string, err error, password string) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("the mailbox of receipts: %s: %w", what, cause)
	}
	text := veil(err.Error(), password, c.config.Receipts.Username)
	return fmt.Errorf("the mailbox of receipts: %s: %s", what, shortened(text))
}

func (c *Channel) checkMailbox(ctx context.Context) error {
	b, err := c.openMailbox(ctx, true)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	_ = b.client.Close()
	return nil
}

// follow reads the mailbox over one connection until that breaks.
func (c *Channel) follow(ctx context.Context, to channels.Sink) error {
	b, err := c.openMailbox(ctx, false)
	if err != nil {
		return err
	}
	defer func() { _ = b.client.Close() }()
	defer context.AfterFunc(ctx, func() { _ = b.client.Close() })()
	if done := c.config.Receipts.DoneFolder; done != "" {
		if _, err := b.client.Status(done, nil).Wait(); err != nil {
			if err := b.client.Create(done, nil).Wait(); err != nil {
				return c.mailboxError(ctx, "make the folder "+done, err, "")
			}
		}
	}
	for {
		if err := c.drain(ctx, b, to); err != nil {
			return err
		}
		if err := b.wait(ctx, c.poll); err != nil {
			return c.mailboxError(ctx, "wait for mail", err, "")
		}
	}
}

// wait returns when something may have come.
func (b *mailbox) wait(ctx context.Context, poll time.Duration) error {
	if !b.client.Caps().Has(imap.CapIdle) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.client.Closed():
			return net.ErrClosed
		case <-b.news:
		case <-time.After(poll):
		}
		return b.client.Noop().Wait()
	}
	idle, err := b.client.Idle()
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-b.client.Closed():
	case <-b.news:
	case <-time.After(poll):
	}
	if err := idle.Close(); err != nil {
		return err
	}
	return idle.Wait()
}

// drain brings everything that is there to the sink.
func (c *Channel) drain(ctx context.Context, b *mailbox, to channels.Sink) error {
	criteria := &imap.SearchCriteria{}
	if c.config.Receipts.DoneFolder == "" {
		criteria.NotFlag = []imap.Flag{imap.FlagSeen}
	}
	found, err := b.client.UIDSearch(criteria, nil).Wait()
	if err != nil {
		return c.mailboxError(ctx, "look for mail", err, "")
	}
	waiting := c.skipped.without(found.All)
	for len(waiting) > 0 {
		n := min(atOnce, len(waiting))
		mails, err := b.fetch(waiting[:n])
		if err != nil {
			return c.mailboxError(ctx, "fetch mail", err, "")
		}
		waiting = waiting[n:]
		var done imap.UIDSet
		for uid, source := range mails {
			taken, err := c.take(ctx, uid, source, to)
			if err != nil {
				return errors.Join(err, c.finish(ctx, b, done))
			}
			if taken {
				done.AddNum(uid)
			}
		}
		if err := c.finish(ctx, b, done); err != nil {
			return err
		}
	}
	return nil
}

// fetch gives the beginnings of some mails, and leaves them unread.
func (b *mailbox) fetch(uids []imap.UID) (map[imap.UID][]byte, error) {
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: maxSource}}
	cmd := b.client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
	out := map[imap.UID][]byte{}
	for {
		msg := cmd.Next()
		if msg == nil {
			break
		}
		var uid imap.UID
		var source []byte
		for item := msg.Next(); item != nil; item = msg.Next() {
			switch item := item.(type) {
			case imapclient.FetchItemDataUID:
				uid = item.UID
			case imapclient.FetchItemDataBodySection:
				if item.Literal == nil {
					continue
				}
				var err error
				if source, err = io.ReadAll(io.LimitReader(item.Literal, maxSource)); err != nil {
					return nil, errors.Join(err, cmd.Close())
				}
			}
		}
		if uid != 0 && len(out) < len(uids) {
			out[uid] = source
		}
	}
	return out, cmd.Close()
}

// take brings what a mail holds to the sink, and reports whether the mail is
// done with. Its error means that the sink does not store now.
func (c *Channel) take(ctx context.Context, uid imap.UID, source []byte, to channels.Sink) (bool, error) {
	n := c.read(source, time.Now())
	if n.empty() {
		c.skipped.add(uid, replyTries)
		return false, nil
	}
	for _, report := range n.reports {
		if err := to.Report(ctx, c.name, report); err != nil {
			return false, fmt.Errorf("what the mailbox brought is not stored: %w", err)
		}
	}
	for _, reply := range n.replies {
		err := to.Reply(ctx, c.name, reply)
		switch {
		case err == nil:
		case n.asked || ctx.Err() != nil:
			return false, fmt.Errorf("what the mailbox brought is not stored: %w", err)
		default:
			if c.skipped.add(uid, 1) {
				c.log.Warn("nobody takes a reply; it stays in the mailbox for people", zap.Error(err))
			}
			return false, nil
		}
	}
	return true, nil
}

// finish marks or moves what is stored.
func (c *Channel) finish(ctx context.Context, b *mailbox, done imap.UIDSet) error {
	if len(done) == 0 {
		return nil
	}
	var err error
	if folder := c.config.Receipts.DoneFolder; folder != "" {
		_, err = b.client.Move(done, folder).Wait()
	} else {
		err = b.client.Store(done, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close()
	}
	if err != nil {
		return c.mailboxError(ctx, "mark mail as done", err, "")
	}
	return nil
}
