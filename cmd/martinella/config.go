package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/broadcast/rdb"
	"martinella/channels"
	"martinella/dashboards/certificate"
)

// The modes of a gateway. Neither changes an alert: live refuses to start on a
// store that could forget one; practice refuses an Actual and uses outboxes
// only.
const (
	modeLive     = "live"
	modePractice = "practice"
)

// Config is everything that an operator may set, with the names of the file.
// It is plain data; relative paths are as written.
type Config struct {
	Mode      string          `yaml:"mode"`
	Authority AuthorityConfig `yaml:"authority"`

	Data           string    `yaml:"data"`
	Listen         string    `yaml:"listen"`
	AdminListen    string    `yaml:"admin_listen"`
	PublicURL      string    `yaml:"public_url"`
	TLS            TLSConfig `yaml:"tls"`
	TrustedProxies []string  `yaml:"trusted_proxies"` // addresses or prefixes whose X-Forwarded-For counts
	Direct         bool      `yaml:"direct"`          // no proxy stands before the listener
	Origins        []string  `yaml:"origins"`         // other sites that may open the live feed
	Profiling      bool      `yaml:"profiling"`       // /debug/pprof on the administration port

	Redis                RedisConfig `yaml:"redis"`
	AcceptWeakDurability string      `yaml:"accept_weak_durability"` // the weaker mode, by its name

	Policy   PolicyConfig    `yaml:"policy"`
	Limits   LimitsConfig    `yaml:"limits"`
	Pages    PagesConfig     `yaml:"pages"`
	Embed    EmbedConfig     `yaml:"embed"`
	Signing  SigningConfig   `yaml:"signing"`
	Channels []ChannelConfig `yaml:"channels"`
	Senders  []SenderConfig  `yaml:"senders"`
	Feeds    []FeedConfig    `yaml:"feeds"`  // official warnings of others
	Areas    []AreaConfig    `yaml:"areas"`  // outlines of municipalities and zones
	Mirror   []MirrorConfig  `yaml:"mirror"` // copies of the public pages on other hosts
	Backup   []BackupConfig  `yaml:"backup"` // places of encrypted backups

	Operators []OperatorConfig `yaml:"operators"` // who is told of every alert that goes out

	Accounts []AccountConfig   `yaml:"accounts"` // the register of official accounts
	Hashtags channels.Hashtags `yaml:"hashtags"` // the register of hashtags
	Words    WordsConfig       `yaml:"words"`    // what texts may name
	SignUps  SignUpsConfig     `yaml:"sign_ups"` // how people subscribe themselves

	Volunteers VolunteersConfig `yaml:"volunteers"` // how calls watch over people

	StaffOIDC OIDCConfig `yaml:"staff_oidc"` // the provider through which staff may sign in

	gazetteer   *areas.Gazetteer    // of Areas; nil without any
	certificate *certificate.Source // of TLS, once the listeners are open; nil without it

	file   string // it was read from; "" without one
	nobody bool   // no authority is configured
}

// AuthorityConfig is on whose behalf alerts are issued.
type AuthorityConfig struct {
	Slug     string `yaml:"slug"` // part of every stored key: never change it
	Name     string `yaml:"name"`
	Sender   string `yaml:"sender"` // CAP sender of own alerts
	Contact  string `yaml:"contact"`
	Language string `yaml:"language"`
	Zone     string `yaml:"zone"` // IANA name
}

// PolicyConfig holds the numbers of the rules.
type PolicyConfig struct {
	SecondPersonReach int           `yaml:"second_person_reach"`
	WarningAgain      time.Duration `yaml:"warning_again"`    // after which duty is rung again for an official warning; default 5m
	WarningEscalate   time.Duration `yaml:"warning_escalate"` // and then everyone; default 15m
}

