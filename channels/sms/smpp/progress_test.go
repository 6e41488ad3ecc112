package smpp

import "testing"

func TestUnfinishedIsBounded(t *testing.T) {
	var u unfinished
	for n := range mostUnfinished + 10 {
		u.keep(dec(n), newProgress(1))
	}
	if len(u.byKey) != mostUnfinished || len(u.order) != mostUnfinished {
		t.Errorf("%d are remembered, want %d", len(u.byKey), mostUnfinished)
	}
	u.keep("", newProgress(1))
	if _, has := u.byKey[""]; has {
		t.Error("messages without a key are mixed up")
	}
	kept := newProgress(2)
	u.keep("k", kept)
	if u.of("k", 2) != kept || u.of("k", 3) == kept {
		t.Error("a progress belongs to its key and its number of parts")
	}
}
