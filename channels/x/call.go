package x

import (
	"context"
	"errors"
	"net/http"
	"time"

	"martinella/channels"
)

const platform = "x"

// credential proves to X who calls. Its methods may be called from many
// goroutines.
type credential interface {
	// authorize gives the Authorization header of one call, and the caller that
	// hides its secrets. Its errors are never uncertain.
	authorize(ctx context.Context, method, address string) (string, *channels.Caller, error)
	// refused is told of a header that X did not take, and says whether asking
	// for another makes sense.
	refused(header string) bool
	// trouble is what will break later if nobody looks; nil where all is well.
	trouble() error
	// renewal is for people: see [channels.Renewer].
	renewal() string
}

// api calls X for one account.
type api struct {
	url string
	as  credential
}

// answer is what X said, with the caller that hides the secrets of the call.
type answer struct {
	*channels.Answer
	call *channels.Caller
}

// request is one call.
type request struct {
	method, path string // with its query
	contentType  string // "" without a body
	body         []byte
}

// do makes one call; a second one only where X has surely done nothing because
// the access token was over.
func (a *api) do(ctx context.Context, r request) (answer, error) {
	for second := false; ; second = true {
		header := http.Header{"Accept": {"application/json"}}
		if r.contentType != "" {
			header.Set("Content-Type", r.contentType)
		}
		who, call, err := a.as.authorize(ctx, r.method, a.url+r.path)
		if err != nil {
			return answer{}, err
		}
		header.Set("Authorization", who)
		got, err := call.Do(ctx, r.method, a.url+r.path, header, r.body)
		if err != nil {
			return answer{}, err
		}
		if got.Status == http.StatusUnauthorized && !second && a.as.refused(who) {
			continue
		}
		return answer{got, call}, nil
	}
}

// get reads JSON. A read changes nothing, so its errors are never uncertain.
func (a *api) get(ctx context.Context, path string, into any) (answer, error) {
	got, err := a.do(ctx, request{method: http.MethodGet, path: path})
	if err == nil {
		err = got.verdict(time.Now())
	}
	if err == nil {
		err = got.Decode(platform, into)
	}
	return got, surely(err)
}

// surely is for calls that post nothing: what may have arrived is as good as
// what has not.
func surely(err error) error {
	if v, _ := channels.VerdictOf(err); v != channels.VerdictUncertain {
		return err
	}
	if inner := errors.Unwrap(err); inner != nil {
		if v, _ := channels.VerdictOf(inner); v != channels.VerdictUncertain {
			return inner
		}
	}
	return errors.New(err.Error())
}
