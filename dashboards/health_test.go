package dashboards

import (
	"errors"
	"testing"

	"martinella/broadcast"
)

func TestTheGuaranteeIsThatOfNow(t *testing.T) {
	for name, c := range map[string]struct {
		d    broadcast.Durability
		err  error
		want string
	}{
		"no answer":                       {broadcast.Durability{Durable: true}, errors.New("down"), guaranteeNone},
		"memory":                          {broadcast.Durability{Memory: true}, nil, guaranteeNone},
		"everysec":                        {broadcast.Durability{Mode: "everysec", Wanted: 1, Following: 1}, nil, guaranteeWeak},
		"one machine":                     {broadcast.Durability{Durable: true}, nil, guaranteeDisk},
		"a replica that nobody waits for": {broadcast.Durability{Durable: true, Following: 1}, nil, guaranteeDisk},
		"the replica follows":             {broadcast.Durability{Durable: true, Wanted: 1, Following: 1}, nil, guaranteeReplicated},
		"one of two":                      {broadcast.Durability{Durable: true, Wanted: 2, Following: 1}, nil, guaranteeDisk},
		"nobody knows whether a replica is there": {broadcast.Durability{Durable: true, Wanted: 1, Following: -1}, nil, guaranteeDisk},
	} {
		if got := guarantee(c.d, c.err); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
