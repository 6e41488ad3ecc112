package alerts

import (
	"context"
	"slices"
)

// ApprovalRefusal is why by may not approve the submitted record, a [Refusal];
// nil where they may, with a fresh proof where [Desk.NeedsProof] says so.
func (d *Desk) ApprovalRefusal(ctx context.Context, by Person, r *Record) error {
	head, err := d.head(ctx, r)
	if err != nil {
		return err
	}
	if err := mayAct(by, r, head, VerbApprove); err != nil {
		return err
	}
	return d.isAuthor(by, r, head)
}

// isAuthor refuses the author, and who else wrote words of it, where the second
// person is required.
func (d *Desk) isAuthor(by Person, r, head *Record) error {
	if !r.wrote(by) || (!r.Flagged && !d.needsSecond(r, head)) {
		return nil
	}
	problem := "is the author"
	if by.ID != r.Author.ID {
		problem = "wrote words of it, which somebody else submitted"
	}
	return &Refusal{Kind: ErrSecondPerson, Problems: Problems{{Field: "approver", Problem: problem, Hint: "another person must approve it"}}}
}

// NeedsSecond reports whether the record leaves only when two people want it.
func (d *Desk) NeedsSecond(ctx context.Context, r *Record) (bool, error) {
	head, err := d.head(ctx, r)
	return err == nil && d.needsSecond(r, head), err
}

// wrote reports whether words of the record are theirs.
func (r *Record) wrote(by Person) bool {
	return by.ID == r.Author.ID || slices.ContainsFunc(r.Writers, func(one By) bool { return one.ID == by.ID })
}

// NeedsProof reports whether who approves the waiting record at the console
// must just have proved who they are.
func (d *Desk) NeedsProof(ctx context.Context, r *Record) (bool, error) {
	head, err := d.head(ctx, r)
	return err == nil && (grave(r, head) || r.Change == ChangeCancelled), err
}

// mayAct refuses whom the verb or a limit is missing for the record.
func mayAct(by Person, r, head *Record, verb Verb) error {
	if !by.Can(verb) {
		return lacks(verb)
	}
	if refused := append(by.Refusals(r.Alert, r.named()), by.overReach(head)...); len(refused) > 0 {
		return &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	return nil
}