// LimitsConfig bounds what one key or one node takes; 0 is the default.
type LimitsConfig struct {
	KeyRate     float64 `yaml:"key_rate"`     // requests of one API key a second; below 0: no limit
	KeyBurst    int     `yaml:"key_burst"`    // at once
	LiveClients int     `yaml:"live_clients"` // open pages and programs on this node
	LiveJoins   int     `yaml:"live_joins"`   // of them that come in a second, after a burst of as many; below 0: no limit
	LivePath    string  `yaml:"live_path"`    // how idle WebSockets are kept: epoll or goroutines; "": the best here
	// LiveFarewell is over how long open pages are sent away at shutdown; a 0
	// that is written is refused, see rules.
	LiveFarewell time.Duration `yaml:"live_farewell"`
}

// PagesConfig is what the public pages show of the institution.
type PagesConfig struct {
	Site          string `yaml:"site"`          // its own page
	Accessibility string `yaml:"accessibility"` // address of its statement
	Feedback      string `yaml:"feedback"`      // e-mail address for problems of the pages
	Brand         string `yaml:"brand"`         // "#rrggbb"
	Licence       string `yaml:"licence"`       // under which texts and feeds may be used again: "CC BY 4.0"
}

// EmbedConfig is who may show the strip of alerts in a frame.
type EmbedConfig struct {
	Origins []string `yaml:"origins"` // scheme and host of each site; none: the gateway's own pages alone
}

// SigningConfig is with what the published CAP messages are signed.
type SigningConfig struct {
	KeyFile         string `yaml:"key_file"`         // RSA, PEM: PKCS #8 or PKCS #1
	CertificateFile string `yaml:"certificate_file"` // PEM
}

// SenderConfig is a machine that signs its alerts with an XML signature.
type SenderConfig struct {
	Name        string   `yaml:"name"`
	Certificate string   `yaml:"certificate"` // PEM file, pinned
	Senders     []string `yaml:"senders"`     // CAP senders that it may speak for; none: any
	Can         []string `yaml:"can"`
	Areas       []string `yaml:"areas"`
	Hazards     []string `yaml:"hazards"`
	SeverityMax string   `yaml:"severity_max"`
	Status      []string `yaml:"status"`
}

// defaults is what holds where nothing is said.
func defaults() map[string]any {
	return map[string]any{
		"data": "./data", "listen": "127.0.0.1:8080", "admin_listen": "127.0.0.1:9090",
		"authority.language": "it-IT", "authority.zone": "Europe/Rome", "policy.second_person_reach": 1000,
	}
}

// envPrefix begins every variable of the configuration; a double underscore
// goes one level down: MARTINELLA_AUTHORITY__SLUG.
const envPrefix = "MARTINELLA_"

// envOther are variables with the prefix that are not configuration.
var envOther = []string{"MARTINELLA_CONFIG", "MARTINELLA_DEMO_ONCE", "MARTINELLA_URL", "MARTINELLA_KEY_FILE"}

// configFlags are the flags that set a configuration key of the same name.
func configFlags(f *pflag.FlagSet) {
	f.String("config", "", "configuration `FILE` (default martinella.yaml here or in /etc/martinella, if there is one)")
	f.String("data", "./data", "`DIR` of everything that the gateway keeps")
	f.String("redis", "embedded", "embedded, memory or redis://...")
}

func listenFlags(f *pflag.FlagSet) {
	f.String("listen", "127.0.0.1:8080", "public `ADDRESS`; port 0 takes a free one")
	f.String("admin-listen", "127.0.0.1:9090", "`ADDRESS` of metrics and health")
}

// loadConfig reads file < environment < flags and lists every mistake at once.
// flags may be nil.
func loadConfig(sh shell, flags *pflag.FlagSet) (*Config, error) {
	file, err := configFile(sh, flags)
	if err != nil {
		return nil, err
	}
	return loadConfigOf(sh, file, flags)
}

