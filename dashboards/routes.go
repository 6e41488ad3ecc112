package dashboards

import (
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"martinella/alerts"
)

// route is one line of the tables below: method, path, who may call it, what
// answers. Who is a verb of alerts.Rights for the API; "" is anybody.
type route struct {
	Method, Path string
	Who          alerts.Verb
	Serve        http.HandlerFunc
}

const anybody alerts.Verb = ""

// api is every path below /api, and each is in openapi.json.
func (s *Server) api() []route {
	return []route{
		{"POST", "/api/v1/alerts", alerts.VerbSubmit, s.submit},
		{"POST", "/api/v1/alerts/check", alerts.VerbRead, s.check},     // it stores nothing: an approver may check too
		{"POST", "/api/v1/alerts/preview", alerts.VerbRead, s.preview}, // as check
		{"GET", "/api/v1/alerts", alerts.VerbRead, s.list},
		{"GET", "/api/v1/alerts/{id}", alerts.VerbRead, s.get},
		{"GET", "/api/v1/alerts/{id}/deliveries", alerts.VerbRead, s.deliveries},
		{"GET", "/api/v1/alerts/{id}/deliveries/{channel}/failures", alerts.VerbRead, s.failures},
		{"POST", "/api/v1/alerts/{id}/deliveries/{channel}/resend", alerts.VerbRead, s.resend}, // the desk asks for issue or approve
		{"GET", "/api/v1/alerts/{id}/kits", alerts.VerbRead, s.kits},
		{"POST", "/api/v1/alerts/{id}/kits/{channel}", alerts.VerbRead, s.posted}, // the desk asks for submit or approve
		{"GET", "/api/v1/alerts/{id}/card.png", alerts.VerbRead, s.cardPNG},
		{"GET", "/api/v1/alerts/{id}/dead-letters", alerts.VerbRead, s.alertDead},
		{"GET", "/api/v1/alerts/{id}/progress", alerts.VerbRead, s.progress},
		{"GET", "/api/v1/dead-letters", alerts.VerbRead, s.dead},
		{"GET", "/api/v1/alerts/{id}/timeline", alerts.VerbRead, s.timeline},
		{"GET", "/api/v1/alerts/{id}/rings", alerts.VerbRead, s.ringsOf},
		{"POST", "/api/v1/alerts/{id}/open", alerts.VerbApprove, s.opened},
		{"POST", "/api/v1/alerts/{id}/issue-alone", alerts.VerbSubmit, s.issueAlone},
		{"POST", "/api/v1/alerts/{id}/review", alerts.VerbApprove, s.review},
		{"POST", "/api/v1/alerts/{id}/extend", alerts.VerbRead, s.extend}, // the desk asks for issue or approve
		{"POST", "/api/v1/alerts/{id}/resume", alerts.VerbRead, s.resume}, // the desk asks for issue or approve
		{"POST", "/api/v1/alerts/{id}/approve", alerts.VerbApprove, s.approve},
		{"POST", "/api/v1/alerts/{id}/return", alerts.VerbApprove, s.giveBack},
		{"POST", "/api/v1/alerts/{id}/recall", alerts.VerbSubmit, s.recall},
		{"POST", "/api/v1/alerts/{id}/reject", alerts.VerbApprove, s.reject},
		{"POST", "/api/v1/alerts/{id}/cancel", alerts.VerbRead, s.cancel},      // the desk asks for issue or approve
		{"POST", "/api/v1/alerts/{id}/all-clear", alerts.VerbRead, s.allClear}, // the desk asks for submit
		{"GET", "/api/v1/alerts/{id}/updates", alerts.VerbRead, s.updates},
		{"POST", "/api/v1/alerts/{id}/updates", alerts.VerbSubmit, s.report},
		{"POST", "/api/v1/alerts/{id}/updates/{uid}/withdraw", alerts.VerbSubmit, s.withdrawUpdate},
		{"GET", "/api/v1/templates", alerts.VerbRead, s.templates},
		{"GET", "/api/v1/ledger", alerts.VerbRead, s.ledgerList},
		{"GET", "/api/v1/ledger/head", anybody, s.ledgerHead}, // it tells how many acts there are, and is worth the more the more people keep it
		{"GET", "/api/v1/ledger/export", alerts.VerbRead, s.ledgerExport},
		{"GET", "/api/v1/ledger/{n}", alerts.VerbRead, s.ledgerEntry},
		{"GET", "/api/v1/openapi.json", anybody, s.openapi},
	}
}

