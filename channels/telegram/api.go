package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-telegram/bot"
	"go.uber.org/zap"

	"martinella/channels"
)

// api is one bot at one server. The token is in the path of every address, so
// nothing here shows an address.
type api struct {
	*bot.Bot
	call   *channels.Caller
	server string
}

// newAPI opens no connection.
func newAPI(address, token string, log *zap.Logger) (*api, error) {
	_, key, _ := strings.Cut(token, ":")
	call := channels.NewCaller(platform, token, url.QueryEscape(token), key)
	b, err := bot.New(token,
		bot.WithSkipGetMe(),
		bot.WithServerURL(address),
		bot.WithHTTPClient(time.Minute, httpClient{call}),
		// What the library complains of beside its errors: bodies that cannot be closed.
		bot.WithErrorsHandler(func(err error) { log.Debug("telegram's library", zap.String("error", redacted(call, err.Error()))) }),
	)
	if err != nil {
		return nil, fmt.Errorf("telegram: %s", redacted(call, err.Error()))
	}
	return &api{Bot: b, call: call, server: address}, nil
}

// httpClient makes the library's calls by the rules of [channels.Caller]. What
// is not a clear yes becomes a [failure] here, where status and body are still
// known; the library only reads the result of a yes.
type httpClient struct{ call *channels.Caller }

// failure is an error with its verdict on its way through the library.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Do makes one request, whatever the library or net/http would repeat.
func (c httpClient) Do(req *http.Request) (*http.Response, error) {
	// The library writes the form into a pipe; read to its end it can be sent
	// with its length.
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, &failure{channels.Permanent(fmt.Errorf("telegram: the request cannot be written: %s", redacted(c.call, err.Error())))}
	}
	header := req.Header.Clone()
	if len(body) == 0 {
		header.Del("Content-Type")
	}
	answer, err := c.call.Do(req.Context(), req.Method, req.URL.String(), header, body)
	if err != nil {
		return nil, &failure{err}
	}
	result, err := judge(c.call, answer)
	if err != nil {
		return nil, &failure{err}
	}
	yes, err := json.Marshal(response{OK: true, Result: narrow(result)})
	if err != nil {
		return nil, &failure{channels.Uncertain(errors.New("telegram answered a result that cannot be read"))}
	}
	return &http.Response{
		StatusCode: answer.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: answer.Header.Clone(),
		Body: io.NopCloser(bytes.NewReader(yes)), ContentLength: int64(len(yes)), Request: req,
	}, nil
}

// read are the fields of results that this package reads.
var read = []string{"message_id", "chat", "id", "type", "title", "username", "first_name", "is_bot",
	"status", "is_member", "can_send_messages", "can_post_messages", "can_edit_messages", "can_pin_messages"}

// narrow leaves of a result what is read. The library knows every field that
// there was when it was written, and refuses the whole result for one that has
// become something else: that must not make a post doubtful that was made.
func narrow(result json.RawMessage) json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(result, &all) != nil || all == nil {
		return result
	}
	some := map[string]json.RawMessage{}
	for _, name := range read {
		if v, ok := all[name]; ok {
			some[name] = v
		}
	}
	if chat, ok := some["chat"]; ok {
		delete(some, "chat")
		var in map[string]json.RawMessage
		if json.Unmarshal(chat, &in) == nil {
			delete(in, "chat")
			within, err := json.Marshal(in)
			if err == nil {
				some["chat"] = narrow(within)
			}
		}
	}
	out, err := json.Marshal(some)
	if err != nil {
		return result
	}
	return out
}

// plain takes the error of a call out of what the library wrote around it. What
// is the library's own came after a yes: the result is not what it should be.
func plain(err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.err
	}
	return channels.Uncertain(errors.New("telegram said yes, and the result cannot be read"))
}

// reading is plain for calls that change nothing.
func reading(err error) error { return certain(plain(err)) }

// certain: a call that changes nothing is never uncertain.
func certain(err error) error {
	if v, _ := channels.VerdictOf(err); v == channels.VerdictUncertain {
		return errors.New(err.Error())
	}
	return err
}

// raw makes a call that the library keeps to itself.
func (a *api) raw(ctx context.Context, method string, params, into any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return channels.Permanent(fmt.Errorf("telegram: %w", err))
	}
	answer, err := a.call.Do(ctx, http.MethodPost, a.server+"/bot"+a.Token()+"/"+method, http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return err
	}
	result, err := judge(a.call, answer)
	if err != nil {
		return err
	}
	if json.Unmarshal(result, into) != nil {
		return channels.Uncertain(errors.New("telegram said yes, and the result cannot be read"))
	}
	return nil
}

func redacted(call *channels.Caller, text string) string {
	for _, s := range call.Secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}
