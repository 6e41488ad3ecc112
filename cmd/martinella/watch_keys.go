package main

import (
	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"
)

// quitKey ends the screen on q; Ctrl-C does so by itself.
func quitKey(app *tview.Application) func(*tcell.EventKey) *tcell.EventKey {
	return func(e *tcell.EventKey) *tcell.EventKey {
		if e.Rune() == 'q' {
			app.Stop()
			return nil
		}
		return e
	}
}
