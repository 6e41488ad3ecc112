package rdb

import (
	"testing"

	"martinella/broadcast/broadcasttest"
)

func TestKitsInMemory(t *testing.T) {
	broadcasttest.TestKits(t, func(t *testing.T) *broadcasttest.Node { return node(openMemory(t)) })
}

func TestKitsOnRedisServer(t *testing.T) {
	needServer(t)
	broadcasttest.TestKits(t, func(t *testing.T) *broadcasttest.Node { return node(openServer(t)) })
}
