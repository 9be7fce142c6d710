package material

import (
	"fmt"
	"html"
	"math/rand/v2"
	"strings"
)

// Page is a page of a site: its path ("/", "/pages/2.html"), the pages it links to and the
// objects it shows, by their numbers from 0.
type Page struct {
	Path    string
	Title   string
	Links   []int
	Objects []int

	Elsewhere []string // other addresses that it links to
}

// Object is a part of a site that is not a page, with content that is not looked at.
type Object struct {
	Path string
	Size int64
}

// Site is pages that link to each other and show objects. Every page can be reached from the
// first one.
type Site struct {
	Pages   []Page
	Objects []Object
}

// objectKinds are the folders and endings that objects get in turn.
var objectKinds = []string{"/images/%d.jpg", "/styles/%d.css", "/scripts/%d.js", "/images/%d.png"}

// linksPerPage is how many pages below it a page links to; the pages are a tree of this width.
const linksPerPage = 4

// NewSite lays out a site: pages in a tree with links down, up and to one page at random, and
// on each page the given objects, each object on one page. sizes gives the objects of each page.
func NewSite(sizes [][]int64, r *rand.Rand) *Site {
	s := &Site{}
	for i, objects := range sizes {
		p := Page{Path: "/", Title: Words(r, 2+r.IntN(4))}
		if i > 0 {
			p.Path = fmt.Sprintf("/pages/%d.html", i+1)
			p.Links = append(p.Links, (i-1)/linksPerPage)
		}
		for child := i*linksPerPage + 1; child <= i*linksPerPage+linksPerPage && child < len(sizes); child++ {
			p.Links = append(p.Links, child)
		}
		p.Links = append(p.Links, r.IntN(len(sizes)))
		for _, size := range objects {
			n := len(s.Objects)
			s.Objects = append(s.Objects, Object{Path: fmt.Sprintf(objectKinds[n%len(objectKinds)], n+1), Size: size})
			p.Objects = append(p.Objects, n)
		}
		s.Pages = append(s.Pages, p)
	}
	return s
}

// HTML writes a page of about size bytes: never fewer than its links and objects take, else
// exactly size.
func (s *Site) HTML(page int, size int64, r *rand.Rand) string {
	p := s.Pages[page]
	var head, body strings.Builder
	for _, o := range p.Objects {
		path := s.Objects[o].Path
		switch {
		case strings.HasSuffix(path, ".css"):
			fmt.Fprintf(&head, "<link rel=\"stylesheet\" href=\"%s\">\n", path)
		case strings.HasSuffix(path, ".js"):
			fmt.Fprintf(&head, "<script src=\"%s\" defer></script>\n", path)
		default:
			fmt.Fprintf(&body, "<p><img src=\"%s\" alt=\"%s\"></p>\n", path, Words(r, 2))
		}
	}
	for _, l := range p.Links {
		fmt.Fprintf(&body, "<p><a href=\"%s\">%s</a></p>\n", s.Pages[l].Path, html.EscapeString(s.Pages[l].Title))
	}
	for _, address := range p.Elsewhere {
		fmt.Fprintf(&body, "<p><a href=\"%s\">%s</a></p>\n", html.EscapeString(address), html.EscapeString(Words(r, 2)))
	}
	start := fmt.Sprintf("<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>%s</title>\n%s</head><body>\n%s", html.EscapeString(p.Title), head.String(), body.String())
	const end = "</body></html>\n"
	var text strings.Builder
	for missing := size - int64(len(start)+len(end)); missing > 0; missing = size - int64(len(start)+len(end)+text.Len()) {
		const open, closing = "<p>", "</p>\n"
		paragraph := open + Words(r, 20+r.IntN(60)) + closing
		if int64(len(paragraph)) > missing {
			if missing < int64(len(open)+len(closing)+1) {
				text.WriteString(strings.Repeat("\n", int(missing)))
				break
			}
			paragraph = paragraph[:missing-int64(len(closing))] + closing
		}
		text.WriteString(paragraph)
	}
	return start + text.String() + end
}
