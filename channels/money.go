package channels

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Money is an amount in millionths of a euro: an SMS costs a few cents, with
// fractions of a cent.
type Money int64

const euro = 1_000_000

var errPrice = errors.New("is not a price in euro like 0.045")

// ParseMoney reads a decimal number of euro, "0.045", with at most six digits
// behind the point (a comma is taken too) and at most 1000; "" is 0.
func ParseMoney(s string) (Money, error) {
	if s == "" {
		return 0, nil
	}
	whole, part, _ := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	if whole == "" || len(whole) > 4 || len(part) > 6 || strings.Trim(whole+part, "0123456789") != "" {
		return 0, errPrice
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", 6-len(part)), 10, 64)
	if err != nil || n > 1000*euro {
		return 0, errPrice
	}
	return Money(n), nil
}

// Times multiplies; what is too much for the type is the most that it holds.
func (m Money) Times(factors ...int) Money {
	for _, f := range factors {
		switch {
		case m <= 0 || f <= 0:
			return 0
		case int64(m) > math.MaxInt64/int64(f):
			return math.MaxInt64
		}
		m *= Money(f)
	}
	return m
}

// String is the amount in euro, rounded up to whole cents: "225.00". The
// interface's language decides how it is shown.
func (m Money) String() string {
	cents := int64(m) / (euro / 100)
	if int64(m)%(euro/100) > 0 {
		cents++
	}
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}
