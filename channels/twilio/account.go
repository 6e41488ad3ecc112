package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"martinella/channels"
)

// Account is an account at Twilio, for what only reads. It may be used from many
// goroutines.
type Account struct {
	Call   *channels.Caller
	URL    string // .../2010-04-01/Accounts/AC..., without .json
	Header http.Header
	ByKey  bool   // signed in with an API key, which may not read the account itself
	List   string // that such a key may read: "/Messages.json"
}

// Check proves the credentials without sending: it reads the account, or a line
// of the list. It blocks; an account that is not active is Unauthorized.
func (a Account) Check(ctx context.Context) error {
	if a.ByKey {
		var any struct{}
		return a.Read(ctx, a.List+"?PageSize=1", &any)
	}
	var account struct {
		Status string `json:"status"` // active, suspended, closed
	}
	if err := a.Read(ctx, ".json", &account); err != nil {
		return err
	}
	if account.Status != "" && account.Status != "active" {
		return channels.Unauthorized(errors.New("the account at twilio is not active"))
	}
	return nil
}

// Read gets JSON from a path below the account. It blocks. A read changes
// nothing, so its errors, those of [Judge], are never Uncertain.
func (a Account) Read(ctx context.Context, path string, into any) error {
	answer, err := a.Call.Do(ctx, http.MethodGet, a.URL+path, a.Header, nil)
	if err == nil {
		err = Judge(a.Call, answer, time.Now())
	}
	if err == nil && (!answer.JSON || json.Unmarshal(answer.Body, into) != nil) {
		err = errors.New("twilio answered what cannot be read")
	}
	if v, _ := channels.VerdictOf(err); v == channels.VerdictUncertain {
		return errors.New(err.Error())
	}
	return err
}
