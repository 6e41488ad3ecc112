package rdb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"martinella/broadcast/backup"
)

// Prover has a server of its own read a copy. Each call starts one and ends it.
type Prover struct {
	Binary string // "": redis-server or valkey-server from PATH
	Log    *zap.Logger
}

var _ backup.Prover = Prover{}

// Prove implements [backup.Prover]. It starts no server where the copy would take
// more than half of the memory that is free: the gateway goes first.
func (p Prover) Prove(ctx context.Context, m backup.Manifest, copied io.Reader) (f backup.Facts, err error) {
	if free := freeMemory(); free > 0 && m.Facts.Memory > free/2 {
		return f, fmt.Errorf("%w: it needs %d MB, %d MB are free", backup.ErrNoProof, m.Facts.Memory>>20, free>>20)
	}
	dir, err := os.MkdirTemp("", "martinella")
	if err != nil {
		return f, fmt.Errorf("%w: %w", backup.ErrNoProof, err)
	}
	defer os.RemoveAll(dir)
	s, err := NewScratch(ctx, p.Binary, dir, p.Log)
	if err != nil {
		return f, fmt.Errorf("%w: %w", backup.ErrNoProof, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Load(ctx, copied); err != nil {
		return f, err
	}
	return s.Facts(ctx, m.Authority, m.Facts.Database)
}

// freeMemory is what programs may still take, in bytes (proc(5), MemAvailable);
// 0 where the system does not tell.
func freeMemory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}
