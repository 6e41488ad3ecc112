package voice

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
	"martinella/channels/provider"
)

func described(t testing.TB, baseURL string) Config {
	return Config{Provider: kindGeneric, Source: source, Rate: 50, Description: provider.Description{
		URL: baseURL, SecretFile: secretFile(t, token),
		Request: provider.Request{Path: "/calls", JSON: `{"to":"{to}","say":"{speech}","play":"{recording}","lang":"{locale}","ring":"{ring_seconds:number}","ref":"{key}"}`,
			Headers: []provider.Field{{Name: "Authorization", Value: "Bearer {secret}"}, {Name: "Idempotency-Key", Value: "{key}"}}},
		Answer: provider.Answer{ID: "call.id", Code: "error.code"},
		Probe: provider.Probe{Request: provider.Request{Path: "/calls", Query: []provider.Field{{Name: "ref", Value: "{key}"}}}, Items: "calls",
			Match: []provider.Match{{Path: "ref", Value: "{key}"}}, ID: "id"},
		Check: provider.Check{Request: provider.Request{Path: "/account"}},
		Hook: provider.Hook{TokenFile: secretFile(t, "hook-token-hook-token"), Reports: provider.Reports{ID: "call_id", State: "status", Code: "status",
			States: []provider.StateRule{{Value: "confirmed", State: "heard"}, {Value: "answered", State: "answered"}, {Value: "voicemail", State: "machine"}, {Value: "busy", State: "busy"}, {Value: "timeout", State: "unanswered"}, {Value: "error*", State: "failed"}}}},
	}}
}

// platform keeps calls and finds them by reference.
type platform struct{ refs []string }

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		var calls []map[string]string
		for i, ref := range p.refs {
			calls = append(calls, map[string]string{"ref": ref, "id": sidOf(i + 1)})
		}
		json.NewEncoder(w).Encode(map[string]any{"calls": calls})
		return
	}
	var in struct{ Ref string }
	json.NewDecoder(r.Body).Decode(&in)
	p.refs = append(p.refs, in.Ref)
	json.NewEncoder(w).Encode(map[string]any{"call": map[string]string{"id": sidOf(len(p.refs))}})
}

func TestDescribedProvider(t *testing.T) {
	var got map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		json.NewDecoder(r.Body).Decode(&got)
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"call":{"id":"c-1"}}`))
	}))
	defer server.Close()
	ch := make1(t, described(t, server.URL))
	receipt, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Exercise, "a/1/calls/7"))
	if err != nil || receipt.ID != "c-1" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	said, _ := got["say"].(string)
	if strings.Count(said, "Esercitazione.") != 4 || strings.Count(said, "Alluvione") < 2 || !strings.Contains(said, " Ripeto. ") || !strings.HasSuffix(said, "prema il tasto 1.") ||
		got["to"] != number || got["lang"] != "it-IT" || got["ring"] != 30.0 || got["play"] != nil {
		t.Errorf("got %v", got)
	}
	for status, want := range map[string]channels.ReportState{"confirmed": channels.ReportDelivered, "answered": channels.ReportEnroute, "voicemail": channels.ReportFailed, "busy": channels.ReportFailed,
		"timeout": channels.ReportFailed, "error_17": channels.ReportFailed, "queued": channels.ReportEnroute} {
		r := httptest.NewRequest(http.MethodPost, "/hooks/calls?token=hook-token-hook-token", strings.NewReader(`{"call_id":"c-1","status":"`+status+`"}`))
		reports, _, err := ch.(channels.Inbound).Inbound(r)
		if err != nil || len(reports) != 1 || reports[0].State != want || reports[0].MessageID != "c-1" {
			t.Errorf("%s: %v, %v", status, reports, err)
		}
		if _, body := ch.(channels.HookAnswerer).HookAnswer(r); body != nil {
			t.Errorf("answered %s", body)
		}
	}
	forged := httptest.NewRequest(http.MethodPost, "/hooks/calls?token=x", strings.NewReader(`{"call_id":"c-1","status":"confirmed"}`))
	if _, _, err := ch.(channels.Inbound).Inbound(forged); !errors.Is(err, channels.ErrForged) {
		t.Errorf("forged: %v", err)
	}
}

func TestContractOfADescribedProvider(t *testing.T) {
	s := suite
	s.Platform = func(testing.TB) http.Handler { return locked(&platform{}) }
	s.New = func(t testing.TB, baseURL string) channels.Channel {
		ch := make1(t, described(t, baseURL)).(finding)
		ch.settle = 0
		return ch
	}
	channeltest.Run(t, s)
}

// locked serves one request at a time.
func locked(h http.Handler) http.Handler {
	turn := make(chan struct{}, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn <- struct{}{}
		defer func() { <-turn }()
		h.ServeHTTP(w, r)
	})
}

func TestADescriptionWithoutHookOrProbe(t *testing.T) {
	c := described(t, "https://a.example")
	c.Probe, c.Hook = provider.Probe{}, provider.Hook{}
	ch := make1(t, c)
	if _, finds := ch.(channels.Finder); finds {
		t.Error("it finds without a probe")
	}
	if notes := ch.(interface{ Notes() []string }).Notes(); len(notes) != 1 || !strings.Contains(notes[0], "no hook") {
		t.Errorf("notes %q", notes)
	}
}
