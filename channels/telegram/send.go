package telegram

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"martinella/alerts"
	"martinella/channels"
)

// pinTime bounds pinning: the receipt waits for it, and a crash before the
// receipt is written leaves a post in doubt.
const pinTime = 5 * time.Second

// Send posts m as one message, in answer to m.Previous where that is still
// there: the picture with the text as its caption, or the text alone. An alert
// of extreme danger is pinned then; where that fails, the receipt says so.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	p, receipt, err := c.send(ctx, m)
	if err != nil {
		return channels.Receipt{}, err
	}
	if c.pinned(m) {
		ctx, cancel := context.WithTimeout(ctx, pinTime)
		defer cancel()
		_, err := c.api.PinChatMessage(ctx, &bot.PinChatMessageParams{ChatID: p.chat, MessageID: p.message, DisableNotification: true})
		if err := plain(err); err != nil {
			noted(&receipt, "it could not be pinned: "+err.Error())
		}
	}
	return receipt, nil
}

func (c *Channel) send(ctx context.Context, m channels.Message) (post, channels.Receipt, error) {
	text := strings.TrimSpace(m.Text)
	note := ""
	switch {
	case !pictured(m):
	case channels.Units16(text) > mostCaption:
		note = "it goes without the picture: the text is too long for a caption"
	case c.uploads.Missed(m):
		note = "it goes without the picture: nobody knows what became of the first try, with it"
	default:
		sent, err := c.api.SendPhoto(ctx, &bot.SendPhotoParams{
			ChatID: c.config.Chat, Photo: &models.InputFileUpload{Filename: pictureName, Data: bytes.NewReader(m.Image.Bytes)},
			Caption: text, CaptionEntities: bold(m, text), DisableNotification: silent(m), ReplyParameters: c.reply(m),
		})
		if err = plain(err); err == nil {
			return c.posted(sent, true)
		}
		c.uploads.Sent(m, err)
		if !barsPicture(err) {
			return post{}, channels.Receipt{}, err
		}
		// Surely not posted: the words must go out all the same.
		note = "it goes without the picture: " + err.Error()
	}
	sent, err := c.api.SendMessage(ctx, &bot.SendMessageParams{
		ChatID: c.config.Chat, Text: text, Entities: bold(m, text), DisableNotification: silent(m), ReplyParameters: c.reply(m), LinkPreviewOptions: noPreview(),
	})
	if err = plain(err); err != nil {
		return post{}, channels.Receipt{}, err
	}
	p, receipt, err := c.posted(sent, false)
	noted(&receipt, note)
	return p, receipt, err
}

// pictureName is the name of the uploaded file, which nobody sees.
const pictureName = "card.png"

func pictured(m channels.Message) bool { return m.Image != nil && len(m.Image.Bytes) > 0 }

// noPreview: the address of the alert is the same over all its revisions, and
// Telegram would go on showing what it once read there.
func noPreview() *models.LinkPreviewOptions {
	return &models.LinkPreviewOptions{IsDisabled: bot.True()}
}

// reply hangs m on the earlier post. If that is gone, m goes out on its own.
func (c *Channel) reply(m channels.Message) *models.ReplyParameters {
	p, err := parsePost(m.Previous)
	if err != nil || numeric(p.chat) && numeric(c.config.Chat) && p.chat != c.config.Chat {
		return nil // no earlier post in this chat
	}
	return &models.ReplyParameters{MessageID: p.message, AllowSendingWithoutReply: true}
}

// silent: minor danger and corrections make no sound. Severe and extreme
// danger, and the end of anything, which may have been either, always do.
func silent(m channels.Message) bool {
	if over(m) || m.Severity.Rank() >= alerts.SeveritySevere.Rank() {
		return false
	}
	return m.Severity == alerts.SeverityMinor || m.Step == channels.StepCorrect
}

func over(m channels.Message) bool {
	return m.Change == alerts.ChangeCancelled || m.Change == alerts.ChangeEnded
}

// pinned: the current alert of extreme danger is. An exercise never is: it must
// not stay over an alert.
func (c *Channel) pinned(m channels.Message) bool {
	return c.config.pin() && m.Severity == alerts.SeverityExtreme && !m.Exercise && !over(m) && m.Step.Posts()
}

func noted(r *channels.Receipt, note string) {
	if r.Note != "" && note != "" {
		r.Note += "; "
	}
	r.Note += note
}
