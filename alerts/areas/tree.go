package areas

import (
	"cmp"
	"math"
	"slices"

	"github.com/paulmach/orb"
)

// fanout is how many entries a node of the tree has.
const fanout = 16

// tree finds boxes that overlap another one: an R-tree, packed once (sort, tile,
// recursive: Leutenegger, Lopez and Edgington, 1997).
type tree struct {
	order  []int32       // position within levels[0] to the number of the box
	levels [][]orb.Bound // the boxes, then the nodes above them, up to one
}

func newTree(boxes []orb.Bound) tree {
	t := tree{order: make([]int32, len(boxes))}
	for i := range t.order {
		t.order[i] = int32(i)
	}
	by := func(axis int) func(a, b int32) int {
		return func(a, b int32) int {
			return cmp.Or(cmp.Compare(boxes[a].Center()[axis], boxes[b].Center()[axis]), cmp.Compare(a, b))
		}
	}
	slices.SortFunc(t.order, by(0))
	slice := fanout * int(math.Ceil(math.Sqrt(float64(len(boxes))/fanout)))
	for part := range slices.Chunk(t.order, max(slice, 1)) {
		slices.SortFunc(part, by(1))
	}
	level := make([]orb.Bound, len(boxes))
	for i, n := range t.order {
		level[i] = boxes[n]
	}
	t.levels = append(t.levels, level)
	for len(level) > 1 {
		var above []orb.Bound
		for part := range slices.Chunk(level, fanout) {
			b := part[0]
			for _, o := range part[1:] {
				b = b.Union(o)
			}
			above = append(above, b)
		}
		t.levels, level = append(t.levels, above), above
	}
	return t
}

// find calls do with the number of each box that overlaps b.
func (t tree) find(b orb.Bound, do func(n int)) {
	var down func(level, i int)
	down = func(level, i int) {
		if !t.levels[level][i].Intersects(b) {
			return
		}
		if level == 0 {
			do(int(t.order[i]))
			return
		}
		for k := i * fanout; k < min((i+1)*fanout, len(t.levels[level-1])); k++ {
			down(level-1, k)
		}
	}
	if top := len(t.levels) - 1; len(t.levels[top]) > 0 {
		down(top, 0)
	}
}
