package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"martinella/broadcast/rdb"
)

// RedisConfig says where the store is and what it must promise. A file may
// write the address alone: redis: redis://10.0.0.5:6379.
type RedisConfig struct {
	URL            string         `yaml:"url"`             // embedded, memory or a URL
	MinReplicas    int            `yaml:"min_replicas"`    // that an answer waits for; 0: none
	ReplicaTimeout time.Duration  `yaml:"replica_timeout"` // how long; 0: 200ms
	Sentinel       SentinelConfig `yaml:"sentinel"`
}

// SentinelConfig is a Redis whose master is found by redis-sentinel, in place
// of the URL.
type SentinelConfig struct {
	Master       string   `yaml:"master"`    // the name that the sentinels know it by
	Addresses    []string `yaml:"addresses"` // of the sentinels
	DB           int      `yaml:"db"`
	Username     string   `yaml:"username"` // of Redis
	PasswordFile string   `yaml:"password_file"`

	SentinelUsername     string `yaml:"sentinel_username"` // of the sentinels themselves
	SentinelPasswordFile string `yaml:"sentinel_password_file"`
}

// redisPath is the key that a single value sets: in the file, in
// MARTINELLA_REDIS and by --redis.
const redisPath = "redis"

// fillFrom reads an address, or keys.
func (c *RedisConfig) fillFrom(r *nodeReader, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		if n.Tag != "!!null" {
			r.scalar(n, reflect.ValueOf(&c.URL).Elem(), joinPath(path, "url"))
		}
		return
	}
	r.fields(n, reflect.ValueOf(c).Elem(), path)
}

// short is the address where nothing else is said: then it is printed alone.
func (c RedisConfig) short() (string, bool) {
	return c.URL, c.URL != "" && reflect.DeepEqual(c, RedisConfig{URL: c.URL})
}

// asked reports whether the sentinels say where the store is.
func (c SentinelConfig) asked() bool { return !reflect.ValueOf(c).IsZero() }

// redisRules checks what is said of the store.
func (c *Config) redisRules(r *nodeReader, say sayFunc) {
	if c.AcceptWeakDurability != "" && !slices.Contains(weakModes, c.AcceptWeakDurability) {
		say("accept_weak_durability", "is "+quoted(c.AcceptWeakDurability), "name the mode that is accepted: "+strings.Join(weakModes, ", "))
	}
	at := redisPath
	if _, apart := r.lines["redis.url"]; apart {
		at = "redis.url"
	}
	switch u, err := url.Parse(c.Redis.URL); {
	case c.Redis.Sentinel.asked():
		if c.Redis.URL != "" {
			say(at, "is given beside redis.sentinel", "keep one of the two: the sentinels say where Redis is")
		}
		c.sentinelRules(say)
	case c.Redis.URL == rdb.Embedded:
	case c.Redis.URL == rdb.Memory:
		if c.Mode == modeLive && c.AcceptWeakDurability != "memory" {
			say(at, "is memory, which keeps nothing, in mode live", "use embedded or a URL, or mode practice")
		}
	case err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme):
		say(at, "is neither embedded, memory nor a redis:// URL", "")
	}
	switch n := c.Redis.MinReplicas; {
	case n < 0 || n > mostReplicas:
		say("redis.min_replicas", fmt.Sprintf("is %d", n), fmt.Sprintf("0 waits for none; up to %d", mostReplicas))
	case n > 0 && (c.Redis.URL == rdb.Embedded || c.Redis.URL == rdb.Memory):
		say("redis.min_replicas", "is "+fmt.Sprint(n)+", but the store "+c.Redis.URL+" has no replicas", "give a redis:// URL or redis.sentinel, or leave it out")
	}
	if d := c.Redis.ReplicaTimeout; d < 0 || d > rdb.MaxReplicaTimeout {
		say("redis.replica_timeout", "is "+d.String(), "a time up to "+rdb.MaxReplicaTimeout.String()+"; leave it out for 200ms")
	}
}

// mostReplicas is more than anybody has.
const mostReplicas = 16

func (c *Config) sentinelRules(say sayFunc) {
	s := c.Redis.Sentinel
	if s.Master == "" || strings.ContainsAny(s.Master, " \t") {
		say("redis.sentinel.master", "is "+quoted(s.Master), "the name in the line sentinel monitor of redis-sentinel")
	}
	if len(s.Addresses) == 0 {
		say("redis.sentinel.addresses", "are missing", "write host:port of each redis-sentinel")
	}
	for i, a := range s.Addresses {
		if host, port, err := net.SplitHostPort(a); err != nil || host == "" || port == "" {
			say(fmt.Sprintf("redis.sentinel.addresses[%d]", i), "is "+quoted(a), "write host:port, like 10.0.0.5:26379")
		}
	}
	if s.DB < 0 {
		say("redis.sentinel.db", "is negative", "leave it out for 0")
	}
	for path, file := range map[string]string{"redis.sentinel.password_file": s.PasswordFile, "redis.sentinel.sentinel_password_file": s.SentinelPasswordFile} {
		if _, err := readPassword(file); err != nil {
			say(path, "cannot be read: "+plainPathError(err), "name a file that holds the password alone")
		}
	}
}

// readPassword reads a secret of one line; "" names none.
func readPassword(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	return strings.TrimRight(string(b), "\r\n"), err
}

// storeConfig is what package rdb is told. address is that of the configuration
// or another way to the same store.
func (c *Config) storeConfig(address string) (rdb.Config, error) {
	out := rdb.Config{
		Redis: address, Authority: c.Authority.Slug, DataDir: c.Data, AcceptWeak: c.AcceptWeakDurability != "",
		Replicas: c.Redis.MinReplicas, ReplicaTimeout: c.Redis.ReplicaTimeout,
	}
	s := c.Redis.Sentinel
	if !s.asked() {
		return out, nil
	}
	password, err := readPassword(s.PasswordFile)
	if err != nil {
		return out, fmt.Errorf("redis.sentinel.password_file: %s", plainPathError(err))
	}
	ofSentinel, err := readPassword(s.SentinelPasswordFile)
	if err != nil {
		return out, fmt.Errorf("redis.sentinel.sentinel_password_file: %s", plainPathError(err))
	}
	out.Redis = ""
	out.Sentinel = &rdb.Sentinel{
		Master: s.Master, Addresses: trimmed(s.Addresses), DB: s.DB, Username: s.Username, Password: password,
		SentinelUsername: s.SentinelUsername, SentinelPassword: ofSentinel,
	}
	return out, nil
}
