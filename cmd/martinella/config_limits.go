package main

import (
	"fmt"

	"martinella/channels"
)

// ChannelLimits is what the operator knows of the account at the platform:
// what is set replaces what the channel itself says.
type ChannelLimits struct {
	Account   string  `yaml:"account"` // whose limits several channels share
	PerSecond float64 `yaml:"per_second"`
	Burst     int     `yaml:"burst"`
	PerHour   int     `yaml:"per_hour"`
	PerDay    int     `yaml:"per_day"`
	// Reserve is the part of both quotas that is kept for corrections; nil is
	// a tenth.
	Reserve *float64 `yaml:"reserve"`
}

const (
	quotaReserve = 0.1
	mostReserve  = 0.9
)

// limit is what the dispatcher is told.
func (l ChannelLimits) limit() channels.Limit {
	out := channels.Limit{Account: l.Account, PerSecond: l.PerSecond, Burst: l.Burst, PerHour: l.PerHour, PerDay: l.PerDay}
	if l.PerHour > 0 || l.PerDay > 0 {
		out.Reserve = quotaReserve
		if l.Reserve != nil {
			out.Reserve = *l.Reserve
		}
	}
	return out
}

// limitRules checks the limits of all channels: those of one account must be
// the same, or nobody could say which hold.
func (c *Config) limitRules(say sayFunc) {
	type owner struct {
		name  string
		limit channels.Limit
	}
	accounts := map[string]owner{}
	for i := range c.Channels {
		ch := &c.Channels[i]
		l, at := ch.Limits, fmt.Sprintf("channels[%d].limits", i)
		if l.Account != "" && !slugForm.MatchString(l.Account) {
			say(at+".account", "is "+quoted(l.Account), "2 to 32 of a-z, 0-9 and -: a name of your own for the account at the platform")
		}
		for key, v := range map[string]float64{"per_second": l.PerSecond, "burst": float64(l.Burst), "per_hour": float64(l.PerHour), "per_day": float64(l.PerDay)} {
			if v < 0 {
				say(at+"."+key, "is negative", "leave it out for no limit of yours")
			}
		}
		if l.PerHour > 0 && l.PerDay > 0 && l.PerDay < l.PerHour {
			say(at+".per_day", fmt.Sprintf("is %d, less than the %d of an hour", l.PerDay, l.PerHour), "")
		}
		if r := l.Reserve; r != nil {
			if *r < 0 || *r > mostReserve {
				say(at+".reserve", fmt.Sprintf("is %v", *r), fmt.Sprintf("a part of the quota, 0 to %v; leave it out for %v", mostReserve, quotaReserve))
			}
			if l.PerHour <= 0 && l.PerDay <= 0 {
				say(at+".reserve", "is given without a quota", "set per_hour or per_day, or leave it out")
			}
		}
		if l.Account == "" {
			continue
		}
		if first, known := accounts[l.Account]; !known {
			accounts[l.Account] = owner{ch.Name, l.limit()}
		} else if first.limit != l.limit() {
			say(at, "are not those of "+first.name+", which has the same account", "give all channels of the account "+l.Account+" the same limits")
		}
	}
}
