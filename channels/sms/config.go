package sms

import (
	"martinella/alerts"
	"martinella/channels"
)

// Config is what every SMS contract's configuration says about texts; an
// adapter embeds it in its own.
type Config struct {
	MaxParts      int    `yaml:"max_parts"`     // of one text; default 3
	Transliterate *bool  `yaml:"transliterate"` // È becomes E' where that saves parts; default true
	Price         string `yaml:"price"`         // of one part in euro, "0.045"; for the author's estimate
}

// Problems lists every mistake at once.
func (c Config) Problems() alerts.Problems {
	var ps alerts.Problems
	if c.MaxParts < 0 || c.MaxParts > 10 {
		ps = append(ps, alerts.Problem{Field: "max_parts", Problem: "is out of range", Hint: "1 to 10; 3 is usual", Level: alerts.LevelError})
	}
	if _, err := channels.ParseMoney(c.Price); err != nil {
		ps = append(ps, alerts.Problem{Field: "price", Problem: err.Error(), Hint: "what one part costs by contract, without tax or with it, as you wish to see it; leave it out if nobody asks", Level: alerts.LevelError})
	}
	return ps
}

// Text is how texts are written under the contract; rate is its speed in parts
// a second, 0 if it is not limited. Call it on a configuration without
// [Config.Problems].
func (c Config) Text(rate float64) Text {
	price, _ := channels.ParseMoney(c.Price) // judged by Problems
	return Text{MaxParts: c.MaxParts, Transliterate: c.Transliterate == nil || *c.Transliterate, Price: price, Rate: rate}
}
