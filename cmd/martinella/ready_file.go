package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// readyFile is what --ready-file gets once the gateway can accept alerts.
type readyFile struct {
	Public string `json:"public"`
	Admin  string `json:"admin"`
	PID    int    `json:"pid"`
}

// write puts the file there in one step: who sees it sees all of it.
func (r readyFile) write(name string) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".ready-*")
	if err != nil {
		return fmt.Errorf("write the ready file: %s", plainPathError(err))
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write the ready file: %s", plainPathError(err))
	}
	return nil
}

// removeReady takes away the file of a former run, which would say that the
// gateway is ready before it is.
func removeReady(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the ready file: %s", plainPathError(err))
	}
	return nil
}

// remove takes the file away if it is still the one that was written: another
// gateway may have started meanwhile.
func (r readyFile) remove(name string) {
	b, err := os.ReadFile(name)
	var now readyFile
	if err == nil && json.Unmarshal(b, &now) == nil && now == r {
		_ = os.Remove(name) // the start of the next one does it else
	}
}

// localHost is where a program on this machine reaches the listener, as
// host:port.
func localHost(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// siteHost is how people call it where nothing is configured: by the name
// localhost, which browsers trust more than 127.0.0.1.
func siteHost(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return localHost(addr)
	}
	if ip := net.ParseIP(host); ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
