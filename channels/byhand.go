package channels

// ByHand is a channel that posts nothing itself: its Send only says that the
// message is ready, and a person posts it and ticks it. Until then it counts as
// accepted, afterwards as delivered.
type ByHand interface {
	// ByHand names where the person posts it: "instagram", "paper".
	ByHand() string
}