// loadConfigOf reads this file, or none where it is "".
func loadConfigOf(sh shell, file string, flags *pflag.FlagSet) (*Config, error) {
	c := &Config{file: file}
	r := &nodeReader{file: file, dir: filepath.Dir(file), lines: map[string]int{}, values: map[string]any{}}
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(defaults(), "."), nil); err != nil {
		return nil, err
	}
	if file != "" {
		fromFile, err := readConfigFile(r, file, c)
		if err != nil {
			return nil, usage(err, "check the indentation and the quotes")
		}
		if err := k.Load(confmap.Provider(fromFile, "."), nil); err != nil {
			return nil, err
		}
	}
	fromEnv := r.environment(sh)
	if err := k.Load(env.Provider(".", env.Opt{Prefix: envPrefix, TransformFunc: envValue, EnvironFunc: func() []string { return fromEnv }}), nil); err != nil {
		return nil, err
	}
	if flags != nil {
		isKey := leaves(reflect.TypeFor[Config](), "")
		set := posflag.ProviderWithFlag(flags, ".", k, func(f *pflag.Flag) (string, any) {
			name := strings.ReplaceAll(f.Name, "-", "_")
			if name == redisPath {
				name = "redis.url"
			}
			if _, ok := isKey[name]; !ok || !f.Changed {
				return "", nil
			}
			return name, f.Value.String()
		})
		if err := k.Load(set, nil); err != nil {
			return nil, err
		}
	}
	whole := *c // lists of entries are only in the file
	if err := k.UnmarshalWithConf("", c, koanf.UnmarshalConf{Tag: "yaml"}); err != nil {
		return nil, usage(fmt.Errorf("configuration: %w", err), "")
	}
	c.Channels, c.Senders, c.Feeds, c.Areas, c.Mirror, c.Backup, c.Accounts, c.Hashtags = whole.Channels, whole.Senders, whole.Feeds, whole.Areas, whole.Mirror, whole.Backup, whole.Accounts, whole.Hashtags
	c.complete()
	c.rules(r)
	if len(r.mistakes) > 0 {
		return nil, configError(r.mistakes)
	}
	return c, nil
}

func configError(ms mistakes) error {
	return &failure{exitUsage, ms.err(), "martinella config check lists every mistake"}
}

// configFile finds the file to read: the flag, the environment, or
// martinella.yaml in the current folder.
func configFile(sh shell, flags *pflag.FlagSet) (string, error) {
	file := sh.getenv("MARTINELLA_CONFIG")
	if flags != nil && flags.Lookup("config") != nil && flags.Changed("config") {
		file, _ = flags.GetString("config")
	}
	if file == "" {
		for _, usual := range usualFiles {
			if _, err := os.Stat(usual); !errors.Is(err, fs.ErrNotExist) {
				return usual, nil
			}
		}
		return "", nil
	}
	if _, err := os.Stat(file); err != nil {
		return "", usage(fmt.Errorf("configuration %s", plainPathError(err)), "name an existing file with --config")
	}
	return file, nil
}

// usualFiles are where the configuration is looked for: in the folder where one
// stands, and where the Debian package has it.
var usualFiles = []string{"martinella.yaml", "/etc/martinella/martinella.yaml"}

// readConfigFile walks the nodes of the file into c, and gives what could be
// read by its path, without the lists, which only a file can hold.
func readConfigFile(r *nodeReader, file string, c *Config) (map[string]any, error) {
	b, err := os.ReadFile(file) //nolint:gosec // the file that the operator names
	if err != nil {
		return nil, errors.New(plainPathError(err))
	}
	documents, err := yamlDocuments(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	for i, top := range documents {
		if i == 0 {
			r.read(top, c, "")
		} else if top.Tag != "!!null" {
			r.complain(top, "a second document begins, which is not read", "keep everything in one, without a line of ---")
		}
	}
	all := map[string]any{}
	for path := range leaves(reflect.TypeFor[Config](), "") {
		if v, ok := r.values[path]; ok {
			all[path] = v
		}
	}
	return all, nil
}

// yamlDocuments gives the top of each document; an empty file has none.
func yamlDocuments(b []byte) ([]*yaml.Node, error) {
	var tops []*yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(b)); ; {
		var doc yaml.Node
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return tops, nil
		} else if err != nil {
			return nil, err
		}
		tops = append(tops, doc.Content...)
	}
}

