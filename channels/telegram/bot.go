package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/channels"
)

// AudienceSubscribers is whom [Bot.Render] writes to.
const AudienceSubscribers = "subscribers"

// What a bot may send (core.telegram.org/bots/faq, "My bot is hitting limits"):
// about 30 messages a second to all, one a second to one person. A page is one
// message to a person.
const (
	usualRate = 25
	mostRate  = 30
)

// BotConfig is a bot's entry in the configuration.
type BotConfig struct {
	TokenFile string  `yaml:"token_file"` // from @BotFather
	PerSecond float64 `yaml:"per_second"` // messages; 0 is 25, at most 30
	URL       string  `yaml:"url"`        // of a Bot API server; "" is Telegram's own
}

func (c *BotConfig) check(name string) (token string, err error) {
	c.URL = strings.TrimRight(c.URL, "/")
	if c.URL == "" {
		c.URL = server
	}
	errs := []error{channels.CheckName(name), channels.CheckURL("url", c.URL)}
	if c.PerSecond < 0 || c.PerSecond > mostRate {
		errs = append(errs, fmt.Errorf("per_second is %g: Telegram takes at most %d messages a second of a bot; leave it out for %d", c.PerSecond, mostRate, usualRate))
	}
	if c.PerSecond == 0 {
		c.PerSecond = usualRate
	}
	token, err = channels.ReadSecret("token_file", c.TokenFile)
	if err == nil && !tokenForm.MatchString(token) {
		err = fmt.Errorf("token_file: %s: %w", c.TokenFile, errToken)
	}
	if err := errors.Join(append(errs, err)...); err != nil {
		return "", fmt.Errorf("telegram-bot %s: %w", name, err)
	}
	return token, nil
}

// Bot writes to one person at a time, in the chat that they opened with it, and
// hears what they answer. It may be used from many goroutines; one process at a
// time may run [Bot.Listen].
type Bot struct {
	name     string
	config   BotConfig
	settings channels.Settings
	api      *api
	poll     *api // whose calls wait for news
	log      *zap.Logger

	called atomic.Pointer[string] // the bot's name, once Telegram told it
	next   atomic.Int64           // of the updates: those before it are done with
	news   atomic.Int64           // when the last one came, in seconds
	few    atomic.Bool            // updates are asked for one by one: together they were too long
}

var (
	_ channels.Channel   = (*Bot)(nil)
	_ channels.Addressed = (*Bot)(nil)
	_ channels.Pager     = (*Bot)(nil)
	_ channels.Listener  = (*Bot)(nil)
	_ channels.Sole      = (*Bot)(nil)
	_ channels.Linker    = (*Bot)(nil)
	_ channels.Answerer  = (*Bot)(nil)
	_ channels.Stoppable = (*Bot)(nil)
	_ channels.Checker   = (*Bot)(nil)
	_ channels.Limiter   = (*Bot)(nil)
	_ channels.Measurer  = (*Bot)(nil)
	_ channels.Renewer   = (*Bot)(nil)
)

// NewBot makes a bot. It opens no connection. The error names every mistake of
// the configuration.
func NewBot(name string, c BotConfig, s channels.Settings, log *zap.Logger) (*Bot, error) {
	token, err := c.check(name)
	if err != nil {
		return nil, err
	}
	b := &Bot{name: name, config: c, settings: s, log: log}
	if b.api, err = newAPI(c.URL, token, log); err != nil {
		return nil, err
	}
	if b.poll, err = newAPI(c.URL, token, log); err != nil {
		return nil, err
	}
	b.poll.call.Timeout = pollTime + pollGrace
	return b, nil
}

// Name is the configured name.
func (b *Bot) Name() string { return b.name }

// AddressKind is "telegram": the number of the chat with a person, which is that
// person's own at Telegram.
func (b *Bot) AddressKind() string { return "telegram" }

// Limit is the configured pace.
func (b *Bot) Limit() channels.Limit {
	return channels.Limit{PerSecond: b.config.PerSecond, Burst: max(1, int(b.config.PerSecond/5)), Window: 25}
}

// Measure counts UTF-16 units, as Telegram does.
func (b *Bot) Measure(text string) channels.Measure {
	return channels.Measure{Unit: string(channels.UnitUTF16), Used: channels.Units16(text), Max: mostText, Part: 1}
}

// HearsStop is true: /stop, or STOP in any of the usual words.
func (b *Bot) HearsStop() bool { return true }

// Sole is true: Telegram gives what comes to whoever asked last.
func (b *Bot) Sole() bool { return true }

// Renewal says how to get a new token.
func (b *Bot) Renewal() string {
	return "In Telegram, write /token to @BotFather (or /revoke, if somebody else may know the present one), choose the bot, put what it answers into " + b.config.TokenFile +
		" and start the gateway again."
}

