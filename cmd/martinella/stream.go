package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// streamSilence is how long a stream of progress may say nothing: more than two
// of the comments that the gateway writes every 15 s.
const streamSilence = 40 * time.Second

// Why a stream of progress gives no more.
var (
	errNoStream = errors.New("the gateway gives no stream of progress") // nor will it soon
	errBroken   = errors.New("the stream of progress broke off")
)

// progress is how the deliveries of one alert stand, told by the gateway as it
// changes.
type progress struct {
	ID       alerts.ID            `json:"id"`
	State    alerts.State         `json:"state"`
	Ended    bool                 `json:"ended"`
	Channels []broadcast.Delivery `json:"channels"` // all of them
}

// progress follows the stream of progress of an alert and gives see each state
// of it, until the stream has ended, which is nil, or see wants no more, which
// is nil too. errNoStream where there is none, errBroken where it broke off or
// the gateway's store is away; it blocks until then.
func (c *client) progress(ctx context.Context, id alerts.ID, see func(progress) (more bool)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silent := time.AfterFunc(streamSilence, cancel)
	defer silent.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1/alerts/"+url.PathEscape(string(id))+"/progress", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Accept", "text/event-stream")
	resp, err := (&http.Client{Transport: c.http.Transport}).Do(req) // no limit: it lasts as long as the deliveries
	if err != nil {
		return errBroken
	}
	defer resp.Body.Close()
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); resp.StatusCode != http.StatusOK || media != "text/event-stream" {
		return errNoStream
	}
	var now progress
	for e, err := range events(resp.Body, func() { silent.Reset(streamSilence) }) {
		if err != nil {
			return errBroken
		}
		switch e.name {
		case "state", "change", "end":
			var p progress
			if err := json.Unmarshal([]byte(e.data), &p); err != nil {
				return fmt.Errorf("%w: %w", errBroken, err)
			}
			if e.name == "change" {
				p.Channels = merged(now.Channels, p.Channels)
			}
			now = p
			if !see(now) || e.name == "end" {
				return nil
			}
		case "away":
			return errBroken
		}
	}
	return errBroken
}

// merged puts what changed into its places.
func merged(all, changes []broadcast.Delivery) []broadcast.Delivery {
	all = slices.Clone(all) // whoever saw it may have kept it
	for _, d := range changes {
		if i := slices.IndexFunc(all, func(o broadcast.Delivery) bool { return o.Channel == d.Channel }); i >= 0 {
			all[i] = d
		} else {
			all = append(all, d)
		}
	}
	return all
}

// event is a server-sent event.
type event struct{ name, data string }

// events reads server-sent events (HTML standard, section 9.2), as far as this
// gateway writes them, and calls heard for each line, comments too. It ends
// with an error other than the end of the stream.
func events(r io.Reader, heard func()) func(yield func(event, error) bool) {
	return func(yield func(event, error) bool) {
		scan := bufio.NewScanner(r)
		scan.Buffer(nil, answerLimit)
		var e event
		for scan.Scan() {
			heard()
			field, value, _ := strings.Cut(scan.Text(), ":")
			value = strings.TrimPrefix(value, " ")
			switch {
			case scan.Text() == "":
				if e.data != "" && !yield(e, nil) {
					return
				}
				e = event{}
			case field == "event":
				e.name = value
			case field == "data" && e.data != "":
				e.data += "\n" + value
			case field == "data":
				e.data = value
			}
		}
		if err := scan.Err(); err != nil {
			yield(event{}, err)
		}
	}
}
