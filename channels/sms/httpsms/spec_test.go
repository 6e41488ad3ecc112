package httpsms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"

	"martinella/channels/channeltest"
)

// vendorSpec is Twilio's own description, where somebody put it beside the
// checkout: twilio/twilio-oai, spec/json/twilio_api_v2010.json.
func vendorSpec(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	for ; err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, none := os.Stat(filepath.Join(dir, "go.mod")); none == nil {
			return filepath.Join(dir, "../shared/testdata/specs/twilio_api_v2010.json")
		}
	}
	t.Fatal("no go.mod above the test")
	return ""
}

// Everything that we ask of Twilio is as described: in words of ours always, in
// Twilio's own where they are there.
func TestTwilioSpec(t *testing.T) {
	for name, path := range map[string]string{"our own description": "testdata/twilio-openapi.yaml", "Twilio's description": vendorSpec(t)} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
				t.Skipf("SKIPPED: %s is not there; Twilio's requests are checked against our own description only", path)
			}
			spec, err := openapi3.NewLoader().LoadFromFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f := &fake{}
			asked := map[string]int{}
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				// The router knows no path whose last part goes on behind a parameter.
				if err := follows(r, spec); err != nil && filepath.Base(r.URL.Path) != testAccount+".json" {
					t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
				}
				asked[r.Method+" "+filepath.Base(r.URL.Path)]++
				f.twilio(w, r)
			}))
			defer s.Close()
			spec.Servers = openapi3.Servers{{URL: s.URL}}
			for _, item := range spec.Paths.Map() {
				item.Servers = nil
			}
			base := twilioConfig(t, s.URL)
			base.ReplyNumber = "+390577000000"
			ch := finding{opened(t, Config{ProviderConfig: base})}
			service := base
			service.Source, service.ReplyNumber, service.MessagingServiceSID = "", "", "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			for _, ch := range []finding{ch, {opened(t, Config{ProviderConfig: service})}} {
				for i, kind := range channeltest.Kinds {
					m := message(string(kind))
					rendered, err := ch.Render(channeltest.Sample(kind))
					if err != nil {
						t.Fatal(err)
					}
					m.Text = rendered[0].Text
					if i%2 == 0 {
						m.Expires = time.Time{}
					}
					if _, err := ch.Send(t.Context(), m); err != nil {
						t.Errorf("%s: %v", kind, err)
					}
					if _, found, err := ch.Find(t.Context(), m); err != nil || !found {
						t.Errorf("%s: find: %v %v", kind, found, err)
					}
				}
			}
			if err := errors.Join(ch.Check(t.Context()), ch.Answer(t.Context(), testNumber, "ok")); err != nil {
				t.Error(err)
			}
			if n := len(channeltest.Kinds); asked["POST Messages.json"] != 2*n+1 || asked["GET Messages.json"] != 2*n || len(asked) != 3 {
				t.Errorf("asked %v", asked)
			}
		})
	}
}

func follows(r *http.Request, spec *openapi3.T) error {
	router, err := legacy.NewRouter(spec, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation(), openapi3.DisableSchemaPatternValidation(), openapi3.AllowExtraSiblingFields("description"))
	if err != nil {
		return err
	}
	in := r.Clone(context.WithoutCancel(r.Context()))
	in.URL.Scheme, in.URL.Host = "http", r.Host
	body, err := readAgain(r)
	if err != nil {
		return err
	}
	in.Body = body
	route, params, err := router.FindRoute(in)
	if err != nil {
		return err
	}
	if post := route.Operation.RequestBody; post != nil { // the validator passes over names that it does not know
		again, err := readAgain(r)
		if err != nil {
			return err
		}
		form, err := io.ReadAll(again)
		if err != nil {
			return err
		}
		names, err := url.ParseQuery(string(form))
		if err != nil {
			return err
		}
		for name := range names {
			if post.Value.Content["application/x-www-form-urlencoded"].Schema.Value.Properties[name] == nil {
				return fmt.Errorf("the parameter %s is not known", name)
			}
		}
	}
	return openapi3filter.ValidateRequest(in.Context(), &openapi3filter.RequestValidationInput{Request: in, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: func(context.Context, *openapi3filter.AuthenticationInput) error {
			if user, _, ok := in.BasicAuth(); !ok || !strings.HasPrefix(user, "AC") {
				return errors.New("no credentials")
			}
			return nil
		}}})
}
