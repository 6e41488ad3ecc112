package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"martinella/channels"
)

// Edit changes a post in place; readers see that it was edited, and nobody is
// notified. A post that points to another one, or whose alert is over, is
// unpinned. Repeating it changes nothing.
func (c *Channel) Edit(ctx context.Context, id string, m channels.Message) (channels.Receipt, error) {
	p, err := parsePost(id)
	if err != nil {
		return channels.Receipt{}, channels.Permanent(err)
	}
	receipt := channels.Receipt{ID: id}
	changed, err := c.change(ctx, p, m, &receipt)
	switch {
	case says(err, notModified): // it reads so already
	case says(err, postGone):
		return channels.Receipt{}, channels.PostGone(err)
	case err != nil:
		return channels.Receipt{}, c.elsewhere(p, err)
	}
	username := ""
	if changed != nil {
		username = changed.Chat.Username
	}
	receipt.URL = c.address(p, username)
	if c.config.pin() && !m.Exercise && (m.Step == channels.StepPoint || over(m)) {
		c.unpin(ctx, p, &receipt)
	}
	return receipt, nil
}

// change edits what kind of post p is.
func (c *Channel) change(ctx context.Context, p post, m channels.Message, receipt *channels.Receipt) (*models.Message, error) {
	text := strings.TrimSpace(m.Text)
	if !p.photo {
		changed, err := c.api.EditMessageText(ctx, &bot.EditMessageTextParams{ChatID: p.chat, MessageID: p.message, Text: text, Entities: bold(m, text), LinkPreviewOptions: noPreview()})
		if pictured(m) {
			noted(receipt, "the post has no picture, and stays without")
		}
		return changed, plain(err)
	}
	if n := channels.Units16(text); n > mostCaption {
		// Words that were made for a post without a picture.
		return nil, channels.PostGone(fmt.Errorf("telegram: the post has a picture, and below it is room for %d characters, not %d", mostCaption, n))
	}
	if pictured(m) {
		changed, err := c.api.EditMessageMedia(ctx, &bot.EditMessageMediaParams{ChatID: p.chat, MessageID: p.message, Media: &models.InputMediaPhoto{
			Media: "attach://" + pictureName, MediaAttachment: bytes.NewReader(m.Image.Bytes), Caption: text, CaptionEntities: bold(m, text),
		}})
		if err = plain(err); err == nil || !barsPicture(err) || says(err, notModified) || says(err, postGone) {
			return changed, err
		}
		noted(receipt, "the old picture stays: "+err.Error())
	}
	changed, err := c.api.EditMessageCaption(ctx, &bot.EditMessageCaptionParams{ChatID: p.chat, MessageID: p.message, Caption: text, CaptionEntities: bold(m, text)})
	return changed, plain(err)
}

// unpin takes a post from the top of the chat. One that is not there is no
// error.
func (c *Channel) unpin(ctx context.Context, p post, receipt *channels.Receipt) {
	ctx, cancel := context.WithTimeout(ctx, pinTime)
	defer cancel()
	_, err := c.api.UnpinChatMessage(ctx, &bot.UnpinChatMessageParams{ChatID: p.chat, MessageID: p.message})
	if err = plain(err); err != nil && !says(err, unpinGone) {
		noted(receipt, "it could not be unpinned: "+err.Error())
	}
}

// Withdraw deletes a post. One that is gone is no error.
func (c *Channel) Withdraw(ctx context.Context, id string) error {
	p, err := parsePost(id)
	if err != nil {
		return channels.Permanent(err)
	}
	_, err = c.api.DeleteMessage(ctx, &bot.DeleteMessageParams{ChatID: p.chat, MessageID: p.message})
	switch err = plain(err); {
	case says(err, deleteGone):
		return nil
	case says(err, deleteTooLate), says(err, rightsMissing):
		// Who may post need not have the right to delete.
		return channels.Apart(channels.Permanent(errors.Join(errTooLate, err)))
	}
	return c.elsewhere(p, err)
}

// elsewhere is the error of a change to a post that may be in another chat than
// the configured one: what that one refuses stops no alert.
func (c *Channel) elsewhere(p post, err error) error {
	r, refused := errors.AsType[*refusal](err)
	v, _ := channels.VerdictOf(err)
	if !refused || v != channels.VerdictUnauthorized || r.code != http.StatusBadRequest && r.code != http.StatusForbidden ||
		!numeric(p.chat) || !numeric(c.config.Chat) || p.chat == c.config.Chat {
		return err
	}
	return channels.Apart(channels.Permanent(fmt.Errorf("the post is in the chat of before, %s: change it by hand: %w", p.chat, err)))
}

// errTooLate: core.telegram.org/bots/api, deleteMessage.
var errTooLate = errors.New("telegram lets a bot delete what is younger than 48 hours, and what it has the right to: delete the post by hand")
