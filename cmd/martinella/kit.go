package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"martinella/alerts"
	"martinella/broadcast"
)

// kitWish is what the flags of the command ask for.
type kitWish struct {
	posted   string // the channel to tick
	language string
	link     string // of the post
	reason   string
	card     string // file to write the picture to
	asJSON   bool
}

func kitCommand(sh shell) *cobra.Command {
	var want kitWish
	cmd := &cobra.Command{
		Use:   "kit ALERT",
		Short: "Print what people post by hand, and tick it once it is posted",
		Long: `Print the texts of an alert for the accounts that no program may post to, ready
to copy, with link and picture. With --posted, write down that one was posted:
until then its delivery says that nobody was told.`,
		Example: `  martinella kit 01JD0Q4W7N8R5T2V6X9ZABCDEF --key-file press.key
  martinella kit 01JD0Q4W7N8R5T2V6X9ZABCDEF --card card.png --language it --key-file press.key
  martinella kit 01JD0Q4W7N8R5T2V6X9ZABCDEF --posted instagram --link https://www.instagram.com/p/abc --key-file press.key`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if want.posted == "" && (want.link != "" || want.reason != "") {
				return usage(errors.New("--link and --reason are for a tick"), "name the channel with --posted")
			}
			if want.posted != "" && want.card != "" {
				return usage(errors.New("--card and --posted are two acts"), "fetch the picture first, post it, then tick")
			}
			c, err := newClient(sh, cmd.Flags())
			if err != nil {
				return err
			}
			return want.run(cmd.Context(), sh, c, args[0])
		},
	}
	f := cmd.Flags()
	clientFlags(f)
	f.StringVar(&want.posted, "posted", "", "`CHANNEL` whose text was posted")
	f.StringVar(&want.language, "language", "", "of the text or the picture, like `it`; without it all texts")
	f.StringVar(&want.link, "link", "", "`ADDRESS` of the post")
	f.StringVar(&want.reason, "reason", "", "`TEXT` for the record")
	f.StringVar(&want.card, "card", "", "`FILE` to write the picture to (PNG)")
	f.BoolVar(&want.asJSON, "json", false, "print the gateway's answer as JSON")
	return cmd
}

// kitList is the gateway's answer with the kits of an alert.
type kitList struct {
	ID       alerts.ID       `json:"id"`
	Event    alerts.ID       `json:"event"`
	Revision int             `json:"revision"`
	State    alerts.State    `json:"state"`
	Digest   alerts.Digest   `json:"digest"`
	Kits     []broadcast.Kit `json:"kits"`
}

// tickAnswer is the gateway's answer to a tick.
type tickAnswer struct {
	ID       alerts.ID           `json:"id"`
	Revision int                 `json:"revision"`
	Channel  string              `json:"channel"`
	New      int                 `json:"new"`
	Posts    []broadcast.KitPost `json:"posts"`
}

func (w kitWish) run(ctx context.Context, sh shell, c *client, id string) error {
	at := "/api/v1/alerts/" + url.PathEscape(id)
	if w.card != "" {
		return w.picture(ctx, sh, c, at)
	}
	var list kitList
	if _, err := c.call(ctx, http.MethodGet, at+"/kits", "", nil, &list); err != nil {
		return asFailure(err)
	}
	if w.posted != "" {
		return w.tick(ctx, sh, c, list)
	}
	if w.asJSON {
		return json.NewEncoder(sh.out).Encode(list)
	}
	if len(list.Kits) == 0 {
		fmt.Fprintf(sh.out, "nothing to post by hand (state %s, revision %d)\n", list.State, list.Revision)
		return nil
	}
	for _, k := range list.Kits {
		describeKit(sh, list, k)
	}
	return nil
}

// picture writes the card into a file.
func (w kitWish) picture(ctx context.Context, sh shell, c *client, at string) error {
	if w.language != "" {
		at += "/card.png?language=" + url.QueryEscape(w.language)
	} else {
		at += "/card.png"
	}
	_, b, err := c.fetch(ctx, http.MethodGet, at, "", nil)
	if err != nil {
		return asFailure(err)
	}
	if err := os.WriteFile(w.card, b, 0o644); err != nil { //nolint:gosec // a picture for everybody
		return refused(fmt.Errorf("picture %s", plainPathError(err)), "name a file that can be written with --card")
	}
	fmt.Fprintf(sh.out, "%s: %d bytes\n", w.card, len(b))
	return nil
}

func (w kitWish) tick(ctx context.Context, sh shell, c *client, list kitList) error {
	b, err := json.Marshal(map[string]any{"digest": list.Digest, "language": w.language, "url": w.link, "reason": w.reason})
	if err != nil {
		return err
	}
	var done tickAnswer
	if _, err := c.call(ctx, http.MethodPost, "/api/v1/alerts/"+url.PathEscape(string(list.ID))+"/kits/"+url.PathEscape(w.posted), "application/json", b, &done); err != nil {
		return asFailure(err)
	}
	if w.asJSON {
		return json.NewEncoder(sh.out).Encode(done)
	}
	for _, p := range done.Posts {
		if p.Posted != nil {
			fmt.Fprint(sh.out, printable(fmt.Sprintf("%s, %s: %s\n", done.Channel, p.Language, postedBy(*p.Posted))))
		}
	}
	if done.New == 0 {
		fmt.Fprintln(sh.out, "it had been ticked before: nothing changed")
	}
	return nil
}

// describeKit prints one kit, so that each text can be selected as it stands.
func describeKit(sh shell, list kitList, k broadcast.Kit) {
	var out strings.Builder
	defer func() { fmt.Fprint(sh.out, printable(out.String())) }()
	fmt.Fprintf(&out, "== %s (%s), revision %d, %s\n", k.Channel, k.Platform, list.Revision, list.State)
	if k.Failure != "" {
		fmt.Fprintf(&out, "no text: %s\n", k.Failure)
	}
	for _, e := range k.Earlier {
		fmt.Fprintf(&out, "before: revision %d, %s, %s: correct it or take it down\n", e.Revision, e.Language, postedBy(e.Posted))
	}
	for _, p := range k.Posts {
		standing := "not ready yet: " + p.State
		switch {
		case p.Posted != nil:
			standing = postedBy(*p.Posted)
		case p.State == broadcast.Accepted.String():
			standing = "to be posted"
		}
		fmt.Fprintf(&out, "-- %s: %s\n%s\n", p.Language, standing, p.Text)
		if p.Link != "" {
			fmt.Fprintf(&out, "link: %s\n", p.Link)
		}
		if p.Alt != "" {
			fmt.Fprintf(&out, "picture: martinella kit %s --card card.png --language %s\ndescription of the picture, for those who do not see it: %s\n", list.ID, p.Language, p.Alt)
		}
	}
	fmt.Fprintf(&out, "tick: martinella kit %s --posted %s\n\n", list.ID, k.Channel)
}

func postedBy(p broadcast.Posted) string {
	s := fmt.Sprintf("posted by %s, ticked on %s", orDash(p.By.Name), p.At.Local().Format("2006-01-02 15:04"))
	if p.URL != "" {
		s += ", " + p.URL
	}
	return s
}
