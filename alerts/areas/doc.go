// Package areas knows the shapes of named areas: municipalities, warning zones,
// regions. It answers which codes an alert concerns (DECISIONS 25: resolved
// once, when the alert is approved).
//
// Everything is judged in the plane of longitude and latitude (WGS 84), circles
// on the sphere. A side is a straight line in that plane, as in GeoJSON (RFC
// 7946 section 3.1.1). Shapes are closed sets: to touch is to intersect. An area
// that crosses the antimeridian must be cut there, as RFC 7946 section 3.1.9
// says; circles may reach across it.
//
// It must not know subscribers, channels or the configuration's file. Start at
// [Load] and [Gazetteer.Resolve].
package areas
