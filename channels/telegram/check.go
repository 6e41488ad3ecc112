package telegram

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"martinella/channels"
)

// Check proves the token, and that the bot may post in the chat. It posts
// nothing. A right that only pinning and editing need is told by
// [Channel.Notes].
func (c *Channel) Check(ctx context.Context) error {
	chat, err := c.api.chat(ctx, c.config.Chat)
	if err != nil {
		return err
	}
	lacks, err := c.api.membership(ctx, chat)
	if err != nil {
		return err
	}
	c.lacks.Store(nil)
	if lacks != "" && c.config.pin() {
		c.lacks.Store(&lacks)
	}
	return nil
}

// me is the bot itself.
func (a *api) me(ctx context.Context) (*models.User, error) {
	who, err := a.GetMe(ctx)
	if err = reading(err); err != nil {
		return nil, err
	}
	if who.ID == 0 {
		return nil, errors.New("telegram names no bot for the token")
	}
	return who, nil
}

func (a *api) chat(ctx context.Context, id string) (*models.ChatFullInfo, error) {
	chat, err := a.GetChat(ctx, &bot.GetChatParams{ChatID: id})
	if err = reading(err); err != nil {
		return nil, err
	}
	if chat == nil || chat.ID == 0 {
		return nil, errors.New("telegram tells nothing of the chat")
	}
	return chat, nil
}

// membership says whether the bot may post in a chat, which is an
// [channels.Unauthorized] error otherwise, and what it lacks besides.
func (a *api) membership(ctx context.Context, chat *models.ChatFullInfo) (lacks string, err error) {
	who, err := a.me(ctx)
	if err != nil {
		return "", err
	}
	if chat.Type == models.ChatTypePrivate {
		return "", nil // the person has written to the bot, or the chat would not be found
	}
	member, err := a.GetChatMember(ctx, &bot.GetChatMemberParams{ChatID: chat.ID, UserID: who.ID})
	if err = reading(err); err != nil {
		return "", err
	}
	if member == nil {
		return "", errors.New("telegram tells nothing of the bot's place in the chat")
	}
	barred := func(why string) error {
		return channels.Unauthorized(fmt.Errorf("telegram: @%s %s: make it an administrator of %s who may post and edit messages", who.Username, why, called(chat)))
	}
	admin := member.Administrator
	switch {
	case member.Type == models.ChatMemberTypeOwner:
		return "", nil
	case member.Type == models.ChatMemberTypeLeft, member.Type == models.ChatMemberTypeBanned:
		return "", barred("is not in the chat")
	case chat.Type == models.ChatTypeChannel && admin == nil:
		return "", barred("is no administrator of the channel")
	case chat.Type == models.ChatTypeChannel && !admin.CanPostMessages:
		return "", barred("may not post in the channel")
	case chat.Type == models.ChatTypeChannel && !admin.CanEditMessages: // in channels the right to edit is that to pin
		return "the bot cannot pin: give it the right to edit messages of the channel, or set pin: false", nil
	case chat.Type == models.ChatTypeChannel:
		return "", nil
	case member.Restricted != nil && !(member.Restricted.IsMember && member.Restricted.CanSendMessages):
		return "", barred("may not write in the group")
	case admin == nil || !admin.CanPinMessages:
		return "the bot cannot pin: make it an administrator of the group who may pin messages, or set pin: false", nil
	}
	return "", nil
}

// called names a chat for people.
func called(chat *models.ChatFullInfo) string {
	title := strings.Join(strings.Fields(chat.Title), " ")
	switch {
	case chat.Username != "" && title != "":
		return title + " (@" + chat.Username + ")"
	case chat.Username != "":
		return "@" + chat.Username
	case title != "":
		return title
	}
	return "the chat"
}

// Rehearse posts to the office's own chat. errors.ErrUnsupported where none is
// configured.
func (c *Channel) Rehearse(ctx context.Context, text string) (string, error) {
	if c.config.TestChat == "" {
		return "", fmt.Errorf("telegram %s: no test_chat is configured: %w", c.name, errors.ErrUnsupported)
	}
	text = strings.TrimSpace(text)
	_, err := c.api.SendMessage(ctx, &bot.SendMessageParams{ChatID: c.config.TestChat, Text: text, LinkPreviewOptions: noPreview()})
	if err = plain(err); err != nil {
		return "", err
	}
	return "to the test chat", nil
}
