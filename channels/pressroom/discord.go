package pressroom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/social"
)

// Discord posts over a webhook of Discord
// (discord.com/developers/docs/resources/webhook). It may be used from many
// goroutines.
type Discord struct {
	room
	uploads social.Uploads
}

var (
	_ channels.Channel    = (*Discord)(nil)
	_ channels.Amender    = (*Discord)(nil)
	_ channels.Withdrawer = (*Discord)(nil)
	_ channels.Checker    = (*Discord)(nil)
)

// discordPath is that of a webhook: its id and its token.
var discordPath = regexp.MustCompile(`/webhooks/[0-9]+/[A-Za-z0-9_-]+/?$`)

// altMost is how long the description of an attachment may be (ibid., message
// resource, "Attachment Object").
const altMost = 1024

// discordBody is a message as we write it.
type discordBody struct {
	Content  string          `json:"content"`
	Username string          `json:"username,omitempty"` // cannot be edited
	Mentions allowedMentions `json:"allowed_mentions"`
	// Attachments are what the message has; nil in an edit leaves what there is.
	Attachments *[]attachment `json:"attachments,omitempty"`
}

// allowedMentions with an empty list: no word of an alert calls anybody.
type allowedMentions struct {
	Parse []string `json:"parse"`
}

// attachment is a file of the request, by the number in its name.
type attachment struct {
	ID          int    `json:"id"`
	Filename    string `json:"filename"`
	Description string `json:"description,omitempty"`
}

// Send posts m with its picture, and waits until Discord has kept it.
func (d *Discord) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	in := discordBody{Content: d.escape(m.Text), Username: d.config.Username}
	image, note := m.Image, ""
	if image != nil && d.uploads.Missed(m) {
		image, note = nil, "posted without the picture: nobody knows what became of the first try, with it"
	}
	receipt, err := d.write(ctx, http.MethodPost, d.address("", "wait"), in, image)
	switch {
	case image != nil && len(image.Bytes) > 0:
		d.uploads.Sent(m, err)
	case err == nil && note != "":
		receipt.Note = note
	}
	return receipt, err
}

// Edit changes a post in place; readers see that it was. A new picture takes the
// place of the old one; a message without a picture leaves the old one, one
// whose picture cannot be had takes it away.
func (d *Discord) Edit(ctx context.Context, id string, m channels.Message) (channels.Receipt, error) {
	in := discordBody{Content: d.escape(m.Text)}
	if m.Image != nil {
		in.Attachments = &[]attachment{}
	}
	return d.write(ctx, http.MethodPatch, d.address(id, ""), in, m.Image)
}

// RenderAmended makes what the posts of the revision before read from now on.
func (d *Discord) RenderAmended(before, r *alerts.Record) ([]channels.Message, error) {
	return d.posts.RenderAmended(before, r)
}

// Withdraw deletes a post. One that is gone is no error.
func (d *Discord) Withdraw(ctx context.Context, id string) error {
	answer, err := d.call.Do(ctx, http.MethodDelete, d.address(id, ""), nil, nil)
	if err != nil {
		return err
	}
	if err := d.verdict(answer); !errors.Is(err, channels.ErrPostGone) {
		return err
	}
	return nil
}

// Check reads the webhook, which proves its address.
func (d *Discord) Check(ctx context.Context) error {
	answer, err := d.call.Do(ctx, http.MethodGet, d.address("", ""), nil, nil)
	if err != nil {
		return err
	}
	var hook struct {
		ID   string `json:"id"`
		Type int    `json:"type"`
	}
	if err = d.verdict(answer); err == nil {
		err = answer.Decode(shapeDiscord, &hook)
	}
	const incoming = 1 // ibid., "Webhook Types"
	switch v, _ := channels.VerdictOf(err); {
	case v == channels.VerdictUncertain:
		return errors.New(err.Error()) // a reading changes nothing
	case errors.Is(err, channels.ErrPostGone):
		return channels.Unauthorized(err)
	case err == nil && (hook.ID == "" || hook.Type != incoming):
		return channels.Permanent(fmt.Errorf("pressroom %s: the address is not that of an incoming webhook", d.name))
	}
	return err
}

