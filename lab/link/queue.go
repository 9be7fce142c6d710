package link

// timeQueue holds the frames of a line until they are due: a binary heap by due time, then by
// order of arrival. That is the order in which NetEm's tfifo gives them up (tfifo_enqueue and
// netem_peek in sch_netem.c), so jitter lets frames overtake each other.
type timeQueue []*frame

func (f *frame) before(g *frame) bool {
	return f.due < g.due || f.due == g.due && f.order < g.order
}

func (q *timeQueue) push(f *frame) {
	*q = append(*q, f)
	q.up(len(*q) - 1)
}

// first gives the frame that is due first; the queue must not be empty.
func (q timeQueue) first() *frame { return q[0] }

// pop takes the first frame out.
func (q *timeQueue) pop() *frame {
	h := *q
	f, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = nil
	*q = h[:last]
	if last > 0 {
		h[0].slot = 0
		q.down(0)
	}
	return f
}

// moved puts a frame of the queue in its place after its due time or order changed.
func (q *timeQueue) moved(f *frame) {
	q.down(f.slot)
	q.up(f.slot)
}

func (q timeQueue) up(i int) {
	f := q[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !f.before(q[parent]) {
			break
		}
		q[i] = q[parent]
		q[i].slot = i
		i = parent
	}
	q[i] = f
	f.slot = i
}

func (q timeQueue) down(i int) {
	f := q[i]
	for {
		child := 2*i + 1
		if child >= len(q) {
			break
		}
		if child+1 < len(q) && q[child+1].before(q[child]) {
			child++
		}
		if !q[child].before(f) {
			break
		}
		q[i] = q[child]
		q[i].slot = i
		i = child
	}
	q[i] = f
	f.slot = i
}
