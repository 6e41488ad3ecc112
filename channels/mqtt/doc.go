// Package mqtt tells sirens, boards and other machines of an alert, over a
// broker that speaks MQTT 5 (OASIS, March 2019).
//
// Each area code has two kinds of topics. On the event topic everything is said
// once, is not retained and expires with the alert: sirens act on it. On the
// state topic stands, retained, what holds now, one for each event: boards show
// it, and it is cleared when the event ends or leaves the area. Exercises have a
// prefix of their own, which no real device reads.
//
// Publications are acknowledged (quality of service 1) and may come twice:
// devices know a double by event and revision. What a siren heard it may say on
// its own acknowledgement topic.
//
// It must not know queues, retries or Redis. It never sets a will: what a broker
// would say when we are gone, nobody approved.
//
// Start at [Channel], then send.go (one alert), topic.go (where it goes),
// payload.go (what devices read) and link.go (the connection).
package mqtt
