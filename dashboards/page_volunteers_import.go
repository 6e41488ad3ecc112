package dashboards

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/roster"
)

// importPage tries a list of volunteers out before it is stored.
type importPage struct {
	May      bool
	Columns  string
	Tried    bool
	Stored   bool
	Totals   roster.Totals
	Refusals []importLine
	More     int // refusals that are not shown
	Ignored  []string
	Left     []roster.Left
	Packed   string // the list, to be stored as it was tried
	code     int
	wrong    string
}

type importLine struct {
	Line    int
	Problem alerts.Problem
}

const (
	maxVolunteerList = 2 << 20 // bytes; 5,000 volunteers have about 1 MB
	refusalsShown    = 200
)

const importColumns = "cognome; nome; telefono; email; organizzazione; gruppi; competenze; lingue parlate; area; ordine dei contatti; disponibilità; ore di silenzio"

func (c *console) importForm(v *visit, page importPage) {
	page.May, page.Columns = v.mayCall(), importColumns
	if c.mayNot(v, page.May) {
		return
	}
	field := ""
	if page.wrong != "" {
		field = "file"
	}
	c.show(v, sheet{name: "volunteers_import", title: v.l.must("volunteers_import"), code: page.code, wrong: page.wrong, field: field, content: page})
}

// importVolunteers tries a list out, or stores the one that was tried.
func (c *console) importVolunteers(v *visit) {
	if c.mayNot(v, v.mayCall()) {
		return
	}
	done, err := c.s.uploading(v.w)
	if err != nil {
		c.importForm(v, importPage{code: http.StatusServiceUnavailable, wrong: v.l.must("volunteers_busy")})
		return
	}
	defer done()
	if err = v.r.ParseMultipartForm(largestForm); errors.Is(err, http.ErrNotMultipart) {
		err = nil // a form without a file
	}
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		c.importForm(v, importPage{code: http.StatusRequestEntityTooLarge, wrong: v.l.must("volunteers_too_large")})
		return
	}
	if err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	store := v.r.PostForm.Get("do") == "store"
	list, wrong := uploadedList(v, store)
	if wrong == "" {
		c.runImport(v, list, store)
		return
	}
	c.importForm(v, importPage{code: http.StatusUnprocessableEntity, wrong: v.l.must(wrong)})
}

// uploadedList is the list, and the key of what is wrong with it.
func uploadedList(v *visit, packed bool) (list []byte, wrong string) {
	if packed {
		list, err := base64.StdEncoding.DecodeString(v.r.PostForm.Get("packed"))
		if err != nil || len(list) == 0 {
			return nil, "volunteers_no_file"
		}
		return list, ""
	}
	file, _, err := v.r.FormFile("file")
	if err != nil {
		return nil, "volunteers_no_file"
	}
	defer file.Close()
	list, err = io.ReadAll(io.LimitReader(file, maxVolunteerList+1))
	switch {
	case err != nil || len(list) == 0:
		return nil, "volunteers_no_file"
	case len(list) > maxVolunteerList:
		return nil, "volunteers_too_large"
	}
	return list, ""
}

func (c *console) runImport(v *visit, list []byte, store bool) {
	reader, err := roster.NewReader(bytes.NewReader(list), roster.Defaults{Audience: broadcast.AudienceVolunteers})
	if err != nil {
		c.importForm(v, importPage{code: http.StatusUnprocessableEntity, wrong: v.l.must("volunteers_no_heading")})
		return
	}
	page := importPage{Tried: true, Stored: store, Ignored: reader.Ignored()}
	im := &roster.Import{Roll: c.s.Volunteers.Pages.Roll, Dry: !store, Refuse: func(why roster.Refusal) {
		if len(page.Refusals) >= refusalsShown {
			page.More++
			return
		}
		page.Refusals = append(page.Refusals, importLine{why.Line, alerts.Problem{Field: why.Field, Problem: why.Reason, Hint: why.Remedy}})
	}}
	ctx, cancel := actContext(v.r)
	defer cancel()
	if page.Totals, err = im.Run(ctx, reader); err != nil {
		c.fail(v, err)
		return
	}
	page.Left = reader.Left()
	if store {
		if !c.noteList(v, broadcast.ActListStored, "", broadcast.ListRoster, page.Totals.Added+page.Totals.Changed) {
			return
		}
		c.log("list of volunteers stored", v.member, zap.Int("rows", page.Totals.Rows), zap.Int("added", page.Totals.Added), zap.Int("changed", page.Totals.Changed), zap.Int("refused", page.Totals.Refused))
	} else {
		page.Packed = base64.StdEncoding.EncodeToString(list)
	}
	c.importForm(v, page)
}
