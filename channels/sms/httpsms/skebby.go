package httpsms

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/channels"
	"martinella/channels/provider"
)

// skebbyAPI is Skebby's (developers.skebby.it).
const skebbyAPI = "https://api.skebby.it/API/v1.0/REST"

// The qualities of Skebby's messages: Classic+ with receipts, Classic, Basic
// without a sender of one's own.
var skebbyTypes = []string{"GP", "TI", "SI"}

// skebby speaks to Skebby's REST API 1.0: a login gives a session, which the
// other calls carry. That an order_id of ours is kept, and that asking for it
// proves what was taken, is from its documentation and was never tried.
type skebby struct {
	call    *channels.Caller
	base    string
	basic   string
	quality string
	token   string // of the hook; "": none

	gate    chan struct{} // holds one token: whoever has it may use the session
	session http.Header   // nil: not signed in
}

func (p *ProviderConfig) skebby(m *mistakes) carrier {
	if p.Username == "" || strings.Contains(p.Username, ":") {
		m.wrong("username", "is missing or has a colon", "the user name of the account")
	}
	password := m.secret("password_file", p.PasswordFile)
	quality := p.MessageType
	if quality == "" {
		quality = skebbyTypes[0]
	}
	if !slices.Contains(skebbyTypes, quality) {
		m.wrong("message_type", "is "+strconv.Quote(quality), "GP for Classic+, which has receipts; TI for Classic, SI for Basic")
	}
	if quality == "SI" && p.Source != "" {
		m.wrong("source", "is given with message_type SI", "Basic messages have no sender of one's own: use GP or TI")
	}
	if p.AccountSID != "" || p.AuthTokenFile != "" || p.APIKeySID != "" || p.MessagingServiceSID != "" || p.SecretFile != "" {
		m.wrong("provider", "is skebby and has fields of another", "use username and password_file")
	}
	token := ""
	if p.HookTokenFile != "" {
		token = m.secret("hook_token_file", p.HookTokenFile)
	}
	basic := base64.StdEncoding.EncodeToString([]byte(p.Username + ":" + password))
	return &skebby{call: channels.NewCaller(kindSkebby, password, basic, token), base: p.base(m, skebbyAPI), basic: basic, quality: quality, token: token,
		gate: make(chan struct{}, 1)}
}

// enter waits for the session's turn, as long as ctx allows: a login that hangs
// must not hold those who wait beyond their own time.
func (c *skebby) enter(ctx context.Context) error {
	select {
	case c.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("skebby: waiting for the login: %w", ctx.Err())
	}
}

func (c *skebby) leave() { <-c.gate }

// signIn gives the session. Of many callers one signs in; stale is a session
// that was refused.
func (c *skebby) signIn(ctx context.Context, stale http.Header) (http.Header, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.leave()
	if c.session != nil && (stale == nil || c.session.Get("Session_key") != stale.Get("Session_key")) {
		return c.session, nil
	}
	c.session = nil
	answer, err := c.call.Do(ctx, http.MethodGet, c.base+"/login", http.Header{"Authorization": {"Basic " + c.basic}}, nil)
	if err != nil {
		return nil, err
	}
	if answer.Status == http.StatusNotFound {
		return nil, channels.Unauthorized(errors.New("skebby answered 404 to the login: it does not know the user"))
	}
	if err := usual(c.call, answer, fmt.Errorf("skebby answered %d to the login", answer.Status)); err != nil {
		return nil, certain(err)
	}
	user, key, ok := strings.Cut(strings.TrimSpace(string(answer.Body)), ";")
	if !ok || user == "" || key == "" || len(answer.Body) > 500 || strings.ContainsFunc(user+key, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' }) {
		return nil, errors.New("skebby answered the login with no session")
	}
	c.session = http.Header{"User_key": {user}, "Session_key": {key}, "Accept": {"application/json"}}
	return c.session, nil
}

// do makes a call under the session, and once more under a new one where the
// session is refused: an answer of 401 took nothing.
func (c *skebby) do(ctx context.Context, method, path string, body []byte) (*channels.Answer, error) {
	var stale http.Header
	for {
		session, err := c.signIn(ctx, stale)
		if err != nil {
			return nil, err
		}
		header := session.Clone()
		if body != nil {
			header.Set("Content-Type", "application/json")
		}
		answer, err := c.call.Do(ctx, method, c.base+path, header, body)
		if err != nil || answer.Status != http.StatusUnauthorized || stale != nil {
			return answer, err
		}
		stale = session
	}
}

// skebbyOrder is an SMS as it is ordered.
type skebbyOrder struct {
	Type      string   `json:"message_type"`
	Message   string   `json:"message"`
	Recipient []string `json:"recipient"`
	Sender    string   `json:"sender,omitempty"`
	OrderID   string   `json:"order_id"` // at most 32 of letters, digits, _ . -
	Encoding  string   `json:"encoding"` // gsm or ucs2
}

