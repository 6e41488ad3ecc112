package channels

import (
	"math"
	"testing"
	"time"
)

func TestMoney(t *testing.T) {
	for in, want := range map[string]string{"0.045": "0.05", "0,05": "0.05", "0.050001": "0.06", "1": "1.00", "12.3": "12.30", "1000": "1000.00", "": "0.00"} {
		if got, err := ParseMoney(in); err != nil || got.String() != want {
			t.Errorf("%q: got %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"-1", "0.0000001", "1001", "99999", "1.2.3", "1e3", ".5", "5 cent", "٣", "1,000.5"} {
		if got, err := ParseMoney(in); err == nil {
			t.Errorf("%q is taken for %v", in, got)
		}
	}
	if got := Money(math.MaxInt64/2).Times(3, 7); got != math.MaxInt64 {
		t.Errorf("too much is %d", got)
	}
	if got := Money(45_000).Times(3, 0); got != 0 {
		t.Errorf("nobody costs %v", got)
	}
}

func TestEstimateCountsEveryCopy(t *testing.T) {
	e := Estimate{Parts: 2, Copies: 1, Price: 45_000, Rate: 100}
	if cost, known := e.Cost(1000); !known || cost.String() != "180.00" {
		t.Errorf("1000 times 4 parts at 0.045 cost %v", cost)
	}
	if last := e.Last(1000); last != 40*time.Second {
		t.Errorf("the last of 4000 parts at 100/s leaves after %v", last)
	}
	free := Estimate{Parts: 1}
	if cost, known := free.Cost(5000); known || cost != 0 || free.Last(5000) != 0 {
		t.Errorf("without price and rate: %v, %v, %v", cost, known, free.Last(5000))
	}
	if last := (Estimate{Parts: 1, Rate: 1e-9}).Last(math.MaxInt); last != math.MaxInt64 {
		t.Errorf("for ever is %v", last)
	}
}
