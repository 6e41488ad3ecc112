package live

// interest is what a client asked for; all who asked for the same are one
// group. Area is a code in lower case, empty is everywhere.
type interest struct {
	area string
	view view
	lang string
	sse  bool
}

// group is the clients of a shard that get the same bytes.
type group struct {
	interest
	clients []*client
	due     []waiting // while the shard delivers: what these clients get now
}

// audience finds the groups that a change concerns without a look at each
// client: groups lie by the form of their code, and then by the code. It
// belongs to one shard.
type audience struct {
	everywhere map[interest]*group
	forms      map[string]map[string]map[interest]*group // form, code
}

func newAudience() audience {
	return audience{map[interest]*group{}, map[string]map[string]map[interest]*group{}}
}

// add puts a client into its group.
func (a *audience) add(c *client, i interest) {
	groups := a.everywhere
	if i.area != "" {
		form := codeForm(i.area)
		if a.forms[form] == nil {
			a.forms[form] = map[string]map[interest]*group{}
		}
		if a.forms[form][i.area] == nil {
			a.forms[form][i.area] = map[interest]*group{}
		}
		groups = a.forms[form][i.area]
	}
	g := groups[i]
	if g == nil {
		g = &group{interest: i}
		groups[i] = g
	}
	c.group, c.at = g, len(g.clients)
	g.clients = append(g.clients, c)
}

// remove takes a client out of its group.
func (a *audience) remove(c *client) {
	g := c.group
	if g == nil {
		return
	}
	last := len(g.clients) - 1
	g.clients[c.at] = g.clients[last]
	g.clients[c.at].at = c.at
	g.clients[last] = nil
	g.clients = g.clients[:last]
	c.group = nil
	if last > 0 {
		return
	}
	if g.area == "" {
		delete(a.everywhere, g.interest)
		return
	}
	form := codeForm(g.area)
	delete(a.forms[form][g.area], g.interest)
	if len(a.forms[form][g.area]) == 0 {
		delete(a.forms[form], g.area)
	}
	if len(a.forms[form]) == 0 {
		delete(a.forms, form)
	}
}

// each calls yield for every group that the reach concerns; nil concerns all.
// It takes as many steps as there are such groups, and a few for the codes of
// the change.
func (a *audience) each(r *reach, yield func(*group)) {
	for _, g := range a.everywhere {
		yield(g)
	}
	for form, codes := range a.forms {
		if r == nil || r.everywhere || !r.told[form] {
			for _, groups := range codes {
				for _, g := range groups {
					yield(g)
				}
			}
			continue
		}
		for code := range r.codes {
			for _, g := range codes[code] {
				yield(g)
			}
		}
	}
}
