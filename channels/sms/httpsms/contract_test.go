package httpsms

import (
	"context"
	"net/http"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// undated sends the samples, whose dates are past, as if they held now.
type undated struct{ finding }

func (u undated) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if !m.Expires.IsZero() {
		m.Expires = time.Now().Add(time.Hour)
	}
	return u.finding.Send(ctx, m)
}

func TestContract(t *testing.T) {
	for name, c := range map[string]struct {
		config   func(testing.TB, string) ProviderConfig
		platform func(*fake) http.HandlerFunc
		verdicts map[int]channels.Verdict
	}{
		"twilio":  {twilioConfig, func(f *fake) http.HandlerFunc { return f.twilio }, nil},
		"skebby":  {skebbyConfig, func(f *fake) http.HandlerFunc { return f.skebby }, map[int]channels.Verdict{404: channels.VerdictUnauthorized}},
		"generic": {genericConfig, func(f *fake) http.HandlerFunc { return f.generic }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			channeltest.Run(t, channeltest.Suite{
				To: testNumber, Secrets: []string{testToken, "h00k-t0k3n"}, Verdicts: c.verdicts,
				Platform: func(testing.TB) http.Handler { return c.platform(&fake{}) },
				New: func(t testing.TB, baseURL string) channels.Channel {
					return undated{finding{opened(t, Config{ProviderConfig: c.config(t, baseURL)})}}
				},
			})
		})
	}
}

func TestGolden(t *testing.T) {
	channeltest.Golden(t, opened(t, Config{ProviderConfig: twilioConfig(t, "https://twilio.example")}))
}
