package plot

// entry is a line of a legend: a drawing of legendMark points width around x, y, and what it means.
type entry struct {
	text string
	draw func(f *Figure, x, y float64)
}

const (
	legendMark = 10
	legendRow  = 11
	legendGap  = 12
)

// head writes a figure's title, if there is one, and below it a legend. It gives where they end.
func (f *Figure) head(title string, entries []entry) (y float64) {
	y = 4
	if title != "" {
		y += titleSize
		f.writeBold(4, y, start, titleSize, title)
		y += 2
	}
	rows := legendRows(entries, f.width-8)
	f.legend(rows, 4, y)
	return y + float64(len(rows))*legendRow
}

// legendRows breaks entries into rows of the width.
func legendRows(entries []entry, width float64) (rows [][]entry) {
	used := width + 1
	for _, e := range entries {
		need := legendMark + 3 + textWidth(tickSize, e.text)
		if used+legendGap+need > width {
			rows = append(rows, nil)
			used = -legendGap
		}
		used += legendGap + need
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
	}
	return rows
}

// legend draws rows of entries from x and, downwards, from y.
func (f *Figure) legend(rows [][]entry, x, y float64) {
	for _, row := range rows {
		at := x
		y += legendRow
		for _, e := range row {
			e.draw(f, at+legendMark/2, y-tickSize*0.35)
			f.write(at+legendMark+3, y, start, tickSize, e.text)
			at += legendMark + 3 + textWidth(tickSize, e.text) + legendGap
		}
	}
}
