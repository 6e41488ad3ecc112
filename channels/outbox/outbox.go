package outbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// Config is an outbox's entry in the configuration.
type Config struct {
	Folder   string `yaml:"folder"`   // where NAME.jsonl is; default "outbox"
	Keep     int    `yaml:"keep"`     // how many of the latest are shown on a page; default 100
	Language string `yaml:"language"` // the only language; "" is every language of an alert
}

// Entry is one message as it is written.
type Entry struct {
	Key      string          `json:"key"`
	Sent     time.Time       `json:"sent"` // when the alert was published
	Channel  string          `json:"channel"`
	Audience string          `json:"audience"`
	Language string          `json:"language"`
	Title    string          `json:"title,omitempty"`
	Text     string          `json:"text"`
	URL      string          `json:"url,omitempty"`
	Alert    alerts.ID       `json:"alert"`
	Event    alerts.ID       `json:"event"`
	Revision int             `json:"revision"`
	Change   alerts.Change   `json:"change"`
	Severity alerts.Severity `json:"severity"`
	Exercise bool            `json:"exercise,omitempty"`
}

// Channel is one outbox. It may be used from many goroutines, but only one
// process may write a file at a time.
type Channel struct {
	name     string
	config   Config
	settings channels.Settings
	log      *zap.Logger

	mu     sync.Mutex
	file   *os.File // nil until the first use
	ids    map[string]bool
	latest []Entry // the newest last
	size   int64   // of the file up to the last whole line
}

var (
	_ channels.Channel = (*Channel)(nil)
	_ channels.Finder  = (*Channel)(nil)
	_ channels.Checker = (*Channel)(nil)

	_ channels.Notifier = (*Channel)(nil)
	_ channels.Pager    = (*Channel)(nil)
)

// New makes an outbox. It opens nothing: the first use does. The error names
// every mistake of the configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	if c.Folder == "" {
		c.Folder = "outbox"
	}
	if c.Keep == 0 {
		c.Keep = 100
	}
	errs := []error{channels.CheckName(name)}
	if c.Keep < 0 {
		errs = append(errs, errors.New("keep is negative"))
	}
	if info, err := os.Stat(c.Folder); err == nil && !info.IsDir() {
		errs = append(errs, fmt.Errorf("folder: %s is not a folder", c.Folder))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("outbox %s: %w", name, err)
	}
	return &Channel{name: name, config: c, settings: s, log: log, ids: map[string]bool{}}, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// Path is where the messages are written.
func (c *Channel) Path() string { return filepath.Join(c.config.Folder, c.name+".jsonl") }

// Render makes one message a language, whole.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) {
	languages := channels.Languages(r, c.settings)
	if c.config.Language != "" {
		languages = []string{channels.Closest(languages, c.config.Language)}
	}
	messages := make([]channels.Message, 0, len(languages))
	for _, lang := range languages {
		composed := channels.Compose(r, lang, c.settings)
		m := composed.Message(c.name, "public", r)
		var err error
		if m.Text, err = composed.Fit(0, channels.UnitChars.Count); err != nil {
			return nil, fmt.Errorf("outbox %s: %w", c.name, err)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// RenderPage writes a page to volunteers whole, once for all of them, and
// without the link, which is one person's: in practice everybody may read the
// outbox.
func (c *Channel) RenderPage(p channels.Page) (channels.Message, error) {
	p.Link = ""
	t := channels.ComposePage(p)
	m := p.Message()
	m.Title, m.Text = t.Heading(), t.Text()
	return m, nil
}

// Send writes m down, unless it is written already. A full disk is a plain
// error: nothing was written.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return channels.Receipt{}, err
	}
	e := Entry{Key: m.Key, Sent: m.Sent.UTC(), Channel: m.Channel, Audience: m.Audience, Language: m.Language, Title: m.Title, Text: m.Text, URL: m.URL,
		Alert: m.Alert, Event: m.Event, Revision: m.Revision, Change: m.Change, Severity: m.Severity, Exercise: m.Exercise}
	id := entryID(e.Key, e.Language)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.open(); err != nil {
		return channels.Receipt{}, err
	}
	if c.ids[id] {
		return channels.Receipt{ID: id, Note: "was written before"}, nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("outbox %s: %w", c.name, err))
	}
	line = append(line, '\n')
	if _, err := c.file.Write(line); err != nil {
		return channels.Receipt{}, errors.Join(fmt.Errorf("outbox %s: %w", c.name, err), c.file.Truncate(c.size))
	}
	c.size += int64(len(line))
	c.remember(id, e)
	return channels.Receipt{ID: id}, nil
}