// skebbyAnswer is what it says of an order.
type skebbyAnswer struct {
	Result     string `json:"result"` // OK
	OrderID    string `json:"order_id"`
	TotalSent  *int   `json:"total_sent"`
	Recipients []struct {
		Status string `json:"status"`
	} `json:"recipients"`
}

func (c *skebby) send(ctx context.Context, t text) (string, error) {
	order := skebbyOrder{Type: c.quality, Message: t.Text, Recipient: []string{t.To}, Sender: t.from, OrderID: orderID(t.Message), Encoding: encodingOf(t.Text)}
	if c.quality == "SI" {
		order.Sender = ""
	}
	body, err := json.Marshal(order)
	if err != nil {
		return "", channels.Permanent(errors.New("skebby: the order cannot be written as JSON"))
	}
	answer, err := c.do(ctx, http.MethodPost, "/sms", body)
	if err != nil {
		return "", err
	}
	if err := c.judge(answer); err != nil {
		return "", err
	}
	var got skebbyAnswer
	switch err := json.Unmarshal(answer.Body, &got); {
	case !answer.JSON || err != nil:
		return "", channels.Uncertain(fmt.Errorf("skebby answered %d with what cannot be read", answer.Status))
	case got.Result != "OK":
		return "", channels.Uncertain(fmt.Errorf("skebby answered %d and not OK", answer.Status))
	case got.TotalSent != nil && *got.TotalSent == 0:
		return "", elsewhere(errors.New("skebby took the order and sends it to nobody: the number is not valid for it"))
	case got.OrderID == "" || len(got.OrderID) > 64:
		return "", channels.Uncertain(fmt.Errorf("skebby answered %d without an order_id", answer.Status))
	}
	return got.OrderID, nil
}

// judge: 401 is a session or credentials that are refused, 404 a user that is
// not known, 400 what is wrong with the order; what lacks is credit where the
// answer says so (all from the documentation).
func (c *skebby) judge(a *channels.Answer) error {
	refusal := fmt.Errorf("skebby answered %d", a.Status)
	switch {
	case a.Status == http.StatusNotFound:
		return channels.Unauthorized(fmt.Errorf("%w: it does not know the user", refusal))
	case a.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(string(a.Body)), "credit"):
		return channels.Unauthorized(fmt.Errorf("%w: the credit is used up", refusal))
	}
	return usual(c.call, a, refusal)
}

func (c *skebby) finds() bool { return true }

// find asks for the order by the id that we gave it.
func (c *skebby) find(ctx context.Context, t text) (string, bool, error) {
	id := orderID(t.Message)
	answer, err := c.do(ctx, http.MethodGet, "/sms/"+id, nil)
	if err != nil {
		return "", false, certain(err)
	}
	if answer.Status == http.StatusNotFound {
		return "", false, nil
	}
	if err := c.judge(answer); err != nil {
		return "", false, certain(err)
	}
	var got skebbyAnswer
	if err := json.Unmarshal(answer.Body, &got); !answer.JSON || err != nil || got.Result != "OK" {
		return "", false, errors.New("skebby answered the question for an order with what cannot be read")
	}
	return id, len(got.Recipients) > 0, nil
}

func (c *skebby) checks() bool { return true }

// check signs in anew.
func (c *skebby) check(ctx context.Context) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	session := c.session
	c.leave()
	if session == nil {
		session = http.Header{}
	}
	_, err := c.signIn(ctx, session)
	return err
}

// events reads the receipt that Skebby posts: order_id, status, recipient and
// delivery_date, as a form or in the address. It signs nothing: the token in
// the address, which the panel is given, proves it.
func (c *skebby) events(r *http.Request, body []byte) ([]channels.DeliveryReport, []channels.Reply, error) {
	query := r.URL.Query()
	if c.token == "" || !provider.SameSecret(query.Get("token"), c.token) {
		return nil, nil, channels.ErrForged
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("order_id") {
		form = query
	}
	id, status := form.Get("order_id"), form.Get("status")
	if id == "" || len(id) > 64 || status == "" || len(status) > 40 {
		return nil, nil, errors.New("skebby: no receipt")
	}
	return []channels.DeliveryReport{{MessageID: id, State: skebbyState(status), Code: status, At: time.Now()}}, nil, nil
}

// skebbyState reads a message's state (developers.skebby.it, "Get SMS message
// state").
func skebbyState(status string) channels.ReportState {
	switch strings.ToUpper(status) {
	case "DLVRD":
		return channels.ReportDelivered
	case "ERROR", "TIMEOUT", "TOOM4NUM", "TOOM4USER", "UNKNPFX", "UNKNRCPT", "INVALIDDST", "BLACKLISTED", "KO", "INVALIDCONTENTS", "DEMO":
		return channels.ReportFailed
	}
	return channels.ReportEnroute // WAITING, SENT, WAIT4DLVR, SCHEDULED
}

func (c *skebby) hears() bool { return false }

func (c *skebby) hookNote() string {
	if c.token == "" {
		return "without hook_token_file no receipts come, and deliveries stay at accepted"
	}
	return "replies that people write to Skebby's numbers are not read: use a link, or a channel that hears STOP"
}
