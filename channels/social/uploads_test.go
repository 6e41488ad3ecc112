package social_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/social"
)

func TestAPostWaitsForItsPictureOnce(t *testing.T) {
	var u social.Uploads
	lost := errors.New("lost")
	it, de := channels.Message{Key: "a/1/c/0", Language: "it"}, channels.Message{Key: "a/1/c/0", Language: "de"}
	if u.GivesUp(it, lost) || u.GivesUp(de, channels.Uncertain(lost)) {
		t.Error("the first failure costs the picture")
	}
	if !u.GivesUp(it, channels.RetryAfter(lost, time.Second)) || !u.GivesUp(it, lost) {
		t.Error("the words wait for ever")
	}
	u.Worked(it)
	if u.GivesUp(it, lost) || !u.GivesUp(de, lost) {
		t.Error("one is taken for the other")
	}
	for n := range 3000 { // it remembers no end of posts
		u.GivesUp(channels.Message{Key: fmt.Sprint(n)}, lost)
	}
	if u.GivesUp(it, lost) {
		t.Error("remembered for ever")
	}
}

func TestWhatAPictureIsNotWaitedFor(t *testing.T) {
	lost := errors.New("lost")
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"a clear no":              {channels.Permanent(lost), true},
		"a long wait":             {channels.RetryAfter(lost, 11*time.Second), true},
		"a short wait":            {channels.RetryAfter(lost, 10*time.Second), false},
		"no wait":                 {lost, false},
		"credentials do not hold": {channels.Unauthorized(lost), false},
	} {
		var u social.Uploads
		if got := u.GivesUp(channels.Message{Key: "a"}, c.err); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	var one social.Uploads
	m := channels.Message{Key: "a"}
	for _, err := range []error{nil, channels.Permanent(lost), channels.Unauthorized(lost), channels.RetryAfter(lost, time.Second)} {
		if one.Sent(m, err); one.Missed(m) {
			t.Errorf("%v says nothing of the picture", err)
		}
	}
	if one.Sent(m, channels.Uncertain(lost)); !one.Missed(m) || one.Missed(channels.Message{Key: "b"}) {
		t.Error("nobody answered")
	}
	var u social.Uploads
	for range 5 {
		if u.GivesUp(channels.Message{Key: "a"}, channels.Unauthorized(lost)) {
			t.Error("it goes without while the credentials do not hold")
		}
	}
}
