// Martinella switches on the lights: it reads the configuration, builds every
// adapter and runs the gateway, and it is the command line of those who keep
// and use one.
//
// It knows every other room and holds no rule of its own: what an alert may do
// is decided in alerts, how it travels in broadcast. One file is one
// subcommand; config.go reads the configuration with line numbers; wire.go is
// the only file that names every adapter, one line a kind.
//
// Start at [run], then serve.go.
package main
