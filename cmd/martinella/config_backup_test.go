package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBackupRules(t *testing.T) {
	dir, config := settle(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "secret"), "very-secret\n")
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	for entry, want := range map[string]string{
		"{folder: /tmp/x}": "backup[0].name is",
		"{name: nas}":      "needs one of folder, sftp and s3",
		"{name: nas, folder: /tmp/x, s3: {bucket: b}}":                                                   "needs one of folder, sftp and s3",
		"{name: nas, folder: " + filepath.Join(dir, "data", "copies") + "}":                              "is in the folder of the gateway's data",
		"{name: nas, folder: " + dir + "}":                                                               "holds the folder of the gateway's data",
		"{name: nas, folder: /tmp/x}\n- {name: nas, folder: /tmp/y}":                                     "which another place has",
		"{name: nas, folder: /tmp/x}\n- {name: two, folder: /tmp/x}":                                     "is where other backups are",
		"{name: nas, folder: /tmp/x, every: 1s}":                                                         "is 1s",
		"{name: nas, folder: /tmp/x, every: 48h}":                                                        "is 48h",
		"{name: nas, folder: /tmp/x, keep: {daily: -1}}":                                                 "keep.daily is -1",
		"{name: nas, folder: /tmp/x, keep: {dayly: 1}}":                                                  "did you mean daily",
		"{name: nas, s3: {endpoint: 'http://s3.example', bucket: b, access_id: k, secret_file: secret}}": "is not encrypted",
		"{name: nas, s3: {endpoint: 'https://s3.example', access_id: k, secret_file: secret}}":           "is not complete",
		"{name: nas, s3: {endpoint: 'https://s3.example', bucket: b, access_id: k, secret_file: none}}":  "is not complete",
		"{name: nas, s3: {endpoint: 'https://s3.example', bucket: b, access_id: k, secret: x}}":          "is a secret in the configuration",
		"{name: nas, sftp: {address: nas, user: u, folder: f}}":                                          "is not complete",
		"{name: nas, sftp: {address: 'nas:22', user: u, folder: f, key_file: none}}":                     "is not complete",
	} {
		write(t, config, string(text)+"backup:\n- "+entry+"\n")
		code, _, stderr := command(t, "config", "check", "--config", config)
		if code != exitRefused || !strings.Contains(stderr, want) || !strings.Contains(stderr, "martinella.yaml:") || strings.Contains(stderr, "very-secret") {
			t.Errorf("%s: %d %s", entry, code, stderr)
		}
	}
	write(t, config, string(text)+"backup:\n- {name: nas, folder: /tmp/x, every: 30m, keep: {hourly: 4, daily: 3, weekly: 2}}\n- {name: bucket, s3: {endpoint: 'https://s3.example', bucket: b, access_id: k, secret_file: secret}}\n")
	must(t, "config", "check", "--config", config)
}
