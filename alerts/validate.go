package alerts

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Problems lists everything that is wrong with the form of the alert, all at
// once. An error refuses it (CAP 1.2 section 3.2: something required is
// missing or is not one of the allowed values); a warning flags it: somebody
// else's alert is kept, and a person looks before it leaves. Our own alerts
// must have neither. Form says nothing about time: see [Alert.Obstacles].
func (a *Alert) Problems() Problems {
	var ps Problems
	required(&ps, "identifier", a.Identifier)
	plainID(&ps, "identifier", a.Identifier)
	required(&ps, "sender", a.Sender)
	plainID(&ps, "sender", a.Sender)
	if a.Sent.IsZero() {
		ps.refuse("sent", "is missing", "say when the message was made, like 2026-11-21T18:30:00+01:00")
	}
	oneOf(&ps, "status", a.Status, Statuses)
	oneOf(&ps, "msgType", a.MsgType, MsgTypes)
	oneOf(&ps, "scope", a.Scope, Scopes)
	if a.Scope == ScopeRestricted && a.Restriction == "" {
		ps.flag("restriction", "is missing although the scope is Restricted", "say who may read it")
	}
	if a.Scope == ScopePrivate && len(a.Addresses) == 0 {
		ps.flag("addresses", "are missing although the scope is Private", "list who may read it")
	}
	if (a.MsgType == MsgUpdate || a.MsgType == MsgCancel) && len(a.References) == 0 {
		ps.flag("references", "are missing on an "+string(a.MsgType), "name the earlier message as sender,identifier,sent")
	}
	if len(a.Infos) == 0 && (a.MsgType == MsgAlert || a.MsgType == MsgUpdate) {
		ps.flag("info", "is missing", "an "+string(a.MsgType)+" says what happens and where in at least one info")
	}
	crossChecks := maxCrossChecks
	for i := range a.Infos {
		a.Infos[i].problems(&ps, fmt.Sprintf("info[%d].", i), &crossChecks)
	}
	return ps
}

func (in *Info) problems(ps *Problems, at string, crossChecks *int) {
	if len(in.Categories) == 0 {
		ps.refuse(at+"category", "is missing", "choose from "+list(Categories))
	}
	for i, c := range in.Categories {
		oneOf(ps, fmt.Sprintf("%scategory[%d]", at, i), c, Categories)
	}
	required(ps, at+"event", in.Event)
	for i, r := range in.ResponseTypes {
		if !slices.Contains(ResponseTypes, r) {
			ps.flag(fmt.Sprintf("%sresponseType[%d]", at, i), "is "+quoteShort(string(r)), "choose from "+list(ResponseTypes))
		}
	}
	oneOf(ps, at+"urgency", in.Urgency, Urgencies)
	oneOf(ps, at+"severity", in.Severity, Severities)
	oneOf(ps, at+"certainty", in.Certainty, Certainties)
	for i, r := range in.Resources {
		if r.Description == "" {
			ps.flag(fmt.Sprintf("%sresource[%d].resourceDesc", at, i), "is missing", "say in words what the file shows")
		}
	}
	for i := range in.Areas {
		in.Areas[i].problems(ps, fmt.Sprintf("%sarea[%d].", at, i), crossChecks)
	}
}

func (ar *Area) problems(ps *Problems, at string, crossChecks *int) {
	if ar.Description == "" {
		ps.flag(at+"areaDesc", "is missing", "name the place in words")
	}
	for i, p := range ar.Polygons {
		p.problems(ps, fmt.Sprintf("%spolygon[%d]", at, i), crossChecks)
	}
	for i, c := range ar.Circles {
		field := fmt.Sprintf("%scircle[%d]", at, i)
		if !c.Centre.Valid() {
			ps.flag(field, "has a centre that is not on the earth", "write latitude first, then longitude")
		}
		if c.Radius < 0 {
			ps.flag(field, "has a negative radius", "give the radius in kilometres, 0 for a point")
		}
	}
	ar.altitudes(ps, at)
}

