package rdb

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"martinella/alerts"
)

// keys names every key of one authority. All carry one hash tag, so that one
// script may change them together and a cluster keeps them in one slot.
type keys struct{ tag string }

func newKeys(authority string) keys { return keys{"{martinella:" + authority + "}:"} }

func (k keys) schema() string  { return k.tag + "schema" }
func (k keys) oldest() string  { return k.tag + "schema:oldest" } // layout of the oldest program that can use the store; missing: that of the store
func (k keys) nothing() string { return k.tag + "nothing" }       // never exists: see scripts/intake.lua

func (k keys) replicated() string { return k.tag + "replicated" } // written before each WAIT

// The records and acts.

func (k keys) record(id alerts.ID) string { return k.tag + "rec:" + string(id) } // hash: j, state, content, approved, event, cursor, closed, ...
func (k keys) raw(id alerts.ID) string    { return k.tag + "raw:" + string(id) } // the bytes as they came
func (k keys) event(id alerts.ID) string  { return k.tag + "event:" + string(id) }
func (k keys) records() string            { return k.tag + "records" } // sorted set of all ids, by ULID
func (k keys) acts() string               { return k.tag + "acts" }    // stream, entry n-0 is act n
func (k keys) actSeq() string             { return k.tag + "acts:seq" }
func (k keys) actsOf(event alerts.ID) string {
	return k.tag + "acts:" + string(event) // list of act numbers
}

func (k keys) ledgerTree(part int64) string { // string: hashes of the tree, 32 bytes each
	return k.tag + "ledger:tree:" + strconv.FormatInt(part, 10)
}
func (k keys) ledgerSize() string { return k.tag + "ledger:size" } // number of leaves
func (k keys) ledgerHead() string { return k.tag + "ledger:head" } // hash: size, at, note: the newest signed head

// alias stands for (sender, identifier). Hashed, since CAP identifiers may
// hold anything; the zero byte keeps ("a", "bc") and ("ab", "c") apart.
func (k keys) alias(sender, identifier string) string {
	sum := sha256.Sum256([]byte(sender + "\x00" + identifier))
	return k.tag + "alias:" + hex.EncodeToString(sum[:])
}

// The log.

func (k keys) log() string    { return k.tag + "log" }
func (k keys) epoch() string  { return k.tag + "epoch" }         // hash: epoch, head, floor
func (k keys) starts() string { return k.tag + "channels" }      // hash: channel to where its group began
func (k keys) seen() string   { return k.tag + "channels:seen" } // sorted set: channel by when it was last open, ms

// What goes out for one alert.

func (k keys) out(id alerts.ID) string { return k.tag + "out:" + string(id) } // hash: m:<channel> messages, s:<channel> spans, f:<channel> why it could not render
func (k keys) of(kind string, id alerts.ID, channel string) string {
	return k.tag + kind + ":" + string(id) + ":" + channel
}
func (k keys) tally(id alerts.ID, channel string) string    { return k.of("tally", id, channel) } // hash: n, s1..s7, b<bucket>, first, last, err, url, stop, plan, delayed, next, tries, again, second, seconds, trails, note, posted:<ordinal>
func (k keys) snapshot(id alerts.ID, channel string) string { return k.of("snap", id, channel) }  // uint32 little endian by ordinal
func (k keys) states(id alerts.ID, channel string) string   { return k.of("state", id, channel) } // 4 bits by ordinal, see broadcast.Trail
func (k keys) reasons(id alerts.ID, channel string) string  { return k.of("why", id, channel) }   // hash: ordinal to "@ms reason", g<ordinal> to who sends it again and by which key, d<ordinal> to over whom what is uncertain left
func (k keys) parts(id alerts.ID, channel string) string    { return k.of("parts", id, channel) } // hash: ordinal to reported parts
func (k keys) resends(id alerts.ID, channel string) string  { return k.of("again", id, channel) } // hash: request to how far it came

// The work of one channel.

