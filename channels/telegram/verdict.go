package telegram

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"martinella/channels"
)

// response is what every method answers (core.telegram.org/bots/api,
// "Making requests").
type response struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result,omitempty"`
	Code        int             `json:"error_code,omitempty"`
	Description string          `json:"description,omitempty"`
	Parameters  struct {
		MigrateTo int64 `json:"migrate_to_chat_id,omitempty"`
	} `json:"parameters,omitzero"`
}

// refusal is a clear no, under the verdict that it has.
type refusal struct {
	code  int
	said  string // lower case
	moved bool   // the group is another one now
	err   error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// judge gives the result of a yes, else the verdict. A no may come with HTTP
// status 200: the error code in the body counts. What a server in trouble says,
// and what is neither yes nor no, is uncertain.
func judge(call *channels.Caller, a *channels.Answer) (json.RawMessage, error) {
	var r response
	readable := a.JSON && json.Unmarshal(a.Body, &r) == nil
	code, good := a.Status, a.Status >= 200 && a.Status < 300
	switch {
	case good && !readable:
		return nil, channels.Uncertain(channels.Refused(platform, strconv.Itoa(a.Status), "the answer is not the Bot API's"))
	case good && r.OK && len(r.Result) > 0:
		return r.Result, nil
	case readable && !r.OK && r.Code != 0:
		code = r.Code
	}
	detail := http.StatusText(code)
	if a.JSON {
		detail = string(a.Body)
	}
	if readable && r.Description != "" {
		detail = r.Description
	}
	no := &refusal{code: code, said: strings.ToLower(r.Description), moved: r.Parameters.MigrateTo != 0, err: channels.Refused(platform, strconv.Itoa(code), redacted(call, detail))}
	explain := func(words string) { no.err = fmt.Errorf("%w: %s", no.err, words) }
	switch {
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusTooEarly:
		return nil, channels.RetryAfter(no, channels.WaitOf(code, a.Header, a.Body, time.Now()))
	case code == http.StatusUnauthorized, code == http.StatusNotFound:
		explain("the token is not, or no longer, that of a bot")
		return nil, channels.Unauthorized(no)
	case code == http.StatusForbidden:
		explain("the bot is not in the chat, or may not write there: add it again as an administrator")
		return nil, channels.Unauthorized(no)
	case no.moved:
		explain(fmt.Sprintf("the group has become a supergroup with another number: write chat: %q into the configuration", strconv.FormatInt(r.Parameters.MigrateTo, 10)))
		return nil, channels.Unauthorized(no) // no message gets through until somebody does: they wait
	case no.saysAny(chatLost...):
		explain("there is no such chat for the bot: add it there as an administrator, or correct the chat in the configuration")
		return nil, channels.Unauthorized(no)
	case no.saysAny(rightsMissing...):
		explain("the bot lacks the right: make it an administrator of the chat who may post and edit messages")
		return nil, channels.Unauthorized(no)
	case code >= 300 && code < 500:
		return nil, channels.Permanent(no)
	}
	return nil, channels.Uncertain(no)
}

// What descriptions say, in lower case: from telegram-bot-api, Client.cpp, and
// from the errors of Telegram itself, which it passes on in capitals.
var (
	chatLost      = []string{"chat not found", "peer_id_invalid", "channel_private", "group chat was deactivated", "group chat was deleted"}
	rightsMissing = []string{"not enough rights", "administrator rights", "have no rights", "no write access", "chat_write_forbidden", "chat_admin_required", "chat_restricted",
		"chat_send_plain_forbidden", "chat_send_photos_forbidden", "chat_send_media_forbidden"}
	// Of a picture: it goes without.
	pictureBarred = []string{"rights to send photos", "chat_send_photos_forbidden", "chat_send_media_forbidden"}
	postGone      = []string{"message to edit not found", "message can't be edited", "message_id_invalid", "message not found", "message_edit_time_expired",
		"message_author_required", "no text in the message to edit", "no caption in the message to edit"}
	deleteGone    = []string{"message to delete not found", "message not found", "message_id_invalid"}
	deleteTooLate = []string{"message can't be deleted", "message_delete_forbidden"}
	unpinGone     = []string{"message to unpin not found", "message_id_invalid", "chat_not_modified", "message not found"}
	notModified   = []string{"message is not modified", "message_not_modified"}
)

func (r *refusal) saysAny(of ...string) bool {
	if r.code < 400 || r.code >= 500 {
		return false
	}
	for _, words := range of {
		if strings.Contains(r.said, words) {
			return true
		}
	}
	return false
}

// says reports whether an error of a call is a refusal in one of the words.
func says(err error, of []string) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.saysAny(of...)
}

// barsPicture reports whether a message that was surely not taken may be taken
// as words alone.
func barsPicture(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	if !ok || r.moved {
		return false
	}
	v, _ := channels.VerdictOf(err)
	return v == channels.VerdictPermanent && (r.code == http.StatusBadRequest || r.code == http.StatusRequestEntityTooLarge) || r.saysAny(pictureBarred...)
}
