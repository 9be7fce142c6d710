package format

import "cmp"

// OverLabels puts labels over others. Another class keeps no family of the old one.
func OverLabels(base, over Labels) Labels {
	if over.Class != "" && over.Class != base.Class {
		base = Labels{}
	}
	return Labels{
		Class:     cmp.Or(over.Class, base.Class),
		Family:    cmp.Or(over.Family, base.Family),
		Technique: cmp.Or(over.Technique, base.Technique),
	}
}
