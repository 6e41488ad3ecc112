package x

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"martinella/channels"
)

// Connect is a [channels.Connect] for an account on X, by OAuth 1.0a.
func Connect(ctx context.Context, p channels.Prompt) (channels.Connected, error) {
	return connector{apiURL}.connect(ctx, p)
}

// connector knows where X is.
type connector struct{ url string }

const howToConnect = `An application of your own posts for the account. At console.x.com, signed in as the account that shall post:
  1. make a project and an application in it;
  2. under "User authentication settings" choose "Read and write" (any callback address will do);
  3. under "Keys and tokens" make the API key and secret, and then the access token and secret: in this order, because a token keeps the rights that the application had when it was made.
Posts are paid for: buy some credit there, with automatic recharge. Nothing is posted now.`

// connect asks for the four values until X takes them.
func (c connector) connect(ctx context.Context, p channels.Prompt) (channels.Connected, error) {
	p.Tell(howToConnect)
	var u userToken
	var who account
	for ok := false; !ok; {
		for _, q := range []struct {
			text string
			to   *string
		}{{"API key (consumer key)", &u.consumerKey}, {"API key secret", &u.consumerSecret}, {"Access token", &u.token}, {"Access token secret", &u.tokenSecret}} {
			answer, err := p.Ask(channels.Question{Text: q.text, Secret: true, Check: oneWord})
			if err != nil {
				return channels.Connected{}, err
			}
			*q.to = strings.TrimSpace(answer)
		}
		var err error
		if who, ok, err = c.try(ctx, p, u); err != nil {
			return channels.Connected{}, err
		}
	}
	p.Tell("X knows the account: @" + who.Username + ".")
	perDay, err := p.Ask(channels.Question{
		Text: "How many posts a day may it pay for? Severe and extreme alerts, and their end, are never held back", Default: "100",
		Check: func(answer string) error {
			if n, err := strconv.Atoi(strings.TrimSpace(answer)); err != nil || n < 1 {
				return errors.New("a whole number, 1 or more")
			}
			return nil
		},
	})
	if err != nil {
		return channels.Connected{}, err
	}
	return channels.Connected{
		Fields: []channels.Field{{Key: "per_day", Value: strings.TrimSpace(perDay)}},
		Secrets: []channels.Field{
			{Key: "consumer_key_file", Value: u.consumerKey}, {Key: "consumer_secret_file", Value: u.consumerSecret},
			{Key: "token_file", Value: u.token}, {Key: "token_secret_file", Value: u.tokenSecret},
		},
		Note: "The tokens of @" + who.Username + " do not end by themselves; they end when somebody takes them back at x.com or makes them anew. X has no place for a test that the public does not see.",
	}, nil
}

// try asks X about the four values. Where X could not be reached, the person
// says whether to try them again; the error is the end.
func (c connector) try(ctx context.Context, p channels.Prompt, u userToken) (account, bool, error) {
	at := api{url: c.url, as: newUserToken(u)}
	for {
		who, err := at.whoAmI(ctx)
		if err == nil {
			return who, true, nil
		}
		if ctx.Err() != nil {
			return account{}, false, ctx.Err()
		}
		if v, _ := channels.VerdictOf(err); v == channels.VerdictUnauthorized || v == channels.VerdictPermanent {
			p.Tell(fmt.Sprintf("X does not take them: %s. Once more, please.", err))
			return account{}, false, nil
		}
		p.Tell(fmt.Sprintf("X did not answer as it should: %s.", err))
		again, aerr := p.Ask(channels.Question{Text: "Try again?", Default: "yes", Choices: []string{"yes", "no"}})
		if aerr != nil {
			return account{}, false, aerr
		}
		if again != "yes" {
			return account{}, false, fmt.Errorf("x could not be asked whether the values are right: %w", err)
		}
	}
}

// oneWord is the form of the four values.
func oneWord(answer string) error {
	switch answer = strings.TrimSpace(answer); {
	case answer == "":
		return errors.New("it is missing")
	case strings.ContainsAny(answer, " \t\r\n"):
		return errors.New("it is one word, without space")
	}
	return nil
}