func (k keys) lane(channel, letter string) string { return k.tag + "lane:" + channel + ":" + letter }
func (k keys) delayed(channel string) string      { return k.tag + "delayed:" + channel } // sorted set by due ms
func (k keys) dead(channel string) string         { return k.tag + "dead:" + channel }
func (k keys) pace(channel string) string         { return k.tag + "pace:" + channel }
func (k keys) paceHold(account string) string     { return k.tag + "pace:hold:" + account }
func (k keys) paceProbe(account string) string    { return k.tag + "pace:try:" + account }
func (k keys) quota(account, of string) string    { return k.tag + "quota:" + of + ":" + account } // hash: sixtieth of the time to messages
func (k keys) posts(channel string, event alerts.ID) string {
	return k.tag + "posts:" + channel + ":" + string(event) // hash: "<language> <revision>" to the platform's id and, on a second line, the url; "amended: <language>" to the revision that changed the posts before it
}
func (k keys) receipts(provider string) string { return k.tag + "receipts:" + provider } // hash: alert, or alert:channel for which it carries, to "buckets ends-ms", v; see receipts.go
func (k keys) receipt(provider, of string, bucket uint32) string {
	return k.of("ids", alerts.ID(of), provider) + ":" + strconv.FormatUint(uint64(bucket), 36) // hash: 8 bytes of a message id's digest to "ordinal part parts again channel"
}
func (k keys) oldReceipt(channel, messageID string) string { // as kept until the receipts were packed
	return k.tag + "receipt:" + channel + ":" + messageID
}
func (k keys) parked(channel, messageID string) string {
	return k.tag + "parked:" + channel + ":" + messageID
}

// What was seen: see sitreps.go.

func (k keys) reported() string { return k.tag + "sitreps" } // set: events that have reports

func (k keys) sitreps(event alerts.ID) string {
	return k.tag + "sitreps:" + string(event) // hash: n, r:<id> report, w:<id> withdrawal, c:<id> cursor, o:<n> id
}
func (k keys) photo(digest alerts.Digest) string { return k.tag + "photo:" + string(digest) } // hash: b bytes, n reports that show it

// Nodes, people, API keys.

func (k keys) watched() string                  { return k.tag + "watched" } // sorted set: published records to look after, by ms
func (k keys) waiting() string                  { return k.tag + "waiting" } // sorted set: ids of what was submitted and not decided on; see waiting.go
func (k keys) nodes() string                    { return k.tag + "nodes" }   // sorted set by last sign of life, s
func (k keys) lease(node string) string         { return k.tag + "lease:" + node }
func (k keys) people() string                   { return k.tag + "people" } // hash: number to sealed subscriber
func (k keys) peopleSeq() string                { return k.tag + "people:seq" }
func (k keys) tombstones() string               { return k.tag + "people:erased" }
func (k keys) rewrite() string                  { return k.tag + "people:rewrite" }              // hash: due, the number of who was erased last; asked, what was due when rewriting was asked for; run, of which run of Redis
func (k keys) listenTurn(channel string) string { return k.tag + "listen:" + channel + ":turn" } // there while nobody else may listen to it
func (k keys) rewriteTurn() string              { return k.tag + "people:rewrite:turn" }         // there while nobody else may ask for one
func (k keys) peopleChanges() string            { return k.tag + "people:changes" }              // stream: n, the numbers of who was added, changed or erased
func (k keys) peopleNote(nonce string) string   { return k.tag + "people:note:" + nonce }        // there for a minute: an act was appended
func (k keys) contact(index string) string      { return k.tag + "contact:" + index }
func (k keys) keyMark() string                  { return k.tag + "keyfile" }     // see vault.mark
func (k keys) apiKeys() string                  { return k.tag + "keys" }        // hash: id to key
func (k keys) apiTokens() string                { return k.tag + "keys:tokens" } // hash: SHA-256 of the token to id
func (k keys) apiUsed() string                  { return k.tag + "keys:used" }   // hash: id to last use, ms

// Who signs in: see staff.go.

func (k keys) staff() string          { return k.tag + "staff" }           // hash: id to sealed member
func (k keys) staffRevisions() string { return k.tag + "staff:revisions" } // hash: id to "revision nonce"
func (k keys) staffLogins() string    { return k.tag + "staff:logins" }    // hash: digest of a login to id
func (k keys) staffLoginOf() string   { return k.tag + "staff:login-of" }  // hash: id to digest of its login
func (k keys) ticket(kind, digest string) string {
	return k.tag + "ticket:" + kind + ":" + digest // sealed document
}
func (k keys) tickets(kind string) string      { return k.tag + "tickets:" + kind }    // sorted set: digest by when it ends, ms
func (k keys) session(digest string) string    { return k.tag + "session:" + digest }  // hash: m member, d sealed document, began, seen, ends in ms
func (k keys) sessionsOf(member string) string { return k.tag + "sessions:" + member } // sorted set: digest by when it ends, ms
func (k keys) attempts(index string) string    { return k.tag + "attempts:" + index }  // hash: n, until in ms

