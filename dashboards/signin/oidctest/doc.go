// Package oidctest is an OpenID provider for tests: small, strict about what is
// asked of it, and ready to misbehave: wrong tokens, wrong keys, slow or huge
// answers.
//
// It must not know how the gateway signs people in. Start at [Start].
package oidctest
