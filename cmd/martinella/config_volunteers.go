package main

import "time"

// VolunteersConfig is how calls of volunteers watch over who is there.
type VolunteersConfig struct {
	// Welfare is after how long without a sign of life who is there stands on
	// top of the coordinator's page and of the board; default 2h.
	Welfare time.Duration `yaml:"welfare"`
}

// Bounds of the welfare timer: below the first, people would be asked all the
// time, above the second nobody would be missed before the next day.
const (
	welfareShortest = 10 * time.Minute
	welfareLongest  = 24 * time.Hour
)

// volunteerRules checks how calls watch over people.
func (c *Config) volunteerRules(say sayFunc) {
	if w := c.Volunteers.Welfare; w != 0 && (w < welfareShortest || w > welfareLongest) {
		say("volunteers.welfare", "is "+w.String(), "between "+welfareShortest.String()+" and "+welfareLongest.String()+"; leave it out for 2h")
	}
}
