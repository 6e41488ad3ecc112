package main

import (
	"fmt"
	"regexp"
	"strings"

	"martinella/broadcast"
	"martinella/dashboards"
)

// SignUpsConfig is how people subscribe themselves.
type SignUpsConfig struct {
	Off          bool     `yaml:"off"`            // nobody can, over any channel
	PerHour      int      `yaml:"per_hour"`       // messages that ask for the confirmation, an hour; default 200
	TextsPerHour int      `yaml:"texts_per_hour"` // of them text messages, which cost money; default 60
	Countries    []string `yaml:"countries"`      // of telephone numbers that may sign up; default +39
}

var countryForm = regexp.MustCompile(`^\+[1-9][0-9]{0,3}$`)

// signUpRules checks how people subscribe themselves.
func (c *Config) signUpRules(say sayFunc) {
	s := c.SignUps
	if s.PerHour < 0 {
		say("sign_ups.per_hour", "is negative", "leave it out for 200, or set sign_ups.off for none")
	}
	if s.TextsPerHour < 0 {
		say("sign_ups.texts_per_hour", "is negative", "leave it out for 60")
	}
	for i, country := range s.Countries {
		if !countryForm.MatchString(country) {
			say(fmt.Sprintf("sign_ups.countries[%d]", i), "is "+quoted(country), `write it with its plus and in quotes, like "+39"`)
		}
	}
}

// signUps builds what people subscribe with; nil where nobody can.
func (g *gateway) signUps(routes []broadcast.Route) *dashboards.SignUps {
	c := g.config.SignUps
	if c.Off {
		return nil
	}
	own := &broadcast.SignUps{Roll: g.store.People()}
	g.questions = broadcast.NewQuestions(broadcast.QuestionsConfig{
		SignUps: own, Routes: routes, PublicURL: strings.TrimSuffix(g.config.PublicURL, "/"), Authority: g.config.Authority.Name,
		PerHour: c.PerHour, TextsPerHour: c.TextsPerHour, Log: g.log,
	})
	door := &dashboards.SignUps{Questions: g.questions, Countries: c.Countries}
	if len(door.Countries) == 0 {
		door.Countries = []string{"+39"}
	}
	for _, r := range routes {
		if push, ok := r.Channel.(dashboards.PushDoor); ok && door.Push == nil && !r.Standby {
			door.Push = push
		}
	}
	return door
}
