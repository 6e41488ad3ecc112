package main

import (
	"strings"
	"testing"
)

func TestADataFolderBelongsToOneAuthority(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	s := open(t, dir, config)
	data := dir + "/data"

	// Without a configuration, administration means the gateway of the folder.
	must(t, "keys", "create", "--data", data, "--name", "room", "--can", "read", "--out", dir+"/room.key")
	if r := s.ask(t, "GET", "/api/v1/alerts", secretOf(t, dir+"/room.key"), "", nil); r.status != 200 {
		t.Errorf("a key made with --data alone: got %d %s", r.status, r.body)
	}
	other := write(t, dir+"/other.yaml", "authority: {slug: altrove, name: Altrove, sender: pc@altrove.example}\ndata: "+data+"\nlisten: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\n")
	for _, args := range [][]string{{"keys", "list", "--config", other}, {"serve", "--config", other}} {
		code, _, errOut := command(t, args...)
		if code != exitRefused || !strings.Contains(errOut, "belongs to the authority valdemo") {
			t.Errorf("%v: exit %d, %s", args, code, errOut)
		}
	}
}
