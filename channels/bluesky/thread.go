package bluesky

import (
	"context"
	"net/url"

	"martinella/channels"
)

// answerTo puts a post into a thread: below its parent, in the conversation
// that began with the root.
type answerTo struct {
	Root   strongRef `json:"root"`
	Parent strongRef `json:"parent"`
}

// kept is a post's record as the server has it.
type kept struct {
	strongRef
	Value struct {
		Text  string `json:"text"`
		Reply *struct {
			Root strongRef `json:"root"`
		} `json:"reply"`
	} `json:"value"`
}

// record reads a post's record; found is false where the server has none. The
// error is Uncertain where the server answered and could not tell.
func (c *Channel) record(ctx context.Context, at address) (k kept, found bool, err error) {
	// Anybody may read it. With our token a server that stands before the one that
	// keeps the account asks that one, not a copy.
	res, err := c.session.signed(ctx, request{method: "com.atproto.repo.getRecord",
		query: url.Values{"repo": {at.repo}, "collection": {collection}, "rkey": {at.key}}})
	if err != nil {
		return kept{}, false, err
	}
	if res.absent() {
		return kept{}, false, nil
	}
	if err = res.verdict(); err == nil {
		err = res.Decode(platform, &k)
	}
	return k, err == nil, err
}

// thread gives the place of an answer to a post. An alert does not wait for its
// thread: where the post is gone, or the server cannot tell, it stands
// alone and the note says so. The error is that of a server that is away, or wants us to
// wait.
func (c *Channel) thread(ctx context.Context, id string) (to *answerTo, note string, err error) {
	const alone = "not in the thread: the earlier post is gone"
	at, ok := parseAddress(id)
	if !ok {
		return nil, alone, nil
	}
	parent, found, err := c.record(ctx, at)
	if err != nil {
		if v, _ := channels.VerdictOf(err); v == channels.VerdictRetry {
			return nil, "", err
		}
		return nil, "not in the thread: " + err.Error(), nil
	}
	if !found || !parent.whole() {
		return nil, alone, nil
	}
	to = &answerTo{Root: parent.strongRef, Parent: parent.strongRef}
	if before := parent.Value.Reply; before != nil && before.Root.whole() {
		to.Root = before.Root
	}
	return to, "", nil
}

// Find looks for m under the name that its record has, whichever attempt wrote
// it. What stands there with other words is not m: sending m again puts it in
// its place.
func (c *Channel) Find(ctx context.Context, m channels.Message) (channels.Receipt, bool, error) {
	who, err := c.session.tokens(ctx, "")
	if err != nil {
		return channels.Receipt{}, false, err
	}
	k, found, err := c.record(ctx, address{who.did, recordKey(m)})
	if err != nil || !found || k.Value.Text != m.Text {
		return channels.Receipt{}, false, harmless(err)
	}
	return receiptOf(k.URI), true, nil
}
