package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/channels"
)

func demoCommand(sh shell) *cobra.Command {
	var once bool
	var ready string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the gateway as an invented authority, with an exercise alert",
		Long: `Run the gateway on loopback as the invented Comune di Valdemo: public page,
live feed and outboxes that write what they would send. One exercise alert is
sent and followed; two keys, an author's and an approver's, are made. Nothing
leaves this machine.`,
		Example: "  martinella demo\n  martinella demo --once --redis memory",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := demoConfig(sh, cmd)
			if err != nil {
				return err
			}
			once = once || sh.getenv("MARTINELLA_DEMO_ONCE") != ""
			log, err := demoLog(c.Data)
			if err != nil {
				return err
			}
			defer log.Close()
			d := &demo{sh: sh, config: c, once: once}
			err = serve(cmd.Context(), c, ready, sh.out, newLogger(log), d.play)
			if errors.Is(err, errPlayed) {
				return nil
			}
			return err
		},
	}
	cmd.Flags().String("data", "./data", "`DIR` of everything that the gateway keeps")
	cmd.Flags().String("redis", "embedded", "embedded, memory or redis://...")
	listenFlags(cmd.Flags())
	cmd.Flags().StringVar(&ready, "ready-file", "", "write the addresses to `FILE` once alerts can be accepted")
	cmd.Flags().BoolVar(&once, "once", false, "end after the delivery table (or MARTINELLA_DEMO_ONCE=1)")
	return cmd
}

// demoChannels are the outboxes that stand for real channels.
var demoChannels = []string{"outbox-social", "outbox-sms", "outbox-email", "outbox-sirens"}

// demoConfig is the configuration of Valdemo. Flags and environment choose
// where; the rest is fixed.
func demoConfig(sh shell, cmd *cobra.Command) (*Config, error) {
	c, err := loadConfigOf(sh, "", cmd.Flags())
	if err != nil {
		return nil, err
	}
	c.Mode = modePractice
	c.Authority = AuthorityConfig{
		Slug: "valdemo", Name: "Protezione Civile - Comune di Valdemo", Sender: "protezione.civile@comune.valdemo.example",
		Contact: "sala.operativa@comune.valdemo.example", Language: "it-IT", Zone: "Europe/Rome",
	}
	for _, addr := range []*string{&c.Listen, &c.AdminListen} {
		host, _, err := net.SplitHostPort(*addr)
		if ip := net.ParseIP(host); err != nil || (host != "localhost" && (ip == nil || !ip.IsLoopback())) {
			return nil, usage(fmt.Errorf("the demonstration listens on loopback only, not on %s", *addr), "martinella serve runs a real gateway")
		}
	}
	// With the defaults a second gateway on this machine must not keep the
	// demonstration from starting.
	for flag, addr := range map[string]*string{"listen": &c.Listen, "admin-listen": &c.AdminListen} {
		if !cmd.Flags().Changed(flag) && taken(*addr) {
			fmt.Fprintf(sh.out, "%s is taken: another port is used\n", *addr)
			host, _, _ := net.SplitHostPort(*addr)
			*addr = net.JoinHostPort(host, "0")
		}
	}
	c.gazetteer = areas.Valdemo()
	c.Channels = nil
	for _, name := range demoChannels {
		n := yaml.Node{Kind: yaml.MappingNode}
		for _, kv := range [][2]string{{"name", name}, {"kind", "outbox"}, {"exercise", "true"}} {
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: kv[0]}, &yaml.Node{Kind: yaml.ScalarNode, Value: kv[1]})
		}
		var ch ChannelConfig
		r := &nodeReader{file: "demonstration"}
		ch.fillFrom(r, &n, name)
		if len(r.mistakes) > 0 {
			return nil, r.mistakes.err()
		}
		c.Channels = append(c.Channels, ch)
	}
	return c, nil
}

func taken(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return true
	}
	return l.Close() != nil
}

// demoLog keeps the terminal for what the demonstration shows.
func demoLog(dir string) (*os.File, error) {
	if err := makeData(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "martinella.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, refused(fmt.Errorf("log file %s", plainPathError(err)), "name a folder that can be written with --data")
	}
	return f, nil
}

// errPlayed ends the gateway after --once.
var errPlayed = errors.New("the demonstration is over")

