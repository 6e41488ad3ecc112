package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"martinella/broadcast/rdb"
	"martinella/channels"
	"martinella/channels/bluesky"
	"martinella/channels/copykit"
	"martinella/channels/email"
	"martinella/channels/facebook"
	"martinella/channels/mastodon"
	"martinella/channels/mqtt"
	"martinella/channels/outbox"
	"martinella/channels/pressroom"
	"martinella/channels/sms/httpsms"
	"martinella/channels/sms/smpp"
	"martinella/channels/telegram"
	"martinella/channels/voice"
	"martinella/channels/webhook"
	"martinella/channels/webpush"
	"martinella/channels/x"
	"martinella/dashboards"
)

// kinds is every way to say an alert. This file is the only one that knows the
// adapters: a new channel is its folder and one line here.
var kinds = map[string]kind{
	"bluesky":      adapter(bluesky.New).asSocial().connectedBy(bluesky.Connect),
	"copykit":      adapter(copykit.New).asSocial().asByHand(),
	"email":        adapter(email.New),
	"facebook":     adapter(facebook.New).asSocial().connectedBy(facebook.Connect),
	"httpsms":      adapter(httpsms.New),
	"mastodon":     adapter(mastodon.New).asSocial().connectedBy(mastodon.Connect),
	"mqtt":         adapter(mqtt.New),
	"outbox":       adapter(outbox.New).asMemory(),
	"pressroom":    adapter(pressroom.New),
	"smpp":         adapter(smpp.New),
	"telegram":     adapter(telegram.New).asSocial().connectedBy(telegram.Connect),
	"telegram-bot": adapter(telegram.NewBot),
	"voice":        adapter(voice.New),
	"webhook":      adapter(webhook.New),
	"webpush":      adapter(webpush.New),
	"x":            adapter(x.New).asSocial().connectedBy(x.Connect),
}

// store is where everything is kept.
type store = rdb.Redis

// openStore opens the store of a gateway at the address, which is that of the
// configuration or another way to the same. It blocks until the store answers
// or ctx ends.
func openStore(ctx context.Context, c *Config, address string, log *zap.Logger) (*store, error) {
	to, err := c.storeConfig(address)
	if err != nil {
		return nil, err
	}
	to.Program = version()
	return rdb.Open(ctx, to, log)
}

// openNode is openStore for a gateway: it upgrades what gateways of before can
// live with.
func openNode(ctx context.Context, c *Config, log *zap.Logger) (*store, error) {
	to, err := c.storeConfig(c.Redis.URL)
	if err != nil {
		return nil, err
	}
	to.Program, to.Gateway = version(), true
	return rdb.Open(ctx, to, log)
}

// notOpened gives an error of openStore its exit code.
func notOpened(err error, hint string) error {
	if errors.Is(err, rdb.ErrInUse) {
		return refused(err, "stop the other one, or name another folder with --data")
	}
	if errors.Is(err, rdb.ErrOtherKey) {
		return refused(err, "restore the key file from the backup of the data folder where the store was first started; nothing was changed")
	}
	if errors.Is(err, rdb.ErrNewerSchema) {
		return refused(err, "install the version that wrote it, or a newer one; nothing was changed")
	}
	return unreachable(err, hint)
}

// liveSocket gives the address of the server that a running gateway keeps in
// its data folder, or the configured address where none answers.
func liveSocket(ctx context.Context, c *Config) string {
	if c.Redis.URL != rdb.Embedded {
		return c.Redis.URL
	}
	path, err := filepath.Abs(filepath.Join(c.Data, "redis.sock"))
	if err != nil {
		return c.Redis.URL
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return c.Redis.URL
	}
	_ = conn.Close() // only to see whether somebody answers
	return (&url.URL{Scheme: "unix", Path: path}).String()
}

// withStore runs an act of administration on the store of the configuration:
// through the socket of the running gateway's own server, else by starting it.
func withStore(cmd *cobra.Command, sh shell, act func(context.Context, *Config, *store) error) error {
	c, err := loadConfig(sh, cmd.Flags())
	if err != nil {
		return err
	}
	if err := adopt(c); err != nil {
		return err
	}
	if c.Redis.URL == rdb.Memory {
		return usage(fmt.Errorf("a store in memory belongs to its gateway alone"), "use --redis embedded or a URL")
	}
	log := newLogger(sh.err).WithOptions(zap.IncreaseLevel(zap.ErrorLevel))
	address := liveSocket(cmd.Context(), c)
	if address == rdb.Embedded {
		if err := ownData(c.Data); err != nil {
			return err
		}
	}
	s, err := openStore(cmd.Context(), c, address, log)
	if err != nil {
		return notOpened(err, "is --data the folder of the gateway?")
	}
	defer s.Close()
	return act(cmd.Context(), c, s)
}

// ownData refuses to start a store in the folder of another user: what it writes
// there the gateway could no longer read.
func ownData(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is made
	}
	if err != nil {
		return refused(fmt.Errorf("data folder %s", plainPathError(err)), "name the folder of the gateway with --data")
	}
	if is, ok := info.Sys().(*syscall.Stat_t); ok && int(is.Uid) != os.Geteuid() {
		return refused(fmt.Errorf("the data folder %s is another user's (%d), and no gateway runs on it", dir, is.Uid),
			"start the gateway first (systemctl start martinella): this command then goes through it")
	}
	return nil
}

// outboxPage shows what the outboxes hold.
type outboxPage []*outbox.Channel

// newOutboxPage finds the outboxes; nil without one.
func newOutboxPage(all []channels.Channel) dashboards.Outbox {
	var page outboxPage
	for _, ch := range all {
		if o, ok := ch.(*outbox.Channel); ok {
			page = append(page, o)
		}
	}
	if len(page) == 0 {
		return nil
	}
	return page
}

// Entries gives the newest messages of all outboxes.
func (p outboxPage) Entries() []dashboards.OutboxEntry {
	var all []dashboards.OutboxEntry
	for _, o := range p {
		latest, err := o.Latest()
		if err != nil {
			continue // the channel's own check says so
		}
		for _, e := range latest {
			all = append(all, dashboards.OutboxEntry{At: e.Sent, Channel: e.Channel, Title: e.Title, Text: e.Text, Alert: string(e.Alert)})
		}
	}
	slices.SortStableFunc(all, func(a, b dashboards.OutboxEntry) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Channel, b.Channel))
	})
	return all
}

// makeData creates the data folder for its owner alone.
func makeData(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return refused(fmt.Errorf("data folder %s", plainPathError(err)), "name a folder that can be written with --data")
	}
	return nil
}