// address is where the webhook is, or one of its messages. A thread stays; wait
// asks for the message as it was kept.
func (d *Discord) address(message, wait string) string {
	u := *d.hook
	u.Path = strings.TrimRight(u.Path, "/")
	if message != "" {
		u = *u.JoinPath("messages", message)
	}
	query := url.Values{}
	if thread := d.hook.Query().Get("thread_id"); thread != "" && (message != "" || wait != "") {
		query.Set("thread_id", thread)
	}
	if wait != "" {
		query.Set(wait, "true")
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// write sends a message, with a picture where there is one; a picture that is
// refused is left out.
func (d *Discord) write(ctx context.Context, method, address string, in discordBody, image *channels.Image) (channels.Receipt, error) {
	note := ""
	if image != nil && len(image.Bytes) > 0 {
		receipt, err := d.writePictured(ctx, method, address, in, image)
		if v, _ := channels.VerdictOf(err); v != channels.VerdictPermanent || errors.Is(err, channels.ErrPostGone) {
			return receipt, err
		}
		note = "posted without the picture: " + err.Error()
	}
	in.Mentions.Parse = []string{}
	body, err := json.Marshal(in)
	if err != nil {
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("discord: the post cannot be written as JSON: %w", err))
	}
	receipt, err := d.put(ctx, method, address, "application/json", body)
	if err == nil {
		receipt.Note = note
	}
	return receipt, err
}

// writePictured sends a message and its picture as a form
// (discord.com/developers/docs/reference, "Uploading Files").
func (d *Discord) writePictured(ctx context.Context, method, address string, in discordBody, image *channels.Image) (channels.Receipt, error) {
	alt, err := channels.Fit([]channels.Piece{{Kind: channels.PieceAction, Text: image.Alt}}, altMost, channels.UnitChars.Count)
	if err != nil {
		alt = ""
	}
	in.Mentions.Parse = []string{}
	in.Attachments = &[]attachment{{ID: 0, Filename: "alert.png", Description: alt}}
	body, err := json.Marshal(in)
	if err != nil {
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("discord: the post cannot be written as JSON: %w", err))
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, part := range []struct {
		disposition, media string
		bytes              []byte
	}{{`form-data; name="payload_json"`, "application/json", body}, {`form-data; name="files[0]"; filename="alert.png"`, image.Type, image.Bytes}} {
		to, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {part.disposition}, "Content-Type": {part.media}})
		if err == nil {
			_, err = to.Write(part.bytes)
		}
		if err != nil {
			return channels.Receipt{}, channels.Permanent(fmt.Errorf("discord: the picture cannot be written: %w", err))
		}
	}
	if err := w.Close(); err != nil {
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("discord: the picture cannot be written: %w", err))
	}
	return d.put(ctx, method, address, w.FormDataContentType(), b.Bytes())
}

// put makes one call that posts or changes, and reads the message that comes
// back.
func (d *Discord) put(ctx context.Context, method, address, media string, body []byte) (channels.Receipt, error) {
	answer, err := d.call.Do(ctx, method, address, http.Header{"Content-Type": {media}, "Accept": {"application/json"}}, body)
	if err != nil {
		return channels.Receipt{}, err
	}
	if err := d.verdict(answer); err != nil {
		return channels.Receipt{}, err
	}
	var kept struct {
		ID string `json:"id"`
	}
	if err := answer.Decode(shapeDiscord, &kept); err != nil {
		return channels.Receipt{}, err
	}
	if kept.ID == "" {
		return channels.Receipt{}, channels.Uncertain(errors.New("discord took the post and gave no id"))
	}
	return channels.Receipt{ID: kept.ID}, nil
}

// unknownMessage is Discord's code for a message that is not there
// (discord.com/developers/docs/topics/opcodes-and-status-codes).
const unknownMessage = 10008

// verdict judges an answer. 404 is the webhook, which was taken away, unless the
// code says that it is the message.
func (d *Discord) verdict(a *channels.Answer) error {
	err := d.call.Verdict(a, time.Now())
	if a.Status != http.StatusNotFound {
		return err
	}
	var in struct {
		Code int `json:"code"`
	}
	if a.JSON && json.Unmarshal(a.Body, &in) == nil && in.Code == unknownMessage {
		return channels.PostGone(err)
	}
	return channels.Unauthorized(fmt.Errorf("%w: the webhook is gone", err))
}
