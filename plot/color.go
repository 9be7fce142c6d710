package plot

import "image/color"

var (
	ink   = rgb(0x202020)
	grey  = rgb(0x808080)
	faint = rgb(0xdddddd)
)

// strong are Okabe and Ito's colours (Color Universal Design, 2008), the darkest first; yellow, hard to see on
// white, is left out.
var strong = []color.NRGBA{
	rgb(0x0072b2), // blue
	rgb(0xd55e00), // vermilion
	rgb(0x009e73), // bluish green
	rgb(0xcc79a7), // reddish purple
	rgb(0xe69f00), // orange
	rgb(0x56b4e9), // sky blue
	rgb(0x000000),
}

// pale are the colours of Paul Tol's scheme of that name (SRON technical note EPS/TN/09-002), made for
// backgrounds of black text.
var pale = []color.NRGBA{
	rgb(0xbbccee),
	rgb(0xeeeebb),
	rgb(0xffcccc),
	rgb(0xccddaa),
	rgb(0xcceeff),
	rgb(0xdddddd),
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}
}

// tint is a colour mixed with white: share is how much of it stays.
func tint(c color.NRGBA, share float64) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(255 - share*(255-float64(v)) + 0.5) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), 255}
}
