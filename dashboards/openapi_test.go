package dashboards

import (
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"martinella/alerts"
	"martinella/alerts/ledger"
	"martinella/broadcast"
)

func TestTheDocumentNamesEveryRouteAndNoOther(t *testing.T) {
	g := open(t)
	var doc struct {
		Paths map[string]map[string]struct {
			Security *[]map[string][]string
		}
	}
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, r := range g.server.api() {
		want = append(want, r.Method+" "+r.Path)
	}
	for path, methods := range doc.Paths {
		for method, operation := range methods {
			got = append(got, strings.ToUpper(method)+" "+path)
			open := operation.Security != nil && len(*operation.Security) == 0
			i := slices.IndexFunc(g.server.api(), func(r route) bool { return r.Path == path && strings.EqualFold(r.Method, method) })
			if i >= 0 && open != (g.server.api()[i].Who == anybody) {
				t.Errorf("%s %s: the document and the routes disagree on whether a key is needed", method, path)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("document %v\nroutes   %v", got, want)
	}
}

func TestTheDocumentIsOpenAPI(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %s", doc.OpenAPI)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == "" || op.Summary == "" || op.Responses.Len() == 0 {
				t.Errorf("%s %s lacks a name, a summary or answers", method, path)
			}
		}
	}
}

// schemas compiles a part of the document.
func schemaOf(t *testing.T, pointer string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(openAPI)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("http://martinella.example/openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("http://martinella.example/openapi.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRealAnswersAreAsTheDocumentSays(t *testing.T) {
	var shelf *kitShelf
	g := open(t, withKits(&shelf), sayer)
	issued := g.issue(message("doc-1", "severity", "Severe"))
	id := issued["id"].(string)
	waiting := g.post(author, "/api/v1/alerts", message("doc-2")).json(t)
	grave := g.post(author, "/api/v1/alerts", message("doc-7", "severity", "Extreme")).json(t)
	short := g.issue(message("doc-8"))
	var cancelled reply
	one := int64(7)
	g.memory.sent[g.memory.records[0].ID] = []broadcast.Delivery{{Channel: "outbox", State: "done", Total: 1, Accepted: 1, FirstMS: &one, P50MS: &one, P99MS: &one, LastMS: &one}, {Channel: "sms", State: "failed", Total: 3, Failed: 3}}
	now := time.Now()
	g.memory.sent[g.memory.records[0].ID] = append(g.memory.sent[g.memory.records[0].ID],
		broadcast.Delivery{Channel: "kit", State: "done", Total: 1, Accepted: 1, Delivered: 1, By: &alerts.By{ID: "key:press", Name: "Ufficio stampa"}, At: &now, PostedURL: "https://instagram.example/p/1"})
	g.memory.failed = []broadcast.Failure{{Ordinal: 1, State: "failed", Reason: "no such number", At: &now}, {Ordinal: 2, State: "uncertain"}}
	g.memory.dead = []broadcast.DeadLetter{{ID: "1-0", Channel: "outbox", Alert: g.memory.records[0].ID, To: 5, Failed: 1, Reason: "gave up", Taken: 6, Since: now}}
	copied := true
	g.memory.copied = &copied
	deliveries := "/api/v1/alerts/" + id + "/deliveries"
	decision := func(digest any, rest string) string { return `{"digest":"` + digest.(string) + `"` + rest + `}` }
	get := func(path, accept string) func() reply {
		return func() reply { return g.get(path, "Authorization", "Bearer "+approver, "Accept", accept) }
	}
	tests := []struct {
		operation string
		path      string
		call      func() reply
		status    int
	}{
		{"post", "/api/v1/alerts", func() reply { return g.post(issuer, "/api/v1/alerts", message("doc-3")) }, 201},
		{"post", "/api/v1/alerts", func() reply { return g.post(author, "/api/v1/alerts", message("doc-4")) }, 202},
		{"post", "/api/v1/alerts", func() reply { return g.post(author, "/api/v1/alerts", message("doc-5", "status", "Real")) }, 422},
		{"post", "/api/v1/alerts", func() reply { return g.post("mk_no", "/api/v1/alerts", "") }, 401},
		{"post", "/api/v1/alerts", func() reply { return g.post(author, "/api/v1/alerts", "<a") }, 400},
		{"post", "/api/v1/alerts/check", func() reply { return g.post(author, "/api/v1/alerts/check", message("doc-6")) }, 200},
		{"post", "/api/v1/alerts/check", func() reply { return g.post(author, "/api/v1/alerts/check", "<a") }, 422},
		{"post", "/api/v1/alerts/preview", func() reply { return g.post(author, "/api/v1/alerts/preview", message("doc-9")) }, 200},
		{"post", "/api/v1/alerts/preview", func() reply { return g.post(author, "/api/v1/alerts/preview", message("doc-9", "status", "Real")) }, 422},
		{"get", "/api/v1/templates", get("/api/v1/templates", "application/json"), 200},
		{"get", "/api/v1/alerts", get("/api/v1/alerts", "application/json"), 200},
		{"get", "/api/v1/alerts", get("/api/v1/alerts", "application/geo+json"), 200},
		{"get", "/api/v1/alerts", get("/api/v1/alerts?since=x", "*/*"), 410},
		{"get", "/api/v1/alerts/{id}", get("/api/v1/alerts/"+id, "application/json"), 200},
		{"get", "/api/v1/alerts/{id}", get("/api/v1/alerts/"+id, "application/geo+json"), 200},
		{"get", "/api/v1/alerts/{id}", get("/api/v1/alerts/none", "*/*"), 404},
		{"get", "/api/v1/alerts/{id}/deliveries", get("/api/v1/alerts/"+id+"/deliveries", "*/*"), 200},
		{"get", "/api/v1/alerts/{id}/deliveries/{channel}/failures", get(deliveries+"/outbox/failures?limit=1", "*/*"), 200},
		{"get", "/api/v1/alerts/{id}/deliveries/{channel}/failures", get(deliveries+"/outbox/failures", "text/csv"), 200},
		{"get", "/api/v1/alerts/{id}/deliveries/{channel}/failures", get(deliveries+"/outbox/failures?limit=x", "*/*"), 400},
		{"get", "/api/v1/alerts/{id}/deliveries/{channel}/failures", get(deliveries+"/none/failures", "*/*"), 404},
		{"post", "/api/v1/alerts/{id}/deliveries/{channel}/resend", func() reply {
			return g.act(approver, id, "deliveries/outbox/resend", decision(issued["digest"], `,"uncertain":true`))
		}, 202},
		{"post", "/api/v1/alerts/{id}/deliveries/{channel}/resend", func() reply {
			return g.act(approver, id, "deliveries/outbox/resend", decision(issued["digest"], `,"recipient":9`))
		}, 200},
		{"post", "/api/v1/alerts/{id}/deliveries/{channel}/resend", func() reply {
			return g.act(author, id, "deliveries/outbox/resend", decision(issued["digest"], ""))
		}, 403},
		{"get", "/api/v1/alerts/{id}/kits", get("/api/v1/alerts/"+id+"/kits", "*/*"), 200},
		{"post", "/api/v1/alerts/{id}/kits/{channel}", func() reply { return g.act(author, id, "kits/outbox", decision(issued["digest"], `,"language":"it"`)) }, 200},
		{"post", "/api/v1/alerts/{id}/kits/{channel}", func() reply { return g.act(author, id, "kits/sms", decision(issued["digest"], "")) }, 404},
		{"get", "/api/v1/alerts/{id}/kits", get("/api/v1/alerts/"+id+"/kits", "*/*"), 200}, // ticked
		{"get", "/api/v1/alerts/{id}/card.png", get("/api/v1/alerts/"+id+"/card.png?language=it", "*/*"), 200},
		{"get", "/api/v1/alerts/{id}/dead-letters", get("/api/v1/alerts/"+id+"/dead-letters", "*/*"), 200},
		{"get", "/api/v1/dead-letters", get("/api/v1/dead-letters?channel=outbox", "*/*"), 200},
		{"get", "/api/v1/alerts/{id}/progress", get("/api/v1/alerts/"+id+"/progress", "text/event-stream"), 200},
		{"get", "/api/v1/alerts/{id}/timeline", get("/api/v1/alerts/"+id+"/timeline", "*/*"), 200},
		{"post", "/api/v1/alerts/{id}/updates", func() reply {
			return g.act(author, id, "updates", `{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","text":"L'acqua sale.","place":"Ponte","source":"Sala","observed":"`+now.Format(time.RFC3339)+`"}`)
		}, 201},
		{"post", "/api/v1/alerts/{id}/updates", func() reply {
			return g.act(author, id, "updates", `{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","text":"L'acqua sale.","place":"Ponte","source":"Sala","observed":"`+now.Format(time.RFC3339)+`"}`)
		}, 200},
		{"post", "/api/v1/alerts/{id}/updates", func() reply { return g.act(author, id, "updates", `{"place":"Ponte","observed":"x"}`) }, 422},
		{"post", "/api/v1/alerts/{id}/updates/{uid}/withdraw", func() reply {
			return g.act(author, id, "updates/01ARZ3NDEKTSV4RRFFQ69G5FAV/withdraw", `{"reason":"luogo sbagliato"}`)
		}, 200},
		{"get", "/api/v1/alerts/{id}/updates", get("/api/v1/alerts/"+id+"/updates", "*/*"), 200},
		{"get", "/api/v1/alerts/{id}/rings", get("/api/v1/alerts/"+id+"/rings", "*/*"), 200},
		{"post", "/api/v1/alerts/{id}/open", func() reply {
			return g.act(approver, grave["id"].(string), "open", decision(grave["digest"], ""))
		}, 200},
		{"get", "/api/v1/alerts/{id}", get("/api/v1/alerts/"+grave["id"].(string), "application/json"), 200}, // with alone_from
		{"post", "/api/v1/alerts/{id}/issue-alone", func() reply {
			return g.act(author, grave["id"].(string), "issue-alone", decision(grave["digest"], `,"reason":"nessuno risponde"`))
		}, 403},
		{"post", "/api/v1/alerts/{id}/issue-alone", func() reply {
			return g.act(author, id, "issue-alone", decision(issued["digest"], `,"reason":"nessuno risponde"`))
		}, 409},
		{"post", "/api/v1/alerts/{id}/review", func() reply {
			return g.act(approver, id, "review", decision(issued["digest"], `,"reason":"nulla da dire"`))
		}, 200},
		{"post", "/api/v1/alerts/{id}/extend", func() reply {
			return g.act(approver, id, "extend", decision(issued["digest"], `,"reason":"x","expires":"later"`))
		}, 422},
		{"post", "/api/v1/alerts/{id}/extend", func() reply {
			return g.act(approver, short["id"].(string), "extend", decision(short["digest"], `,"reason":"sale ancora","expires":"`+alerts.FormatTime(now.Add(20*time.Hour))+`"`))
		}, 201},
		{"post", "/api/v1/alerts/{id}/extend", func() reply {
			return g.act(approver, short["id"].(string), "extend", decision(short["digest"], `,"reason":"sale ancora","expires":"`+alerts.FormatTime(now.Add(20*time.Hour))+`"`))
		}, 200},
		{"post", "/api/v1/alerts/{id}/resume", func() reply {
			return g.act(approver, id, "resume", decision(issued["digest"], ""))
		}, 409},
		{"post", "/api/v1/alerts/{id}/approve", func() reply {
			return g.act(approver, waiting["id"].(string), "approve", decision(waiting["digest"], ""))
		}, 200},
		{"post", "/api/v1/alerts/{id}/reject", func() reply {
			return g.act(approver, waiting["id"].(string), "reject", decision(waiting["digest"], ""))
		}, 409},
		{"post", "/api/v1/alerts/{id}/recall", func() reply {
			return g.act(author, waiting["id"].(string), "recall", decision(strings.Repeat("0", 64), ""))
		}, 409},
		{"get", "/api/v1/ledger", get("/api/v1/ledger", "*/*"), 200},
		{"post", "/api/v1/alerts/{id}/return", func() reply { return g.act(approver, waiting["id"].(string), "return", `{"x":1}`) }, 400},
		{"post", "/api/v1/alerts/{id}/all-clear", func() reply { return g.act(author, id, "all-clear", decision(issued["digest"], "")) }, 202},
		{"get", "/api/v1/alerts/{id}", get("/api/v1/alerts/"+id, "application/json"), 200}, // with head: the all-clear waits
		{"post", "/api/v1/alerts/{id}/cancel", func() reply {
			cancelled = g.act(issuer, id, "cancel", decision(issued["digest"], `,"reason":"errore"`))
			return cancelled
		}, 201},
		{"post", "/api/v1/alerts/{id}/resume", func() reply {
			return g.act(approver, id, "resume", decision(cancelled.json(t)["digest"], ""))
		}, 201},
		{"get", "/api/v1/ledger/head", func() reply { return g.get("/api/v1/ledger/head") }, 200},
		{"get", "/api/v1/ledger/export", get("/api/v1/ledger/export", "*/*"), 200},
		{"get", "/api/v1/ledger/export", func() reply { return g.get("/api/v1/ledger/export", "Authorization", "Bearer "+author) }, 403},
		{"get", "/api/v1/ledger/{n}", get("/api/v1/ledger/1", "*/*"), 200},
		{"get", "/api/v1/ledger/{n}", get("/api/v1/ledger/999", "*/*"), 404},
		{"get", "/api/v1/ledger/{n}", get("/api/v1/ledger/one", "*/*"), 400},
		{"get", "/api/v1/openapi.json", func() reply { return g.get("/api/v1/openapi.json") }, 200},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		r := tt.call()
		seen[tt.operation+" "+tt.path] = true
		if r.StatusCode != tt.status {
			t.Errorf("%s %s: %d %s, want %d", tt.operation, tt.path, r.StatusCode, r.body, tt.status)
			continue
		}
		media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
		pointer := "/paths/" + escape.Replace(tt.path) + "/" + tt.operation + "/responses/" + itoa(r.StatusCode) + "/content/" + escape.Replace(media) + "/schema"
		body := r.body
		if strings.HasPrefix(media, "text/") || media == mediaPNG || media == ledger.Media {
			b, _ := json.Marshal(body)
			body = string(b)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Errorf("%s %s: %v", tt.operation, tt.path, err)
			continue
		}
		if err := schemaOf(t, pointer).Validate(v); err != nil {
			t.Errorf("%s %s %d: %v\n%s", tt.operation, tt.path, r.StatusCode, err, r.body)
		}
	}
	for _, r := range g.server.api() {
		if !seen[strings.ToLower(r.Method)+" "+r.Path] {
			t.Errorf("%s %s was not tried", r.Method, r.Path)
		}
	}
	if got := g.get("/api/v1/alerts/"+id, "Authorization", "Bearer "+approver).StatusCode; got != http.StatusOK {
		t.Errorf("after all: %d", got)
	}
}

// TestExamplesAreAsTheirSchemasSay walks the whole document; what is sent about
// deliveries is shown by example.
func TestExamplesAreAsTheirSchemasSay(t *testing.T) {
	type content map[string]struct {
		Examples map[string]struct {
			Summary string
			Value   json.RawMessage
		}
	}
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct{ Content content }
			Responses   map[string]struct{ Content content }
		}
	}
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	valid := func(pointer, value string) {
		t.Helper()
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(value))
		if err != nil {
			t.Fatalf("%s: %v", pointer, err)
		}
		if err := schemaOf(t, pointer).Validate(v); err != nil {
			t.Errorf("%s: %v", pointer, err)
		}
	}
	shown := map[string]int{}
	for path, methods := range doc.Paths {
		for method, operation := range methods {
			look := func(part string, c content) {
				for media, body := range c {
					for name, e := range body.Examples {
						shown[method+" "+path]++
						if e.Summary == "" {
							t.Errorf("%s %s: the example %s says nothing of itself", method, path, name)
						}
						valid("/paths/"+escape.Replace(path)+"/"+method+part+"/content/"+escape.Replace(media)+"/schema", string(e.Value))
						if media != mediaEvents {
							continue
						}
						var text string
						_ = json.Unmarshal(e.Value, &text)
						for frame := range strings.SplitSeq(text, "\n\n") {
							head, data, found := strings.Cut(frame, "\ndata: ")
							switch {
							case !found:
							case strings.Contains(head, "event: away"):
								valid("/components/schemas/Away", data)
							default:
								valid("/components/schemas/Progress", data)
							}
						}
					}
				}
			}
			look("/requestBody", operation.RequestBody.Content)
			for status, answer := range operation.Responses {
				look("/responses/"+status, answer.Content)
			}
		}
	}
	for operation, want := range map[string]int{
		"post /api/v1/alerts/{id}/deliveries/{channel}/resend":  5, // the channel, with the uncertain ones, one recipient; two answers
		"get /api/v1/alerts/{id}/deliveries/{channel}/failures": 1, "get /api/v1/alerts/{id}/dead-letters": 1, "get /api/v1/dead-letters": 1,
		"get /api/v1/alerts/{id}/kits": 1, "post /api/v1/alerts/{id}/kits/{channel}": 3,
		"get /api/v1/alerts/{id}/progress": 2, "get /api/v1/alerts/{id}/timeline": 1,
	} {
		if shown[operation] < want {
			t.Errorf("%s shows %d examples, want %d", operation, shown[operation], want)
		}
	}
	if !strings.Contains(string(openAPI), `"verb": "resent"`) {
		t.Error("no timeline shows that something was sent again")
	}
}