// envPath turns AUTHORITY__SLUG into authority.slug.
func envPath(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, envPrefix)), "__", ".")
}

// envValue is the value of a variable: a list is written with commas.
func envValue(name, text string) (string, any) {
	path := envPath(name)
	if t := leaves(reflect.TypeFor[Config](), "")[path]; t != nil && t.Kind() == reflect.Slice {
		return path, trimmed(strings.Split(text, ","))
	}
	return path, text
}

func envName(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "__"))
}

// environment checks the variables, and gives those that set a key and can be
// read, as NAME=value.
func (r *nodeReader) environment(sh shell) []string {
	var good []string
	known := leaves(reflect.TypeFor[Config](), "")
	if text := sh.getenv(envName(redisPath)); text != "" {
		good = append(good, envName("redis.url")+"="+text)
		r.lines[redisPath] = 0
		delete(r.lines, "redis.url")
	}
	for _, path := range slices.Sorted(maps.Keys(known)) {
		text := sh.getenv(envName(path))
		if text == "" {
			continue
		}
		if err := setScalar(reflect.New(known[path]).Elem(), text); err != nil {
			r.mistakes = append(r.mistakes, mistake{where: envName(path), what: fmt.Sprintf("is %q, which %v", text, err)})
			continue
		}
		good = append(good, envName(path)+"="+text)
		r.lines[path] = 0
	}
	for _, entry := range sh.environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(envOther, name) {
			continue
		}
		if _, ok := known[envPath(name)]; !ok && envPath(name) != redisPath {
			r.mistakes = append(r.mistakes, mistake{where: name, what: "is not a configuration variable", hint: "two underscores go one level down: " + envName("authority.slug")})
		}
	}
	return good
}

// leaves gives the path and type of every key that holds a single value or a
// list of them.
func leaves(t reflect.Type, under string) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for name, index := range fieldsOf(t) {
		f := t.FieldByIndex(index).Type
		at := joinPath(under, name)
		switch {
		case f.Kind() == reflect.Struct:
			maps.Copy(out, leaves(f, at))
		case f.Kind() == reflect.Slice && f.Elem().Kind() == reflect.Struct:
		default:
			out[at] = f
		}
	}
	return out
}

// nobodySlug is the authority's where none is configured.
const nobodySlug = "practice"

// complete fills what follows from the rest. Without a configured authority
// the gateway is for practice, under a name that says so.
func (c *Config) complete() {
	a := &c.Authority
	c.nobody = a.Slug == "" && a.Name == "" && a.Sender == ""
	if c.nobody {
		a.Slug, a.Name, a.Sender = nobodySlug, "Martinella (no authority configured)", "martinella@localhost"
	}
	if c.Mode == "" {
		c.Mode = modeLive
		if c.nobody {
			c.Mode = modePractice
		}
	}
	if c.Redis.URL == "" && !c.Redis.Sentinel.asked() {
		c.Redis.URL = rdb.Embedded
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
}

// authority is what the rooms know of it.
func (c *Config) authority() alerts.Authority {
	a := c.Authority
	return alerts.Authority{Slug: a.Slug, Name: a.Name, Sender: a.Sender, Contact: a.Contact, Language: a.Language}
}

// zone is the authority's; the rules have proved that it exists.
func (c *Config) zone() *time.Location {
	z, err := time.LoadLocation(c.Authority.Zone)
	if err != nil {
		return time.UTC
	}
	return z
}

var (
	slugForm = regexp.MustCompile(`^[a-z0-9-]{2,32}$`)
	langForm = regexp.MustCompile(`^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$`)
)

func quoted(s string) string { return strconv.Quote(s) }
