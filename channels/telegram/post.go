package telegram

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-telegram/bot/models"

	"martinella/channels"
)

// post is where a post is. As text it is the id that receipts carry:
//
//	-1001234567890/57   words alone
//	-1001234567890/p57  a picture with its caption
//
// Both are edited by different methods. The chat is part of it, because message
// numbers are the chat's own: after another chat was configured, the number
// alone would lead to a post of that one.
type post struct {
	chat    string // its number; the configured @name where Telegram did not tell
	message int
	photo   bool
}

func (p post) String() string {
	if p.photo {
		return p.chat + "/p" + strconv.Itoa(p.message)
	}
	return p.chat + "/" + strconv.Itoa(p.message)
}

var errPostID = errors.New("telegram: this is not the id of a post")

func parsePost(id string) (post, error) {
	chat, rest, _ := strings.Cut(id, "/")
	p := post{chat: chat}
	number, photo := strings.CutPrefix(rest, "p")
	p.photo = photo
	var err error
	p.message, err = strconv.Atoi(number)
	if err != nil || p.message <= 0 || !chatForm.MatchString(chat) || p.String() != id {
		return post{}, errPostID
	}
	return p, nil
}

// posted is the post that Telegram says it made.
func (c *Channel) posted(m *models.Message, photo bool) (post, channels.Receipt, error) {
	if m == nil || m.ID <= 0 {
		return post{}, channels.Receipt{}, channels.Uncertain(errors.New("telegram took the post and gave no id"))
	}
	p := post{chat: c.config.Chat, message: m.ID, photo: photo}
	if m.Chat.ID != 0 {
		p.chat = strconv.FormatInt(m.Chat.ID, 10)
	}
	return p, channels.Receipt{ID: p.String(), URL: c.address(p, m.Chat.Username)}, nil
}

// address is where people find the post; "" where there is none: a group that
// is no supergroup, a private chat. That of a private channel opens for its
// members only.
func (c *Channel) address(p post, username string) string {
	if name, public := strings.CutPrefix(c.config.Chat, "@"); public && username == "" {
		username = name
	}
	if username != "" {
		return "https://t.me/" + username + "/" + strconv.Itoa(p.message)
	}
	if number, ok := strings.CutPrefix(p.chat, "-100"); ok {
		return "https://t.me/c/" + number + "/" + strconv.Itoa(p.message)
	}
	return ""
}

// numeric reports whether a chat is named by its number.
func numeric(chat string) bool { return !strings.HasPrefix(chat, "@") }

// bold makes the first line bold, and where that is a mark ("AGGIORNAMENTO"),
// the danger in the second one too. Addresses and hashtags Telegram finds
// itself; nothing of the text is read as formatting, so nobody's words can
// change how it looks.
func bold(m channels.Message, text string) []models.MessageEntity {
	lines := 1
	if m.Step != channels.StepPoint && (m.Exercise || m.Revision > 1) {
		lines = 2
	}
	end, from := 0, text
	for ; lines > 0; lines-- {
		line, rest, more := strings.Cut(from, "\n")
		end = len(text) - len(from) + len(line)
		if !more {
			break
		}
		from = rest
	}
	length := channels.Units16(strings.TrimSpace(text[:end]))
	if length == 0 {
		return nil
	}
	return []models.MessageEntity{{Type: models.MessageEntityTypeBold, Offset: 0, Length: length}}
}