// Notify writes down what a member of staff is called for. Who it is stays out:
// in practice everybody may read the outbox.
func (c *Channel) Notify(ctx context.Context, _, subject, text string) error {
	now := time.Now()
	_, err := c.Send(ctx, channels.Message{Key: "ring/" + rand.Text(), Sent: now, Channel: c.name, Audience: "staff", Title: subject, Text: text, Exercise: true})
	return err
}

// Find says whether m is written down.
func (c *Channel) Find(_ context.Context, m channels.Message) (channels.Receipt, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.open(); err != nil {
		return channels.Receipt{}, false, err
	}
	id := entryID(m.Key, m.Language)
	if !c.ids[id] {
		return channels.Receipt{}, false, nil
	}
	return channels.Receipt{ID: id}, true, nil
}

// Check says whether the file can be written, or made, and makes nothing: it is
// asked by commands of other users too, whose file the gateway could not write.
func (c *Channel) Check(context.Context) error {
	fail := func(err error) error { return fmt.Errorf("outbox %s: %w", c.name, err) }
	file, err := os.OpenFile(c.Path(), os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		return file.Close()
	}
	if !errors.Is(err, os.ErrNotExist) {
		return fail(err)
	}
	folder := c.config.Folder
	for _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) && folder != filepath.Dir(folder); _, err = os.Stat(folder) {
		folder = filepath.Dir(folder)
	}
	try, err := os.CreateTemp(folder, ".try-*")
	if err != nil {
		return fail(err)
	}
	if err := errors.Join(try.Close(), os.Remove(try.Name())); err != nil {
		return fail(err)
	}
	return nil
}

// Latest gives the last messages, the newest first.
func (c *Channel) Latest() ([]Entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.open(); err != nil {
		return nil, err
	}
	out := slices.Clone(c.latest)
	slices.Reverse(out)
	return out, nil
}

// Close ends the use of the file; the next use opens it again.
func (c *Channel) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return nil
	}
	err := c.file.Close()
	c.file = nil
	return err
}

func (c *Channel) remember(id string, e Entry) {
	c.ids[id] = true
	c.latest = append(c.latest, e)
	if over := len(c.latest) - c.config.Keep; over > 0 {
		c.latest = slices.Delete(c.latest, 0, over)
	}
}

// open opens the file and reads what is in it, once. A last line without its
// end is what a crash left: it was never answered for, so it goes. The caller
// holds the lock.
func (c *Channel) open() error {
	if c.file != nil {
		return nil
	}
	fail := func(err error) error { return fmt.Errorf("outbox %s: %w", c.name, err) }
	if err := os.MkdirAll(c.config.Folder, 0o700); err != nil {
		return fail(err)
	}
	file, err := os.OpenFile(c.Path(), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fail(err)
	}
	c.ids, c.latest, c.size = map[string]bool{}, nil, 0
	in := bufio.NewReader(file)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if len(line) > 0 {
				c.log.Warn("the outbox ends in half a line: it is taken out", zap.String("channel", c.name), zap.Int("bytes", len(line)))
			}
			break
		}
		if err != nil {
			return fail(errors.Join(err, file.Close()))
		}
		c.size += int64(len(line))
		var e Entry
		if json.Unmarshal(bytes.TrimSpace(line), &e) == nil && e.Key != "" {
			c.remember(entryID(e.Key, e.Language), e)
		}
	}
	if err := file.Truncate(c.size); err != nil {
		return fail(errors.Join(err, file.Close()))
	}
	c.file = file
	return nil
}

// entryID is short enough for a receipt and differs between languages.
func entryID(key, language string) string {
	sum := sha256.Sum256([]byte(key + "\x00" + language))
	return hex.EncodeToString(sum[:12])
}
