package rdb

import "github.com/redis/go-redis/v9"

// Sentinel says how to find the master of a Redis that is watched by
// redis-sentinel: the sentinels are asked at each new connection, and their
// news of another master ends the connections to the old one.
type Sentinel struct {
	Master    string   // the name that the sentinels know it by
	Addresses []string // of the sentinels, host:port

	// Of the sentinels themselves, where they ask for them.
	SentinelUsername, SentinelPassword string

	// Of Redis.
	Username, Password string
	DB                 int
}

func (s *Sentinel) fill(opt *redis.UniversalOptions) {
	opt.MasterName, opt.Addrs = s.Master, s.Addresses
	opt.SentinelUsername, opt.SentinelPassword = s.SentinelUsername, s.SentinelPassword
	opt.Username, opt.Password, opt.DB = s.Username, s.Password, s.DB
}