func (ar *Area) altitudes(ps *Problems, at string) {
	low, okLow := parseDegrees(ar.Altitude)
	high, okHigh := parseDegrees(ar.Ceiling)
	switch {
	case ar.Altitude != "" && !okLow:
		ps.flag(at+"altitude", "is not a number", "give feet above mean sea level")
	case ar.Ceiling != "" && !okHigh:
		ps.flag(at+"ceiling", "is not a number", "give feet above mean sea level")
	case ar.Ceiling != "" && ar.Altitude == "":
		ps.flag(at+"ceiling", "is given without an altitude", "give both or neither")
	case ar.Ceiling != "" && high < low:
		ps.flag(at+"ceiling", "is below the altitude", "the ceiling is the upper bound, in feet")
	}
}

func (p Polygon) problems(ps *Problems, field string, crossChecks *int) {
	distinct := map[Point]bool{}
	for _, at := range p {
		if len(distinct) < 3 {
			distinct[at] = true
		}
	}
	if i := slices.IndexFunc(p, func(at Point) bool { return !at.Valid() }); i >= 0 {
		ps.flag(field, "has a position that is not on the earth: "+p[i].String(), "write latitude first, then longitude")
	}
	switch {
	case len(p) == 0:
		ps.flag(field, "is empty", "give at least four positions, the last equal to the first")
	case len(distinct) < 3:
		ps.flag(field, "has fewer than three different positions", "give at least four positions, the last equal to the first")
	case p[0] != p[len(p)-1]:
		ps.flag(field, "is not closed", "repeat the first position at the end")
	case p.selfCrossing(crossChecks):
		ps.flag(field, "crosses itself", "list the positions in order around the area")
	}
}

// Obstacles lists what keeps a well-formed alert from leaving now: expired, no
// expiry, no area. A Cancel and an all-clear always leave (DECISIONS 3 and 6);
// Ack and Error never do: they are for systems, not for people. Rights come apart: see [Desk].
func (a *Alert) Obstacles(now time.Time) Problems {
	var ps Problems
	switch {
	case a.MsgType == MsgCancel, a.MsgType == MsgUpdate && a.AllClear():
		return nil
	case a.MsgType == MsgAck, a.MsgType == MsgError:
		ps.refuse("msgType", "is "+string(a.MsgType)+", an answer between systems", "there is nothing in it to broadcast; send it to the system that it answers")
		return ps
	}
	if len(a.Infos) == 0 {
		ps.refuse("info", "is missing: nothing to say and no area", "add an info with event, area and expiry")
		return ps
	}
	live := false
	for i := range a.Infos {
		in, at := &a.Infos[i], fmt.Sprintf("info[%d].", i)
		switch {
		case in.Expires.IsZero():
			ps.refuse(at+"expires", "is missing", "say until when the alert holds")
			live = true
		case in.Expires.After(now):
			live = true
		}
		if shaped := slices.ContainsFunc(in.Areas, func(ar Area) bool { return ar.Shaped() }); !shaped {
			ps.refuse(at+"area", "has no polygon, circle or geocode", "no area, no send: draw it or name its code")
		}
	}
	if !live {
		ps.refuse("expires", "is past: "+FormatTime(a.Expires()), "issue it again with a new expiry, or send an all-clear")
	}
	return ps
}

func required(ps *Problems, field, value string) {
	if strings.TrimSpace(value) == "" {
		ps.refuse(field, "is missing", "CAP requires it")
	}
}

// maxID bounds identifier and sender in bytes. CAP sets no limit; the longest
// seen in real messages has 103.
const maxID = 1000

// plainID checks CAP 1.2 section 3.2.1: no spaces, commas, < or & in
// identifier and sender.
func plainID(ps *Problems, field, value string) {
	if len(value) > maxID {
		ps.refuse(field, fmt.Sprintf("is longer than %d bytes", maxID), "references must be able to name the message")
	}
	if strings.ContainsAny(strings.TrimSpace(value), " \t\r\n,<&") {
		ps.flag(field, "contains a space, a comma, < or &", "CAP forbids these: references could not name the message")
	}
}

func oneOf[T ~string](ps *Problems, field string, value T, allowed []T) {
	switch {
	case value == "":
		ps.refuse(field, "is missing", "choose from "+list(allowed))
	case !slices.Contains(allowed, value):
		ps.refuse(field, "is "+quoteShort(string(value)), "choose from "+list(allowed))
	}
}

func list[T ~string](values []T) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}
