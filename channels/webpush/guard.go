package webpush

import (
	"net"
	"net/http"
	"time"

	"martinella/channels"
)

// transport makes connections to push services: guarded unless the
// configuration says otherwise, never through a proxy (which would be connected
// to in their place), with limits on what a stranger's server can cost.
func transport(allowPrivate bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		dialer.ControlContext = channels.DialPublic
	}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConns: 64, MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 32 << 10,
	}
}
