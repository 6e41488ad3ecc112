package rdb

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"martinella/broadcast/broadcasttest"
)

func TestOutcomesInMemory(t *testing.T) {
	broadcasttest.TestOutcomes(t, func(t *testing.T) *broadcasttest.Node { return node(openMemory(t)) })
}

func TestOutcomesOnRedisServer(t *testing.T) {
	needServer(t)
	broadcasttest.TestOutcomes(t, func(t *testing.T) *broadcasttest.Node { return node(openServer(t)) })
}

// A quantile is never too low, and at most 2^(1/4) - 1, some 19 %, and the
// rounding to a millisecond too high.
func TestQuantilesAreAsExactAsSaid(t *testing.T) {
	dice := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		all := make([]time.Duration, 1+dice.IntN(500))
		top := 1 + dice.IntN(300_000)
		h := map[string]string{}
		count := map[int]int{}
		for i := range all {
			all[i] = time.Duration(dice.IntN(top)) * time.Millisecond
			count[bucketOf(all[i])]++
		}
		slices.SortFunc(all, cmp.Compare[time.Duration])
		h["first"], h["last"] = itoa(all[0].Milliseconds()), itoa(all[len(all)-1].Milliseconds())
		for b, n := range count {
			h["b"+strconv.Itoa(b)] = strconv.Itoa(n)
		}
		for _, q := range []float64{0.5, 0.99} {
			exact := all[max(0, int(float64(len(all))*q+0.999999)-1)].Milliseconds()
			got := *quantile(h, q)
			if got < exact-1 || float64(got) > float64(max(exact, 1))*1.19+1 {
				t.Errorf("q %v of %d values: %d ms, exactly %d", q, len(all), got, exact)
			}
		}
	}
}

func TestReasonsOfOlderVersionsAreRead(t *testing.T) {
	for text, want := range map[string]string{"no such number": "no such number", "@ 5": "@ 5", "@x y": "@x y", "": ""} {
		if got, at := readReason(text); got != want || at != nil {
			t.Errorf("%q gives %q at %v", text, got, at)
		}
	}
	if got, at := readReason("@1700000000123 no such number"); got != "no such number" || at == nil || at.UnixMilli() != 1700000000123 {
		t.Errorf("%q at %v", got, at)
	}
}
