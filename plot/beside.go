package plot

import "slices"

// Beside puts figures beside each other, at their tops.
func Beside(figures ...*Figure) *Figure {
	out := &Figure{}
	for _, f := range figures {
		if out.title == "" {
			out.title = f.title
		}
		for _, it := range f.items {
			out.items = append(out.items, it.moved(out.width))
		}
		out.width += f.width
		out.height = max(out.height, f.height)
	}
	return out
}

// moved is an item further right.
func (it item) moved(by float64) item {
	it.path.steps = slices.Clone(it.path.steps)
	for i := range it.path.steps {
		for j := range it.path.steps[i].points {
			it.path.steps[i].points[j].x += by
		}
	}
	if it.text != nil {
		text := *it.text
		text.x += by
		it.text = &text
	}
	return it
}
