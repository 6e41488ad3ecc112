package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheStoreIsAnAddressOrKeys(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "word"), "hunter2\n")
	load := func(text string, env ...string) *Config {
		t.Helper()
		c, err := loadConfigOf(surroundings(env...), write(t, filepath.Join(dir, "m.yaml"), valdemo+text), nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, c := range map[string]struct {
		text string
		env  []string
		want string
	}{
		"nothing":                {"", nil, "embedded"},
		"nothing behind it":      {"redis:\n", nil, "embedded"},
		"an address":             {"redis: redis://10.0.0.5:6379\n", nil, "redis://10.0.0.5:6379"},
		"keys":                   {"redis:\n  url: redis://10.0.0.5:6379\n  min_replicas: 1\n", nil, "redis://10.0.0.5:6379"},
		"a variable":             {"redis: redis://10.0.0.5:6379\n", []string{"MARTINELLA_REDIS=redis://10.0.0.6:6379"}, "redis://10.0.0.6:6379"},
		"a variable of one key":  {"", []string{"MARTINELLA_REDIS__URL=redis://10.0.0.6:6379"}, "redis://10.0.0.6:6379"},
		"a variable over keys":   {"redis: {url: embedded}\n", []string{"MARTINELLA_REDIS=unix:///run/redis.sock"}, "unix:///run/redis.sock"},
		"replicas by a variable": {"redis: redis://10.0.0.5:6379\n", []string{"MARTINELLA_REDIS__MIN_REPLICAS=2"}, "redis://10.0.0.5:6379"},
	} {
		if got := load(c.text, c.env...).Redis.URL; got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}

	c := load("redis:\n  min_replicas: 1\n  replica_timeout: 300ms\n  sentinel:\n    master: main\n    addresses: [10.0.0.5:26379, 10.0.0.6:26379]\n    username: bell\n    password_file: word\n")
	to, err := c.storeConfig(c.Redis.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := to.Sentinel
	if to.Redis != "" || to.Replicas != 1 || to.ReplicaTimeout != 300*time.Millisecond || s == nil || s.Master != "main" ||
		!slices.Equal(s.Addresses, []string{"10.0.0.5:26379", "10.0.0.6:26379"}) || s.Username != "bell" || s.Password != "hunter2" {
		t.Errorf("got %+v, %+v", to, s)
	}
	out := must(t, "config", "print", "--config", filepath.Join(dir, "m.yaml"))
	if strings.Contains(out, "hunter2") || !strings.Contains(out, "min_replicas: 1") || !strings.Contains(out, "replica_timeout: 300ms") || !strings.Contains(out, "master: main") {
		t.Errorf("printed:\n%s", out)
	}
	if code, _, errOut := command(t, "config", "check", "--config", write(t, filepath.Join(dir, "again.yaml"), out)); code != 0 {
		t.Errorf("what is printed is not read again: %s", errOut)
	}
}

func TestMistakesOfTheStoreAreNamedWithTheirLine(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"a list":                      {"redis: [a]\n", "m.yaml:3: redis.url must be a single value"},
		"no scheme":                   {"redis: 10.0.0.5:6379\n", "m.yaml:3: redis is neither embedded, memory nor a redis:// URL"},
		"no scheme among keys":        {"redis:\n  min_replicas: 1\n  url: 10.0.0.5:6379\n", "m.yaml:5: redis.url is neither embedded"},
		"an unknown key":              {"redis:\n  min_replica: 1\n", "m.yaml:4: unknown key redis.min_replica (did you mean min_replicas?)"},
		"too many replicas":           {"redis:\n  url: redis://h:1\n  min_replicas: 1000\n", "m.yaml:5: redis.min_replicas is 1000"},
		"replicas of our own server":  {"redis:\n  min_replicas: 1\n", "m.yaml:4: redis.min_replicas is 1, but the store embedded has no replicas"},
		"a wait that is too long":     {"redis:\n  url: redis://h:1\n  replica_timeout: 1m\n", "m.yaml:5: redis.replica_timeout is 1m0s"},
		"sentinels and an address":    {"redis:\n  url: redis://h:1\n  sentinel: {master: main, addresses: ['h:2']}\n", "m.yaml:4: redis.url is given beside redis.sentinel"},
		"sentinels without a master":  {"redis:\n  sentinel:\n    addresses: ['h:2']\n", "m.yaml:4: redis.sentinel.master is \"\""},
		"a master without sentinels":  {"redis:\n  sentinel:\n    master: main\n", "m.yaml:4: redis.sentinel.addresses are missing"},
		"a sentinel without its port": {"redis:\n  sentinel:\n    master: main\n    addresses: [h]\n", "m.yaml:6: redis.sentinel.addresses[0] is \"h\""},
		"a password in the file":      {"redis:\n  sentinel:\n    master: main\n    password: x\n", "m.yaml:6: redis.sentinel.password is a secret in the configuration"},
		"a password file that is not": {"redis:\n  sentinel:\n    master: main\n    addresses: ['h:2']\n    password_file: nowhere\n", "m.yaml:7: redis.sentinel.password_file cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "m.yaml"), valdemo+c.text)
			if code, _, errOut := command(t, "config", "check", "--config", file); code == 0 || !strings.Contains(errOut, c.want) {
				t.Errorf("exit %d, %q is not named in\n%s", code, c.want, errOut)
			}
		})
	}
	if _, err := loadConfigOf(surroundings("MARTINELLA_REDIS=nowhere"), "", nil); err == nil || !strings.Contains(err.Error(), "MARTINELLA_REDIS: redis is neither") {
		t.Errorf("got %v", err)
	}
}
