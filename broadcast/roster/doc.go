// Package roster reads and writes lists of subscribers: the CSV files that
// municipalities keep in spreadsheets, with Italian or English headings, commas
// or semicolons, UTF-8 or windows-1252. It refuses rows one by one, each with
// line, field, reason and remedy, and never repeats a whole contact.
//
// It must not know how people are stored: it speaks to a broadcast.Roll. It
// holds one batch in memory, and eight bytes for each contact of the file to
// find doubles.
//
// Start at Reader (file to rows), Row (one person or why not), Import and Write.
package roster