// demo plays the demonstration on a gateway that is ready.
type demo struct {
	sh     shell
	config *Config
	once   bool
}

// playTime bounds the demonstration: it is only a hang limit.
const playTime = 2 * time.Minute

func (d *demo) play(ctx context.Context, g *gateway, at readyFile) error {
	playing, cancel := context.WithTimeout(ctx, playTime)
	defer cancel()
	author, err := d.key(playing, g, "author", keyRequest{name: "Valdemo author", can: []string{"submit", "read"}, statuses: []string{"Actual", "Exercise", "Test"}})
	if err != nil {
		return err
	}
	approver, err := d.key(playing, g, "approver", keyRequest{name: "Valdemo approver", can: []string{"approve", "read"}, statuses: []string{"Actual", "Exercise", "Test"}})
	if err != nil {
		return err
	}
	w := &witness{public: at.Public, site: d.config.PublicURL}
	if err := w.open(playing); err != nil {
		return err
	}
	defer w.close()
	sent, err := d.exercise(playing, at, author, approver)
	if err != nil {
		return err
	}
	ds, err := d.follow(playing, at, author, sent)
	if err != nil {
		return err
	}
	seen := w.wait(playing, sent)
	d.table(ds, seen, g.channels, func() (time.Time, error) {
		r, err := g.store.Store().Get(playing, sent.ID, alerts.Exactly)
		if err != nil {
			return time.Time{}, err
		}
		return r.Published, nil
	})
	if d.once {
		if err := seen.err(ds); err != nil {
			return err
		}
		return errPlayed
	}
	d.invite(at, author, approver, sent)
	return nil
}

// key gives the file of a key in the data folder and makes both when the file
// is new or the store does not know it.
func (d *demo) key(ctx context.Context, g *gateway, name string, k keyRequest) (string, error) {
	file := filepath.Join(d.config.Data, name+".key")
	b, err := os.ReadFile(file)
	if err == nil {
		known, err := keyKnown(ctx, g.store.Keys(), strings.TrimSpace(string(b)))
		if err != nil || known {
			return file, err
		}
		if err := os.Remove(file); err != nil { // of a store that is gone
			return "", err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	made, err := createKey(ctx, g.store.Keys(), k, time.Now())
	if err != nil {
		return "", err
	}
	return file, writeSecret(file, made.Key+"\n")
}

// client speaks to the demonstration's gateway as the owner of the key file.
func (d *demo) client(at readyFile, file string) (*client, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return newClientOf(at.Public, strings.TrimSpace(string(b))), nil
}

// exercise submits a new exercise as the author. It is Severe, and an
// exercise: the author's key may submit only, so the approver issues it.
func (d *demo) exercise(ctx context.Context, at readyFile, author, approver string) (submitted, error) {
	c, err := d.client(at, author)
	if err != nil {
		return submitted{}, err
	}
	message, err := exerciseAlert(d.config, time.Now())
	if err != nil {
		return submitted{}, err
	}
	s, _, err := c.submit(ctx, message)
	if err != nil {
		return s, fmt.Errorf("submit the exercise: %w", asFailure(err))
	}
	fmt.Fprintf(d.sh.out, "submitted %s as author: %s\n", s.ID, s.State)
	if s.State != alerts.StateSubmitted {
		return s, nil
	}
	second, err := d.client(at, approver)
	if err != nil {
		return s, err
	}
	v, err := second.alert(ctx, string(s.ID))
	if err != nil {
		return s, fmt.Errorf("read the exercise: %w", asFailure(err))
	}
	s, _, err = second.act(ctx, s.ID, "approve", alerts.Decision{Digest: v.Digest})
	if err != nil {
		return s, fmt.Errorf("approve the exercise: %w", asFailure(err))
	}
	fmt.Fprintf(d.sh.out, "approved %s as approver: %s\n", s.ID, s.State)
	return s, nil
}

// keyKnown reports whether the store has the key.
func keyKnown(ctx context.Context, keys alerts.Keys, key string) (bool, error) {
	sum := sha256.Sum256([]byte(key))
	_, err := keys.ByToken(ctx, hex.EncodeToString(sum[:]))
	if errors.Is(err, alerts.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// outboxFile is where an outbox writes, "" for other channels.
func outboxFile(ch channels.Channel) string {
	if o, ok := ch.(interface{ Path() string }); ok {
		return o.Path()
	}
	return ""
}
