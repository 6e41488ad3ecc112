package ledger

import "fmt"

// Finding is something that is wrong, with the numbers of the entries; From 0
// is the export as a whole.
type Finding struct {
	From    int64  `json:"from"`
	To      int64  `json:"to"`
	Problem string `json:"problem"`
}

func (f Finding) String() string {
	if f.From == 0 {
		return f.Problem
	}
	if f.From == f.To {
		return fmt.Sprintf("entry %d: %s", f.From, f.Problem)
	}
	return fmt.Sprintf("entries %d to %d: %s", f.From, f.To, f.Problem)
}

// Report is what [Verify] found.
type Report struct {
	Key      Key
	Pinned   bool   // the key came from outside the export
	Head     Signed // as the export says; signed where nothing else is found
	Entries  int64  // lines that were read
	Earlier  *Head  // the one that was kept, where it was given
	Findings []Finding
	More     int // findings beyond those
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// maxFindings bounds a report.
const maxFindings = 200

func (r *Report) find(from, to int64, problem string) {
	if n := len(r.Findings); n > 0 && from > 0 {
		if last := &r.Findings[n-1]; last.Problem == problem && last.To+1 == from {
			last.To = to
			return
		}
	}
	if len(r.Findings) == maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, Finding{from, to, problem})
}
