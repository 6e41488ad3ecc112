package dashboards

import (
	"regexp"
	"time"

	"martinella/alerts"
)

var (
	expiresElement = regexp.MustCompile(`(<(?:\w+:)?expires>)[^<]*(</)`)
	sentElement    = regexp.MustCompile(`(<(?:\w+:)?sent>)[^<]*(</)`)
)

// restamp makes an old message one of now.
func restamp(s string) string {
	now := time.Now()
	s = expiresElement.ReplaceAllString(s, "${1}"+alerts.FormatTime(now.Add(6*time.Hour))+"${2}")
	return sentElement.ReplaceAllString(s, "${1}"+alerts.FormatTime(now)+"${2}")
}
