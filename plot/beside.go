package plot

import "slices"

// Beside puts figures side by side, at their tops.
func Beside(figures ...*Figure) *Figure {
	out := &Figure{}
	for _, f := range figures {
		if out.title == "" {
			out.title = f.title
		}
		for _, it := range f.items {
			out.items = append(out.items, it.moved(out.width, 0))
		}
		out.width += f.width
		out.height = max(out.height, f.height)
	}
	return out
}

// Below puts figures one below the other, at their left.
func Below(figures ...*Figure) *Figure {
	out := &Figure{}
	for _, f := range figures {
		if out.title == "" {
			out.title = f.title
		}
		for _, it := range f.items {
			out.items = append(out.items, it.moved(0, out.height))
		}
		out.width = max(out.width, f.width)
		out.height += f.height
	}
	return out
}

// moved is an item further right and further down.
func (it item) moved(right, down float64) item {
	it.path.steps = slices.Clone(it.path.steps)
	for i := range it.path.steps {
		for j := range it.path.steps[i].points {
			it.path.steps[i].points[j].x += right
			it.path.steps[i].points[j].y += down
		}
	}
	if it.text != nil {
		text := *it.text
		text.x += right
		text.y += down
		it.text = &text
	}
	return it
}
