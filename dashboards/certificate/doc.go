// Package certificate gives the public listener its TLS certificate: from
// files, which are read again when they change, or from an authority that
// speaks ACME (RFC 8555), which is asked for one and for the next one.
//
// A certificate that cannot be read or got never takes the one away that is in
// use: an old certificate is a warning in a browser, none is a page that nobody
// opens on the night it is needed. What goes wrong is in [Source.State], for
// the page of the state, the metric and the log.
//
// It knows nothing of alerts, pages or the configuration's file.
// Start at [Files], [ACME] and [Source.Config].
package certificate
