// Package channeltest holds what every channel must pass, and the other side
// of the wire to pass it against.
//
// [Run] is the contract: rendering is pure and marked, sending gives the right
// verdict for every answer, nothing is posted twice, no secret reaches an
// error. [Proxy] breaks connections on purpose; [Stub] is a provider that
// answers as told; [StartPeer] runs other people's implementations (Node, in
// the folder peers). [Sample] builds the records that golden files show;
// [GoldenPosts] and [Limits] are for channels that post to everybody: what people
// read, and whether other people's counters find it within the limits.
//
// It is imported by tests only and knows no platform. Start at [Run].
package channeltest
