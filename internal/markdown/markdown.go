// Package markdown writes documents whose lines are short enough to be read in a diff.
package markdown

import "strings"

// Width is how long a line may be, in bytes; a longer word stands alone.
const Width = 116

// Item gives an item of a list, wrapped: "- " and the text behind indent, continued below the text.
func Item(indent, text string) string { return wrap(indent+"- ", indent+"  ", text) }

// Paragraph gives a text, wrapped.
func Paragraph(text string) string { return wrap("", "", text) }

// wrap breaks a text between its words. Code between backquotes stays in one line when it fits in one.
func wrap(first, next, text string) string {
	var b strings.Builder
	line := first
	empty := true
	for _, word := range words(text) {
		if !empty && len(line)+1+len(word) > Width {
			b.WriteString(line + "\n")
			line, empty = next, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	return b.String() + line + "\n"
}

// longCode is the length from which code is broken like other words.
const longCode = 80

// words splits a text at blanks outside of code.
func words(text string) []string {
	var list []string
	for _, w := range strings.Fields(text) {
		if n := len(list); n > 0 && strings.Count(list[n-1], "`")%2 == 1 && len(list[n-1]) < longCode {
			list[n-1] += " " + w
			continue
		}
		list = append(list, w)
	}
	return list
}
