// Package placetest is the contract of a place for backups, which every one of
// them runs.
//
// Start: Test.
package placetest
