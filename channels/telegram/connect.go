package telegram

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-telegram/bot/models"
	"go.uber.org/zap"

	"martinella/channels"
)

// Connect walks a person through connecting a bot and its channel. It posts
// nothing.
func Connect(ctx context.Context, p channels.Prompt) (channels.Connected, error) {
	return connector{server}.connect(ctx, p)
}

// connector connects to the Bot API at an address.
type connector struct{ address string }

// The answers that the questions below offer.
const (
	again  = "again"
	other  = "another one"
	skip   = "go on without"
	giveUp = "stop"
)

// errStopped is the error of a person who stopped.
var errStopped = errors.New("stopped: nothing was connected")

func (c connector) connect(ctx context.Context, p channels.Prompt) (channels.Connected, error) {
	p.Tell("A bot posts to the channel. If you have none yet: in Telegram, write /newbot to @BotFather, and give it the name of your authority. It answers with a token.")
	bot, who, err := c.bot(ctx, p)
	if err != nil {
		return channels.Connected{}, err
	}
	p.Tell("The bot is @" + who.Username + ". Now make it an administrator of the channel: in the channel's settings, Administrators, Add administrator, @" + who.Username +
		", with the rights to post messages and to edit messages. (In a group: the right to pin messages.)")
	chat, lacks, err := c.chat(ctx, p, bot)
	if err != nil {
		return channels.Connected{}, err
	}
	test, err := c.testChat(ctx, p, bot, who, chat)
	if err != nil {
		return channels.Connected{}, err
	}
	out := channels.Connected{
		Fields:  []channels.Field{{Key: "chat", Value: strconv.FormatInt(chat.ID, 10)}},
		Secrets: []channels.Field{{Key: "token_file", Value: bot.Token()}},
		Note:    fmt.Sprintf("@%s posts to %s. The token has no end; /revoke at @BotFather ends it.", who.Username, called(chat)),
	}
	if test != 0 {
		out.Fields = append(out.Fields, channels.Field{Key: "test_chat", Value: strconv.FormatInt(test, 10)})
	}
	if lacks != "" {
		out.Note += " Yet: " + lacks + "."
	}
	return out, nil
}

// bot asks for the token until Telegram knows it.
func (c connector) bot(ctx context.Context, p channels.Prompt) (*api, *models.User, error) {
	for {
		token, err := p.Ask(channels.Question{Text: "Token of the bot", Secret: true, Check: func(answer string) error {
			if !tokenForm.MatchString(strings.TrimSpace(answer)) {
				return errToken
			}
			return nil
		}})
		if err != nil {
			return nil, nil, err
		}
		bot, err := newAPI(c.address, strings.TrimSpace(token), zap.NewNop())
		if err != nil {
			return nil, nil, err
		}
		for {
			who, err := bot.me(ctx)
			if err == nil {
				return bot, who, nil
			}
			if ctx.Err() != nil {
				return nil, nil, err
			}
			p.Tell("That did not work: " + err.Error())
			what, err := p.Ask(channels.Question{Text: "Try again, give another token, or stop?", Default: again, Choices: []string{again, other, giveUp}})
			if err != nil {
				return nil, nil, err
			}
			if what == giveUp {
				return nil, nil, errStopped
			}
			if what == other {
				break
			}
		}
	}
}

// chat asks where to post until the bot may. What it lacks for pinning may come
// later.
func (c connector) chat(ctx context.Context, p channels.Prompt, bot *api) (*models.ChatFullInfo, string, error) {
	for {
		name, err := p.Ask(channels.Question{Text: "Channel: its @name, its link https://t.me/name, or its number -100...", Check: func(answer string) error {
			if !chatForm.MatchString(chatName(answer)) {
				return errors.New("this is neither a name like @comune, nor a link like https://t.me/comune, nor a number like -1001234567890")
			}
			return nil
		}})
		if err != nil {
			return nil, "", err
		}
		for {
			var lacks string
			chat, err := bot.chat(ctx, chatName(name))
			choices := []string{again, other, giveUp}
			if err == nil {
				lacks, err = bot.membership(ctx, chat)
			}
			if err == nil {
				if lacks == "" {
					p.Tell("The bot may post in " + called(chat) + ".")
					return chat, "", nil
				}
				choices = []string{again, other, skip, giveUp} // posting works
			}
			if ctx.Err() != nil {
				return nil, "", ctx.Err()
			}
			problem := lacks
			if err != nil {
				problem = err.Error()
			}
			p.Tell("Not yet: " + problem)
			what, askErr := p.Ask(channels.Question{Text: "When it is mended, try again; or choose another channel?", Default: again, Choices: choices})
			if askErr != nil {
				return nil, "", askErr
			}
			if what == giveUp {
				return nil, "", errStopped
			}
			if what == skip {
				return chat, lacks, nil
			}
			if what == other {
				break
			}
		}
	}
}

