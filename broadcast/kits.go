package broadcast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// Kit is what people are to post of an alert on one account, because no program
// may ([channels.ByHand]).
type Kit struct {
	Channel  string    `json:"channel"`
	Platform string    `json:"platform"` // where: "instagram", "paper"
	Failure  string    `json:"failure,omitempty"`
	Posts    []KitPost `json:"posts"`
	// Earlier are what was posted of the event before, the newest first: to be
	// corrected or taken down.
	Earlier []KitEarlier `json:"earlier,omitempty"`
}

// KitPost is one text to post, in one language.
type KitPost struct {
	Ordinal  uint32  `json:"-"`
	Language string  `json:"language"`
	Title    string  `json:"title,omitempty"`
	Text     string  `json:"text"`
	Link     string  `json:"link,omitempty"`
	Alt      string  `json:"alt,omitempty"` // of the picture; "": words alone
	State    string  `json:"state"`         // as of a delivery: accepted is ready to copy, delivered is posted
	Posted   *Posted `json:"posted,omitempty"`
}

// Posted is who posted it, and when they said so.
type Posted struct {
	By  alerts.By `json:"by"`
	At  time.Time `json:"at"`
	URL string    `json:"url,omitempty"` // of the post
}

// KitEarlier is a post of an earlier revision.
type KitEarlier struct {
	Revision int    `json:"revision"`
	Language string `json:"language"`
	Posted
}

// Tick says that a person posted what was ready.
type Tick struct {
	Alert    alerts.ID
	Channel  string
	Language string // of the text; "": all of the alert's
	URL      string // of the post; "" where there is none
	Act      alerts.Act
}

// Ticked is what came of it.
type Ticked struct {
	Posts []KitPost // of the tick, as they stand now
	New   int       // of them that nobody had ticked before
	// Replicated is as in [Resent].
	Replicated *bool
}

// KitStore keeps what people post. Its methods may be called from many
// goroutines and nodes; they block until the store answered or ctx ended.
type KitStore interface {
	// Kit gives the texts of a published alert on a channel, in their order, or
	// why it could not make any. alerts.ErrNotFound where the alert was not
	// published or the channel is not in its plan.
	Kit(ctx context.Context, alert alerts.ID, channel string) (posts []KitPost, failure string, err error)

	// Posted moves texts from accepted to delivered, with who and when, and
	// appends the act, together or not at all. What was ticked before stays as it
	// is. An alerts.Refusal where another revision took its place, or where none
	// of the texts was ready.
	Posted(ctx context.Context, t Tick) (Ticked, error)
}

// Kits are the kits of the accounts that people post to. It may be used from
// many goroutines.
type Kits struct {
	Routes  []Route
	Records Records
	Store   KitStore
	Metrics *Metrics
}

// platform names where people post the channel's texts; "" where the gateway
// posts itself.
func (k *Kits) platform(channel string) string {
	for _, r := range k.Routes {
		if hand, ok := r.Channel.(channels.ByHand); ok && r.Name() == channel {
			return hand.ByHand()
		}
	}
	return ""
}

// Of gives the kits of a published record, in the order of its plan; none where
// the gateway posts everything itself.
func (k *Kits) Of(ctx context.Context, r *alerts.Record) ([]Kit, error) {
	kits := []Kit{}
	for _, name := range r.Channels {
		platform := k.platform(name)
		if platform == "" {
			continue
		}
		posts, failure, err := k.Store.Kit(ctx, r.ID, name)
		if err != nil {
			return nil, fmt.Errorf("kit of %s: %w", name, err)
		}
		earlier, err := k.earlier(ctx, r, name)
		if err != nil {
			return nil, fmt.Errorf("kit of %s: %w", name, err)
		}
		kits = append(kits, Kit{Channel: name, Platform: platform, Failure: failure, Posts: posts, Earlier: earlier})
	}
	return kits, nil
}

// earlier follows the event back.
func (k *Kits) earlier(ctx context.Context, r *alerts.Record, channel string) (list []KitEarlier, err error) {
	const most = 20
	for id, n := r.Supersedes, 0; id != "" && n < most; n++ {
		before, err := k.Records.Get(ctx, id, alerts.Exactly)
		if errors.Is(err, alerts.ErrNotFound) || unreadable(err) {
			break
		}
		if err != nil {
			return nil, err
		}
		posts, _, err := k.Store.Kit(ctx, id, channel)
		if err != nil && !errors.Is(err, alerts.ErrNotFound) {
			return nil, err
		}
		for _, p := range posts {
			if p.Posted != nil {
				list = append(list, KitEarlier{before.Revision, p.Language, *p.Posted})
			}
		}
		id = before.Supersedes
	}
	return list, nil
}

// Posted ticks, and counts what was new as delivered. It is safe to repeat.
func (k *Kits) Posted(ctx context.Context, r *alerts.Record, t Tick) (Ticked, error) {
	refuse := func(kind error, field, problem, hint string) error {
		return &alerts.Refusal{Kind: kind, Problems: alerts.Problems{{Field: field, Problem: problem, Hint: hint}}}
	}
	switch {
	case !slices.Contains(r.Channels, t.Channel):
		return Ticked{}, refuse(alerts.ErrNotFound, "channel", "does not carry this alert", "its deliveries name those that do")
	case k.platform(t.Channel) == "":
		return Ticked{}, refuse(alerts.ErrNotFound, "channel", "is no copy kit: the gateway posts there itself", "the alert's kits name those that people post")
	}
	t.Alert = r.ID
	done, err := k.Store.Posted(ctx, t)
	if err == nil && done.New > 0 {
		k.Metrics.changed(t.Channel, Changed{Delivered: done.New})
	}
	return done, err
}