// Copies of the store: see backups.go and restored.go.

func (k keys) restoring() string              { return k.tag + "restoring" }                 // there while a copy is being brought back into this store
func (k keys) restored() string               { return k.tag + "restored" }                  // string: backup.Restored
func (k keys) declared() string               { return k.tag + "declared" }                  // string: broadcast.Declaration
func (k keys) backup(place string) string     { return k.tag + "backup:" + place }           // string: backup.State
func (k keys) backupTurn(place string) string { return k.tag + "backup:" + place + ":turn" } // there while nobody else may make one

// What staff write besides alerts: see papers.go.

func (k keys) papers(kind string) string        { return k.tag + "papers:" + kind }           // hash: id to "revision nonce document"
func (k keys) paperPast(kind, id string) string { return k.tag + "paper:" + kind + ":" + id } // list: the same, newest first

// Calls to staff: see rings.go.

func (k keys) ring(id string) string          { return k.tag + "ring:" + id } // hash: j ring, token of who has it in hand
func (k keys) rings() string                  { return k.tag + "rings" }      // sorted set of all, by ms
func (k keys) ringsDue() string               { return k.tag + "rings:due" }  // sorted set of those to send, by due ms
func (k keys) ringsOf(event alerts.ID) string { return k.tag + "rings:of:" + string(event) }

// Warnings of others: see warnings.go.

func (k keys) warning(key string) string { return k.tag + "warning:" + key } // hash: j, n nonce, state, call, answer, later, rung:<once>
func (k keys) warnings() string          { return k.tag + "warnings" }       // sorted set of all keys, by ms
func (k keys) warningText(digest alerts.Digest) string {
	return k.tag + "warning:text:" + string(digest) // string: the key that said it first
}
func (k keys) warningsOf(sender, identifier string) string {
	sum := sha256.Sum256([]byte(sender + "\x00" + identifier))
	return k.tag + "warning:of:" + hex.EncodeToString(sum[:]) // set of keys
}
func (k keys) feed(name string) string     { return k.tag + "feed:" + name }           // string: broadcast.FeedState
func (k keys) feedTurn(name string) string { return k.tag + "feed:" + name + ":turn" } // there while nobody else may read it
func (k keys) feedSeen(name string) string { return k.tag + "feed:" + name + ":seen" } // sorted set: entry by when it was last there, ms

// Calls to volunteers: see callouts.go. Scripts make those of a call from
// call("") and the id.

func (k keys) call(id alerts.ID) string         { return k.tag + "call:" + string(id) } // hash: number, rev, state, j sealed call, said number of answers, timer ms, token of who has it in hand, look ms, round and cursor of the newest page
func (k keys) callLegs(id alerts.ID) string     { return k.call(id) + ":legs" }         // hash: number to "step wave begun-ms kind kind ..."
func (k keys) callDue(id alerts.ID) string      { return k.call(id) + ":due" }          // sorted set: number by when the step is due, ms
func (k keys) callAnswers(id alerts.ID) string  { return k.call(id) + ":answers" }      // hash: number to "which nonce sealed answer"
func (k keys) callPresent(id alerts.ID) string  { return k.call(id) + ":present" }      // hash: number to "nonce presence"
func (k keys) callPages(id alerts.ID) string    { return k.call(id) + ":pages" }        // hash: record to its channels
func (k keys) callPaged(id alerts.ID) string    { return k.call(id) + ":paged" }        // hash: number to lines "record channel ordinal ms"
func (k keys) callMessages(id alerts.ID) string { return k.call(id) + ":messages" }     // hash: "which:number" to sealed message
func (k keys) calls() string                    { return k.tag + "calls" }              // sorted set of all ids, by number
func (k keys) callSeq() string                  { return k.tag + "calls:seq" }
func (k keys) callsOpen() string                { return k.tag + "calls:open" }   // sorted set: those of calls that are open
func (k keys) callsDue() string                 { return k.tag + "calls:due" }    // sorted set: ids by when a node must look at them, ms
func (k keys) callsForget() string              { return k.tag + "calls:forget" } // set: numbers of erased people that calls may name still
func (k keys) callsNamed() string               { return k.tag + "calls:named" }  // set: numbers of people whom any call names

// laneGroup is the consumer group of every lane; a channel's group of the log
// is logGroup.
const laneGroup = "send"

func logGroup(channel string) string { return "ch:" + channel }
