package plot

import "slices"

// Beside puts figures side by side, at their tops.
func Beside(figures ...*Figure) *Figure {
	return together(figures, func(out, f *Figure) (right, down float64) { return out.width, 0 })
}

// Below puts figures one below the other, at their left.
func Below(figures ...*Figure) *Figure {
	return together(figures, func(out, f *Figure) (right, down float64) { return 0, out.height })
}

// together makes one figure of several: at says where the next one begins. Its values name the figure that they are of.
func together(figures []*Figure, at func(out, f *Figure) (right, down float64)) *Figure {
	out := &Figure{}
	for i, f := range figures {
		if i > 0 {
			out.title += "; "
		}
		out.title += f.title
		right, down := at(out, f)
		for _, it := range f.items {
			out.items = append(out.items, it.moved(right, down))
		}
		for k, s := range f.spots {
			s.X, s.Y, s.Series, s.Index = s.X+right, s.Y+down, i, k
			out.spots = append(out.spots, s)
		}
		for _, name := range f.meaning.columns {
			if !slices.Contains(out.meaning.columns, name) {
				out.meaning.columns = append(out.meaning.columns, name)
			}
		}
		out.width, out.height = max(out.width, right+f.width), max(out.height, down+f.height)
	}
	columns := out.meaning.columns
	out.meaning = meaning{append([]string{"figure"}, columns...), func(s Spot) []string {
		f := figures[s.Series]
		row := make([]string, 1+len(columns))
		row[0] = f.title
		if f.meaning.of == nil {
			return row
		}
		for k, text := range f.meaning.of(f.spots[s.Index]) {
			row[1+slices.Index(columns, f.meaning.columns[k])] = text
		}
		return row
	}}
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
