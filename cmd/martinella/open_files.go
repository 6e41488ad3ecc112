package main

import (
	"cmp"

	"go.uber.org/zap"
)

// How open files are divided. Each connection is one.
const (
	ownFiles       = 512    // of the gateway itself: store, channels, files
	mostPages      = 16_384 // connections of the public listeners; each costs some 20 kB
	mostLive       = 50_000 // open pages and programs on the live feed, where nothing is configured
	fewestFiles    = 256    // below that nothing can be promised
	unlimitedFiles = 1 << 20
)

// openFiles is how many connections the public may hold of each kind.
type openFiles struct{ pages, live int }

// share divides the files that a process may open.
func share(files uint64, live int) openFiles {
	n := int(min(max(files, fewestFiles), unlimitedFiles))
	free := n - min(ownFiles, n/2)
	out := openFiles{live: min(cmp.Or(live, mostLive), free*4/5)}
	out.pages = min(free-out.live, mostPages)
	return out
}

// openFiles divides those of this process, and says where they are too few.
func (l LimitsConfig) openFiles(log *zap.Logger) openFiles {
	files := mayOpen()
	out := share(files, l.LiveClients)
	if want := cmp.Or(l.LiveClients, mostLive); out.live < want {
		log.Warn("too few open files are allowed for the live feed: raise LimitNOFILE (systemd) or ulimit -n",
			zap.Uint64("open_files", files), zap.Int("live_clients", out.live), zap.Int("wanted", want))
	}
	return out
}
