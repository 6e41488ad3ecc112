package bluesky

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"martinella/alerts"
	"martinella/channels"
)

// collection is where posts are kept in an account's repository.
const collection = "app.bsky.feed.post"

// post is a post's record as we write it (lexicon app.bsky.feed.post).
type post struct {
	Type      string    `json:"$type"`
	Text      string    `json:"text"`
	Langs     []string  `json:"langs,omitempty"`
	Facets    []facet   `json:"facets,omitempty"`
	Embed     any       `json:"embed,omitempty"` // [images] or [external]
	Reply     *answerTo `json:"reply,omitempty"`
	CreatedAt string    `json:"createdAt"`
}

// put is the input of putRecord.
type put struct {
	Repo       string `json:"repo"`
	Collection string `json:"collection"`
	Key        string `json:"rkey"`
	Record     post   `json:"record"`
}

// strongRef names one version of a record.
type strongRef struct {
	URI string `json:"uri"`
	CID string `json:"cid"`
}

func (r strongRef) whole() bool { return r.URI != "" && r.CID != "" }

// Send writes m as a post, in the thread of m.Previous where there is one: with
// its picture, else with a card of the alert's page. Neither keeps the words
// back: what the server does not take of them is left out, and the receipt says
// so. The same message again is the same post.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	who, err := c.session.tokens(ctx, "")
	if err != nil {
		return channels.Receipt{}, err
	}
	var notes []string
	in := put{Repo: who.did, Collection: collection, Key: recordKey(m), Record: post{
		Type: collection, Text: m.Text, Langs: langs(m.Language), Facets: facets(m.Text), CreatedAt: createdAt(m)}}
	if m.Previous != "" {
		var note string
		if in.Record.Reply, note, err = c.thread(ctx, m.Previous); err != nil {
			return channels.Receipt{}, err
		}
		notes = append(notes, note)
	}
	embed, note, err := c.embed(ctx, m)
	if err != nil {
		return channels.Receipt{}, err
	}
	notes = append(notes, note)
	in.Record.Embed = embed
	receipt, status, err := c.write(ctx, in)
	if v, _ := channels.VerdictOf(err); v == channels.VerdictPermanent && status == http.StatusBadRequest && embed != nil {
		in.Record.Embed = nil
		why := err
		if receipt, _, err = c.write(ctx, in); err == nil {
			notes = append(notes, "without picture and card: "+why.Error())
		}
	}
	if err != nil {
		return channels.Receipt{}, err
	}
	receipt.Note = joined(notes)
	return receipt, nil
}

// write puts the record, and gives the status of a refusal.
func (c *Channel) write(ctx context.Context, in put) (channels.Receipt, int, error) {
	res, err := c.session.signed(ctx, request{method: "com.atproto.repo.putRecord", input: in})
	if err != nil {
		return channels.Receipt{}, 0, err
	}
	if err := res.verdict(); err != nil {
		return channels.Receipt{}, res.Status, err
	}
	var ref strongRef
	if err := res.Decode(platform, &ref); err != nil {
		return channels.Receipt{}, res.Status, err
	}
	if !ref.whole() {
		return channels.Receipt{}, res.Status, channels.Uncertain(errors.New("bluesky took the post and gave no address"))
	}
	return receiptOf(ref.URI), res.Status, nil
}

// receiptOf gives the receipt of a post. Its id is the record's address: with
// it the version is found that an answer has to name.
func receiptOf(uri string) channels.Receipt {
	r := channels.Receipt{ID: uri}
	if at, ok := parseAddress(uri); ok {
		r.URL = "https://bsky.app/profile/" + at.repo + "/post/" + at.key
	}
	return r
}

// Withdraw deletes a post. One that is gone is no error, and the server says
// nothing else of it.
func (c *Channel) Withdraw(ctx context.Context, id string) error {
	at, ok := parseAddress(id)
	if !ok {
		return channels.Permanent(fmt.Errorf("bluesky: %.100q is not the address of a post", id))
	}
	who, err := c.session.tokens(ctx, "")
	if err != nil {
		return err
	}
	if at.repo != who.did {
		return channels.Permanent(fmt.Errorf("bluesky: the post is of another account, %s", at.repo))
	}
	res, err := c.session.signed(ctx, request{method: "com.atproto.repo.deleteRecord",
		input: map[string]string{"repo": at.repo, "collection": collection, "rkey": at.key}})
	if err != nil {
		return err
	}
	if res.absent() {
		return nil
	}
	return res.verdict()
}

// address is where a post is kept.
type address struct{ repo, key string }

// parseAddress reads at://did:plc:.../app.bsky.feed.post/3l...
func parseAddress(uri string) (a address, ok bool) {
	rest, ok := strings.CutPrefix(uri, "at://")
	if !ok {
		return a, false
	}
	repo, rest, _ := strings.Cut(rest, "/")
	key, ok := strings.CutPrefix(rest, collection+"/")
	if !ok || !strings.HasPrefix(repo, "did:") || key == "" || strings.ContainsAny(key, "/?#") {
		return a, false
	}
	return address{repo, key}, true
}

// tagPattern is what all servers take for a language (BCP 47).
var tagPattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z]{2})?$`)

// langs gives the language of a post as its readers filter by it; none where
// the alert names it in a way that a server might refuse.
func langs(language string) []string {
	for _, tag := range []string{language, alerts.PrimaryLanguage(language)} {
		if tagPattern.MatchString(tag) {
			return []string{tag}
		}
	}
	return nil
}

// joined gives the notes that there are.
func joined(notes []string) string {
	var out []string
	for _, n := range notes {
		if n != "" {
			out = append(out, n)
		}
	}
	return strings.Join(out, "; ")
}