// chatName reads what a person may type for a chat.
func chatName(answer string) string {
	answer = strings.TrimSpace(answer)
	for _, prefix := range []string{"https://", "http://", "www."} {
		answer = strings.TrimPrefix(answer, prefix)
	}
	for _, host := range []string{"t.me/", "telegram.me/"} {
		rest, ok := strings.CutPrefix(answer, host)
		if !ok {
			continue
		}
		rest = strings.TrimPrefix(rest, "s/") // its page in a browser
		if inside, ok := strings.CutPrefix(rest, "c/"); ok {
			number, _, _ := strings.Cut(inside, "/")
			return "-100" + number
		}
		name, _, _ := strings.Cut(rest, "/")
		return "@" + name
	}
	return answer
}

// testChat finds the chat of somebody of the office who wrote to the bot; 0 for
// none.
func (c connector) testChat(ctx context.Context, p channels.Prompt, bot *api, who *models.User, public *models.ChatFullInfo) (int64, error) {
	const yes, no = "yes", "no"
	for first := true; ; first = false {
		text := "A test post goes to a chat that the public does not see. Write /start to @" + who.Username + " in Telegram, or add it to a group of your office and write /start there. Done?"
		if !first {
			text = "Write /start to @" + who.Username + " in Telegram. Look again?"
		}
		answer, err := p.Ask(channels.Question{Text: text, Default: yes, Choices: []string{yes, no}})
		if err != nil || answer == no {
			return 0, err
		}
		heard, err := bot.heard(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return 0, err
			}
			p.Tell("That did not work: " + err.Error())
			continue
		}
		var names []string
		byName := map[string]int64{}
		for _, chat := range heard {
			if chat.ID == public.ID || chat.Type == models.ChatTypeChannel {
				continue
			}
			name := fmt.Sprintf("%s (%d)", personOrGroup(chat), chat.ID)
			if byName[name] == 0 {
				names = append(names, name)
			}
			byName[name] = chat.ID
		}
		if len(names) == 0 {
			p.Tell("Nobody has written to the bot in the last day, as far as Telegram tells.")
			continue
		}
		names = append(names, skip)
		chosen, err := p.Ask(channels.Question{Text: "Where do test posts go?", Default: names[0], Choices: names})
		if err != nil {
			return 0, err
		}
		return byName[chosen], nil // none for "go on without"
	}
}

// personOrGroup names a chat for the one who chooses.
func personOrGroup(chat models.Chat) string {
	name := strings.Join(strings.Fields(chat.Title+" "+chat.FirstName+" "+chat.LastName), " ")
	if name == "" {
		name = chat.Username
	}
	if name == "" {
		return "without a name"
	}
	return name
}

// heard gives the chats in which somebody wrote to the bot, as long as Telegram
// keeps them: a day. What was read is acknowledged, so that nobody reads it
// twice (core.telegram.org/bots/api, getUpdates).
func (a *api) heard(ctx context.Context) ([]models.Chat, error) {
	type params struct {
		Offset  int64    `json:"offset,omitempty"`
		Limit   int      `json:"limit"`
		Timeout int      `json:"timeout"`
		Allowed []string `json:"allowed_updates"`
	}
	var updates []struct {
		ID      int64           `json:"update_id"`
		Message *models.Message `json:"message"`
	}
	in := params{Limit: 100, Allowed: []string{"message"}}
	if err := certain(a.raw(ctx, "getUpdates", in, &updates)); err != nil {
		if r, ok := errors.AsType[*refusal](err); ok && r.code == 409 {
			return nil, errors.New("another program takes this bot's messages: stop it, or use a bot of its own")
		}
		return nil, err
	}
	var chats []models.Chat
	last := int64(0)
	for _, u := range updates {
		last = max(last, u.ID)
		if u.Message != nil && u.Message.Chat.ID != 0 {
			chats = append(chats, u.Message.Chat)
		}
	}
	if last > 0 {
		in.Offset, in.Limit = last+1, 1
		// Not heard: it is read again tomorrow at most.
		_ = a.raw(ctx, "getUpdates", in, &updates)
	}
	return chats, nil
}