// Render makes one text a language, with everything that is known of the alert.
func (b *Bot) Render(r *alerts.Record) ([]channels.Message, error) {
	var out []channels.Message
	for _, lang := range channels.Languages(r, b.settings) {
		composed := channels.Compose(r, lang, b.settings).Worded(b.name, platform, AudienceSubscribers)
		m := composed.Message(b.name, AudienceSubscribers, r)
		var err error
		if m.Text, err = composed.Fit(mostText, channels.UnitUTF16.Count); err != nil {
			return nil, fmt.Errorf("telegram-bot %s: %w", b.name, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// button is one answer below a page. Data is what a touch brings back, at most
// 64 bytes (core.telegram.org/bots/api, InlineKeyboardButton): it names the call
// and the answer, and nobody.
type button struct {
	Text string `json:"text"`
	Data string `json:"data"`
}

// RenderPage writes one message with the answers as buttons below it, and the
// link of the own page as text, since Telegram takes no link of a button that
// it cannot open itself.
func (b *Bot) RenderPage(p channels.Page) (channels.Message, error) {
	t := channels.ComposePage(p)
	m := p.Message()
	m.Text = t.Text()
	if t.Link != "" {
		m.Text += "\n\n" + t.Line + ": " + t.Link
	}
	if units := channels.Units16(m.Text) - channels.Units16(t.Link) + p.LongestLink(b.settings.PublicURL); units > mostText {
		return m, fmt.Errorf("telegram-bot %s: a page in %s: %w", b.name, p.Language, channels.ErrNoRoom)
	}
	rows := buttons(t)
	if len(rows) == 0 {
		return m, nil
	}
	var err error
	if m.Payload, err = json.Marshal(rows); err != nil {
		return m, fmt.Errorf("telegram-bot %s: a page in %s: %w", b.name, p.Language, err)
	}
	return m, nil
}

// buttons are the answers that a page offers, in rows; none where it only tells.
// What they bring back is read as a text message is (SI 20), in whatever language
// they are labelled.
func buttons(t channels.PageText) [][]button {
	w := lexicon.ForPages(t.Language)
	switch {
	case t.Kind == channels.PageTest:
		return [][]button{{{w.TestButton, t.Code + " OK"}}}
	case !t.Asks():
		return nil
	}
	var coming []button
	for _, minutes := range []int{10, 20, 40} {
		coming = append(coming, button{w.ComingIn(minutes), fmt.Sprintf("%s SI %d", t.Code, minutes)})
	}
	return [][]button{coming, {{w.Perhaps, t.Code + " FORSE"}, {w.Cannot, t.Code + " NO"}}}
}

// person is a chat with one person.
var person = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

// Send writes to one person. 403, and a chat that is not found, is
// [channels.Gone]: they have blocked the bot, deleted their account, or never
// opened it. Whether a message arrived after a lost answer nobody can ask.
func (b *Bot) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if !person.MatchString(m.To) {
		return channels.Receipt{}, channels.Permanent(errors.New("telegram: the contact is no number of a chat with one person"))
	}
	var rows [][]button
	if len(m.Payload) > 0 {
		if err := json.Unmarshal(m.Payload, &rows); err != nil {
			return channels.Receipt{}, channels.Permanent(fmt.Errorf("telegram: the buttons cannot be read: %w", err))
		}
	}
	sent, err := b.api.SendMessage(ctx, &bot.SendMessageParams{ChatID: m.To, Text: strings.TrimSpace(m.Text), ReplyMarkup: keyboard(rows), DisableNotification: silent(m), LinkPreviewOptions: noPreview()})
	if err := personal(plain(err)); err != nil {
		return channels.Receipt{}, err
	}
	if sent == nil || sent.ID == 0 {
		return channels.Receipt{}, channels.Uncertain(errors.New("telegram said yes, and names no message"))
	}
	return channels.Receipt{ID: fmt.Sprintf("%s/%d", m.To, sent.ID)}, nil
}

// keyboard is nil, which the library leaves out, where there are no buttons.
func keyboard(rows [][]button) models.ReplyMarkup {
	if len(rows) == 0 {
		return nil
	}
	var k models.InlineKeyboardMarkup
	for _, row := range rows {
		var line []models.InlineKeyboardButton
		for _, one := range row {
			line = append(line, models.InlineKeyboardButton{Text: one.Text, CallbackData: one.Data})
		}
		k.InlineKeyboard = append(k.InlineKeyboard, line)
	}
	return k
}

// personal reads refusals as they are meant of a chat with one person: what
// tells of a lost right in a channel tells here that this person is not there.
func personal(err error) error {
	r, ok := errors.AsType[*refusal](err)
	if ok && (r.code == http.StatusForbidden || r.saysAny(chatLost...)) {
		return channels.Gone(channels.Refused(platform, fmt.Sprint(r.code), "the person has blocked the bot, or is not at Telegram any more"))
	}
	return err
}

// Answer writes back to a person who wrote or touched a button.
func (b *Bot) Answer(ctx context.Context, to, text string) error {
	_, err := b.Send(ctx, channels.Message{To: to, Text: text})
	return err
}

// Check proves the token, and learns the bot's name. A webhook that somebody has
// set for the bot takes away what people answer: that is an error.
func (b *Bot) Check(ctx context.Context) error {
	who, err := b.api.me(ctx)
	if err != nil {
		return err
	}
	if who.Username != "" {
		b.called.Store(&who.Username)
	}
	var hook struct {
		URL string `json:"url"`
	}
	if err := certain(b.api.raw(ctx, "getWebhookInfo", struct{}{}, &hook)); err != nil {
		return err
	}
	if hook.URL != "" {
		return errors.New("telegram: another program has set a webhook for this bot, so that no answer comes here: give the gateway a bot of its own")
	}
	return nil
}

// Link is the address that opens the bot in Telegram and, once the person
// touches Start, brings the code here. "" while Telegram has not told the bot's
// name (core.telegram.org/bots/features, "Deep Linking").
func (b *Bot) Link(code string) string {
	name := b.called.Load()
	if name == nil || !codeForm.MatchString(code) {
		return ""
	}
	return "https://t.me/" + *name + "?start=" + code
}

// codeForm is what a deep link may carry.
var codeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
