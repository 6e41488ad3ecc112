package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// ending says why a client is closed, and what it is told.
type ending struct {
	code   int           // of the WebSocket close frame (RFC 6455 section 7.4; 4408 is ours); 0 sends none
	text   string        // for the close frame; empty says retry
	retry  time.Duration // come back within about this time; 0 says nothing
	reason string        // label of live_dropped_total; empty where the client left by itself
}

// The endings that the hub decides.
var (
	endLeft     = &ending{}
	endSlow     = &ending{code: 4408, text: "too slow, come back with your cursor", retry: 2 * time.Second, reason: dropSlow}
	endStore    = &ending{code: 1013, retry: 5 * time.Second, reason: dropStore}
	endWrite    = &ending{reason: dropWrite}
	endSilent   = &ending{reason: dropSilent}
	endFlood    = &ending{code: 1008, text: "too many messages", reason: dropProtocol}
	endBig      = &ending{code: 1009, text: "message too big", reason: dropProtocol}
	endText     = &ending{code: 1007, text: "invalid UTF-8", reason: dropProtocol}
	endProtocol = &ending{code: 1002, text: "protocol error", reason: dropProtocol}
)

// lost is the end of a client whose connection failed. A peer that took nothing
// for so long that the kernel gave it up (see limitUnread) did not leave.
func lost(err error) *ending {
	if errors.Is(err, syscall.ETIMEDOUT) {
		return endWrite
	}
	return endLeft
}

// endReply answers the close frame of a peer that leaves.
func endReply(code int) *ending { return &ending{code: code} }

// endShutdown sends clients away so that they come back over some time.
func endShutdown(spread time.Duration) *ending {
	return &ending{code: 1012, retry: time.Second + spread/2, reason: dropShutdown}
}

// farewell is the last frame of a client; nil where it gets none. The reason
// "retry=SECONDS" asks it to come back at some moment between half and one and
// a half of that.
func (e *ending) farewell(sse bool) *frame {
	switch {
	case e.code == 0, sse && e.retry == 0:
		return nil
	case sse:
		return controlFrame(opClose, nil, retryHint(e.retry/2, e.retry*3/2))
	case e.code == noStatus:
		return controlFrame(opClose, nil, "")
	}
	text := e.text
	if text == "" && e.retry > 0 {
		text = fmt.Sprintf("retry=%d", max(1, int64(e.retry.Round(time.Second)/time.Second)))
	}
	return controlFrame(opClose, append(binary.BigEndian.AppendUint16(nil, uint16(e.code)), text...), "")
}

// retryHint is the field that tells a browser when to come back (WHATWG HTML,
// section 9.2.6).
func retryHint(from, to time.Duration) string {
	return fmt.Sprintf("retry: %d\n\n", (from + rand.N(to-from+1)).Milliseconds())
}
