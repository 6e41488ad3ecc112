package channeltest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/channels"
)

// sirens sound in fixed places, whatever the message says.
type sirens struct {
	base   string
	places []alerts.Value
	check  func(sirens, channels.Message) error
}

func (sirens) Name() string { return "sirens" }

func (s sirens) Render(r *alerts.Record) (ms []channels.Message, err error) {
	for _, in := range Sample(Actual).Alert.Infos[:1] {
		ms = append(ms, channels.Message{Language: in.Language, Text: "sound " + r.Alert.Identifier, Alert: r.ID})
	}
	return ms, nil
}

func (s sirens) Covers(channels.Message) []alerts.Value { return s.places }

func (s sirens) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if err := s.check(s, m); err != nil {
		return channels.Receipt{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base, strings.NewReader(m.Text))
	if err != nil {
		return channels.Receipt{}, channels.Permanent(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return channels.Receipt{}, channels.Uncertain(err)
	}
	return channels.Receipt{ID: m.Key}, resp.Body.Close()
}

func TestAChannelThatSoundsTooFarIsFound(t *testing.T) {
	one, two := alerts.Value{Name: "ISTAT", Value: "999001"}, alerts.Value{Name: "ISTAT", Value: "999002"}
	asked := func(s sirens, m channels.Message) error { return channels.WithinArea(s, m) }
	for name, c := range map[string]struct {
		places []alerts.Value
		check  func(sirens, channels.Message) error
		wrong  int
	}{
		"one that asks":                   {[]alerts.Value{one, two}, asked, 0},
		"one that never asks":             {[]alerts.Value{one, two}, func(sirens, channels.Message) error { return nil }, 3},
		"one that minds no area only":     {[]alerts.Value{one, two}, func(s sirens, m channels.Message) error { return noArea(s, m) }, 2},
		"one that would try again":        {[]alerts.Value{one}, func(s sirens, m channels.Message) error { return plainly(asked(s, m)) }, 2},
		"one that refuses everything":     {[]alerts.Value{one}, func(sirens, channels.Message) error { return channels.Permanent(channels.ErrWider) }, 1},
		"one that covers what is not its": {[]alerts.Value{{Name: "ISTAT", Value: "058091"}}, asked, 1},
	} {
		t.Run(name, func(t *testing.T) {
			stub := StartStub(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
			ch := sirens{stub.URL, c.places, c.check}
			wrong := beyond(t, ch, ch, channels.Message{Key: "a/1/sirens/0", Text: "x", Areas: []alerts.Value{one, two}}, stub.Posts)
			if len(wrong) != c.wrong {
				t.Errorf("%d things are wrong, want %d: %q", len(wrong), c.wrong, wrong)
			}
		})
	}
}

func noArea(s sirens, m channels.Message) error {
	if len(m.Areas) == 0 {
		return channels.WithinArea(s, m)
	}
	return nil
}

// plainly loses the verdict.
func plainly(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s", err.Error())
}

func TestTheSuiteAsksForTheArea(t *testing.T) {
	s := Suite{New: func(t testing.TB, url string) channels.Channel {
		return sirens{url, SampleAreas, func(s sirens, m channels.Message) error { return channels.WithinArea(s, m) }}
	}, Platform: func(testing.TB) http.Handler { return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}) }}
	s.area(t)
}