// public is every other path of the public port.
func (s *Server) public() []route {
	routes := []route{
		{"GET", "/{$}", anybody, s.pages.home},
		{"GET", "/a/{id}", anybody, s.pages.alert},
		{"GET", "/a/{id}/sheet", anybody, s.pages.sheet},
		{"GET", "/a/{id}/card.png", anybody, s.pages.card},
		{"GET", pastPath, anybody, s.pages.past},
		{"GET", pastPath + "/{month}", anybody, s.pages.past},
		{"GET", advicePath, anybody, s.pages.whatToDo},
		{"GET", advicePath + "/{hazard}", anybody, s.pages.whatToDo},
		{"GET", "/subscribe", anybody, s.pages.subscribe},
		{"GET", "/manifest.webmanifest", anybody, s.pages.manifest},
		{"GET", "/status", anybody, s.pages.state},
		{"GET", "/accounts", anybody, s.pages.accounts},
		{"GET", "/accounts.json", anybody, s.accountsJSON},
		{"GET", "/accessibility", anybody, s.pages.accessibility},
		{"GET", "/privacy", anybody, s.pages.privacy},
		{"GET", "/policy", anybody, s.pages.policy},
		{"GET", "/feedback", anybody, s.pages.feedback},
		{"GET", "/guide", anybody, s.pages.guide},
		{"GET", "/guide/{page}", anybody, s.pages.guide},
		{"GET", "/verify", anybody, s.pages.verify},
		{"POST", "/verify", anybody, s.pages.verifyPosted},
		{"GET", "/embed", anybody, s.pages.embed},
		{"GET", "/widget.js", anybody, s.widgetJS},
		{"GET", "/cap/{file}", anybody, s.capFile},
		{"GET", "/static/{file}", anybody, s.pages.assets.serve},
		{"GET", "/robots.txt", anybody, s.pages.robots},
		{"GET", "/favicon.ico", anybody, s.pages.favicon},
		{"GET", "/sw.js", anybody, s.pages.worker},
		{"POST", "/hooks/{channel}", anybody, s.hook}, // each channel proves its platform
		{"GET", "/hooks/{channel}", anybody, s.confirm},
	}
	if s.statements != nil {
		routes = append(routes, route{"GET", "/verify/{file}", anybody, s.statement}, route{"GET", keyPath, anybody, s.statementPEM})
	}
	if s.Areas.Len() > 0 {
		routes = append(routes,
			route{"GET", areasList, anybody, s.pages.areas},
			route{"GET", shapesPath, anybody, s.pages.shapes},
			route{"GET", areaPath + "/{code}", anybody, s.pages.area},
			route{"GET", areaPath + "/{code}" + pastPath, anybody, s.pages.past},
			route{"GET", areaPath + "/{code}" + pastPath + "/{month}", anybody, s.pages.past})
	}
	if s.SignUps != nil {
		routes = append(routes,
			route{"POST", "/subscribe", anybody, s.pages.signUp},
			route{"POST", "/subscribe/code", anybody, s.pages.confirmDigits})
		if s.SignUps.Push != nil {
			routes = append(routes,
				route{"POST", "/subscribe/push", anybody, s.subscribePush},
				route{"POST", "/subscribe/push/stop", anybody, s.stopPush})
		}
	}
	if s.OwnPages != nil {
		routes = append(routes,
			route{"GET", "/s/{token}", anybody, s.pages.askConfirm},
			route{"POST", "/s/{token}", anybody, s.pages.confirmSignUp},
			route{"GET", "/p/{token}", anybody, s.pages.own},
			route{"POST", "/p/{token}", anybody, s.pages.changeOwn},
			route{"GET", "/p/{token}/data.json", anybody, s.ownData})
	}
	routes = append(routes, s.volunteerRoutes()...)
	if s.Callouts != nil {
		routes = append(routes,
			route{"GET", dispatchPath + "{token}", anybody, s.pages.dispatch},
			route{"POST", dispatchPath + "{token}", anybody, s.pages.answerDispatch},
			route{"GET", wallPath + "{token}", anybody, s.pages.wall})
	}
	routes = append(routes, s.feedRoutes()...)
	if s.Photos != nil {
		routes = append(routes, route{"GET", "/photo/{file}", anybody, s.photo})
	}
	if s.Live != nil {
		routes = append(routes, route{"GET", "/live", anybody, s.Live.ServeHTTP})
	}
	if s.Events != nil {
		routes = append(routes, route{"GET", "/events", anybody, s.Events.ServeHTTP})
	}
	if s.did() != "" {
		routes = append(routes, route{"GET", "/.well-known/atproto-did", anybody, s.atprotoDID})
	}
	if s.Outbox != nil && s.Desk.Policy.Practice {
		routes = append(routes, route{"GET", "/outbox", anybody, s.pages.outbox})
	}
	return routes
}

// admin is every path of the administration port, which is not public.
func (s *Server) admin() []route {
	metrics := promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{EnableOpenMetrics: true, Registry: s.Registry})
	routes := []route{
		{"GET", "/metrics", anybody, metrics.ServeHTTP},
		{"GET", "/healthz", anybody, s.healthz},
		{"GET", "/readyz", anybody, s.readyz},
		{"GET", "/version", anybody, s.version},
	}
	if s.Outbox != nil && !s.Desk.Policy.Practice { // it shows Restricted and Private alerts too
		outbox := s.headers(http.HandlerFunc(s.pages.outbox))
		routes = append(routes,
			route{"GET", "/outbox", anybody, outbox.ServeHTTP},
			route{"GET", "/static/{file}", anybody, s.pages.assets.serve})
	}
	if s.Profiling {
		routes = append(routes,
			route{"GET", "/debug/pprof/", anybody, pprof.Index},
			route{"GET", "/debug/pprof/profile", anybody, pprof.Profile},
			route{"GET", "/debug/pprof/symbol", anybody, pprof.Symbol},
			route{"GET", "/debug/pprof/trace", anybody, pprof.Trace})
	}
	return routes
}

// Public is the handler of the public port.
func (s *Server) Public() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.api() {
		serve := http.Handler(r.Serve)
		if r.Who != anybody {
			serve = s.auth.require(r.Who, r.Serve)
		}
		mux.Handle(r.Method+" "+r.Path, serve)
	}
	open := s.public()
	for _, r := range open {
		mux.HandleFunc(r.Method+" "+r.Path, r.Serve)
	}
	if s.console != nil {
		for _, r := range s.console.routes() {
			mux.HandleFunc(r.Method+" "+r.Path, s.console.guard(r))
		}
	}
	mux.HandleFunc(theRest, s.unknown(mux))
	return s.recovered(s.hurried(drained(s.headers(astray(mux, open, mux)))))
}

// Admin is the handler of the administration port.
func (s *Server) Admin() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.admin() {
		mux.HandleFunc(r.Method+" "+r.Path, r.Serve)
	}
	return s.recovered(s.hurried(mux))
}
