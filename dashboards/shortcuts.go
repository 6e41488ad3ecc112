package dashboards

// shortcut is a key of the keyboard, or two one after the other or together, and
// what it does on the pages of the console (static/keys.js).
type shortcut struct {
	First, Second string // as they stand on the keyboard
	Together      bool   // both at the same time
	Words         string // the message that says what it does
	Path          string // of the page to which it leads; "" where it leads to none
	At            string // the place on that page
}

// Typed is what the script compares with.
func (s shortcut) Typed() string { return s.First + s.Second }

var shortcuts = []shortcut{
	{First: "n", Words: "shortcuts_new", Path: "/console/new"},
	{First: "/", Words: "shortcuts_search", Path: "/console/ledger", At: "f-person"},
	{First: "g", Second: "a", Words: "shortcuts_alerts", Path: "/console", At: "h-active"},
	{First: "?", Words: "shortcuts_list"},
	{First: "Ctrl", Second: "Enter", Together: true, Words: "shortcuts_ask"}, // static/compose.js
}

// Shortcuts are what the list of keys shows.
func (consoleFrame) Shortcuts() []shortcut { return shortcuts }
