package telegram

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

const (
	pollTime  = 25 * time.Second // that Telegram keeps a question for news open
	pollGrace = 10 * time.Second
	atOnce    = 20 // updates: each may have a hundred thousand characters, and an answer is read up to 256 KiB
	// After a week without news Telegram begins to number updates anywhere.
	renumbered = 3 * 24 * time.Hour
	thanks     = 8 // touches that are confirmed at a time
)

// update is what happened in a chat (core.telegram.org/bots/api, Update).
type update struct {
	ID      int64 `json:"update_id"`
	Message *struct {
		Date    int64  `json:"date"`
		Chat    chat   `json:"chat"`
		Text    string `json:"text"`
		Caption string `json:"caption"`
	} `json:"message"`
	Touch *struct {
		ID      string `json:"id"`
		Data    string `json:"data"`
		Message *struct {
			Chat chat `json:"chat"`
		} `json:"message"`
	} `json:"callback_query"`
}

type chat struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
}

// Listen asks for what people write and touch, until ctx ends or Telegram
// refuses. What came is asked for again until the sink has stored it, also after
// the process died: so it may come twice, and a sink must not mind. It blocks.
func (b *Bot) Listen(ctx context.Context, to channels.Sink) error {
	if b.called.Load() == nil {
		if who, err := b.api.me(ctx); err == nil && who.Username != "" {
			b.called.Store(&who.Username)
		}
	}
	confirming := make(chan struct{}, thanks)
	var wait sync.WaitGroup
	defer wait.Wait()
	for ctx.Err() == nil {
		if began := b.news.Load(); time.Now().Unix()-began > int64(renumbered/time.Second) {
			b.next.Store(0) // all before is done with, and was told to be
			b.news.Store(time.Now().Unix())
		}
		all, err := b.updates(ctx)
		if err != nil {
			return cmp.Or(ctx.Err(), err)
		}
		for i := range all {
			u := &all[i]
			if u.ID < b.next.Load() {
				continue // Telegram was not told yet that it is done with
			}
			if err := b.take(ctx, u, to); err != nil {
				return fmt.Errorf("telegram: what a person wrote is not stored; it is asked for again: %w", err)
			}
			b.next.Store(u.ID + 1)
			b.news.Store(time.Now().Unix())
			if u.Touch == nil {
				continue
			}
			select { // a telephone shows a clock until the touch is confirmed
			case confirming <- struct{}{}:
				wait.Go(func() {
					defer func() { <-confirming }()
					var yes bool
					if err := b.api.raw(ctx, "answerCallbackQuery", map[string]string{"callback_query_id": u.Touch.ID}, &yes); err != nil {
						b.log.Debug("a touch was taken, and its telephone does not know yet", zap.Error(err))
					}
				})
			default: // too many at once: the words that are written back say it
			}
		}
	}
	return ctx.Err()
}

// updates waits for news. It tells Telegram what is done with.
func (b *Bot) updates(ctx context.Context) (all []update, err error) {
	limit := atOnce
	if b.few.Load() {
		limit = 1
	}
	err = b.poll.raw(ctx, "getUpdates", map[string]any{"offset": b.next.Load(), "limit": limit, "timeout": int(pollTime / time.Second), "allowed_updates": []string{"message", "callback_query"}}, &all)
	if r, ok := errors.AsType[*refusal](err); ok && r.code == http.StatusConflict {
		return nil, fmt.Errorf("telegram: another program asks for what this bot gets: give the gateway a bot of its own: %w", err)
	}
	verdict, _ := channels.VerdictOf(err)
	b.few.Store(verdict == channels.VerdictUncertain && !b.few.Load() && ctx.Err() == nil)
	return all, certain(err)
}

// take brings one update to the sink; what is not of one person is nothing here.
func (b *Bot) take(ctx context.Context, u *update, to channels.Sink) error {
	r := channels.Reply{To: b.name, At: time.Now()}
	switch {
	case u.Touch != nil && u.Touch.Message != nil && u.Touch.Message.Chat.Type == "private":
		r.From, r.Text = strconv.FormatInt(u.Touch.Message.Chat.ID, 10), u.Touch.Data
	case u.Message != nil && u.Message.Chat.Type == "private":
		r.From, r.Text = strconv.FormatInt(u.Message.Chat.ID, 10), u.Message.Text
		if r.Text == "" {
			r.Text = u.Message.Caption
		}
		if u.Message.Date > 0 {
			r.At = time.Unix(u.Message.Date, 0)
		}
		r.Text, r.Code = command(r.Text)
	}
	if r.From == "" || r.Text == "" && r.Code == "" {
		return nil
	}
	return to.Reply(ctx, b.name, r)
}

// command reads what begins with a stroke: /start with a code connects, alone it
// begins again, /stop ends. Everything else is words.
func command(text string) (words, code string) {
	fields := strings.Fields(text)
	if len(fields) == 0 || !strings.HasPrefix(fields[0], "/") {
		return text, ""
	}
	name, _, _ := strings.Cut(strings.ToLower(fields[0]), "@")
	switch {
	case name == "/start" && len(fields) == 2 && codeForm.MatchString(fields[1]):
		return "", fields[1]
	case name == "/start":
		return "START", ""
	case name == "/stop":
		return "STOP", ""
	}
	return text, ""
}
