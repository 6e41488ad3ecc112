// Package social is what the platforms with public posts share: how an alert
// becomes a post in each of its languages, in the platform's own unit, with the
// author's own words where there are any, with hashtags and a picture; and what
// an earlier post says once another one has taken its place.
//
// It knows no platform and makes no call: an adapter holds a [Posts], gives its
// limits, and sends what comes out.
//
// Start at [Posts].
package social
