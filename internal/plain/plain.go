// Package plain shows text that is not trusted on a terminal: names, logs, and errors that quote them.
package plain

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text replaces what a terminal would act on (control characters, escape sequences, characters that turn the direction
// of writing) and what is not UTF-8 by Go's escapes, like \x1b. Newlines and tabs stay.
func Text(s string) string {
	for i, r := range s {
		if !harmless(r, s[i:]) {
			return string(appendText([]byte(s[:i]), s[i:]))
		}
	}
	return s
}

// What is shown of a long line: its begin and its end, bytes.
const (
	begin = 1500
	end   = 500
)

// Error shows an error as Text does, and of lines that quote what is very long their begin and their end.
func Error(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		if n := len(line) - begin - end; n > end {
			line = fmt.Sprintf("%s ... (%d bytes) ... %s", strings.ToValidUTF8(line[:begin], ""), n, strings.ToValidUTF8(line[len(line)-end:], ""))
		}
		lines[i] = Text(line)
	}
	return strings.Join(lines, "\n")
}

// harmless tells of the first character of s.
func harmless(r rune, s string) bool {
	switch {
	case r == '\n' || r == '\t':
		return true
	case r == utf8.RuneError:
		_, size := utf8.DecodeRuneInString(s)
		return size > 1
	}
	return !unicode.Is(unicode.Cc, r) && !unicode.Is(unicode.Cf, r) && r != '\u2028' && r != '\u2029'
}

func appendText(b []byte, s string) []byte {
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case harmless(r, s[i:]):
			b = append(b, s[i:i+size]...)
		case r == utf8.RuneError:
			b = append(b, `\x`...)
			b = append(b, "0123456789abcdef"[s[i]>>4], "0123456789abcdef"[s[i]&15])
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b = append(b, quoted[1:len(quoted)-1]...)
		}
	}
	return b
}

// Writer gives a writer that passes text on to w as Text does. A write must not end within a character.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ to io.Writer }

func (w writer) Write(b []byte) (int, error) {
	if _, err := io.WriteString(w.to, Text(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// InJSON gives JSON whose texts have what Text gives for them: a page's script does not turn it back. Control characters,
// which JSON has as escapes, stay what they are: on a page they are nothing.
func InJSON(text string) string { return escapeJSON(text, `\\u`) }

// escapeJSON replaces what Text would in JSON, by escapes that begin with backslash.
func escapeJSON(text, backslash string) string {
	var out strings.Builder
	for i, r := range text {
		switch {
		case harmless(r, text[i:]):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, "%s%04x%s%04x", backslash, high, backslash, low)
		default:
			fmt.Fprintf(&out, "%s%04x", backslash, r)
		}
	}
	return out.String()
}

// JSON gives a writer that passes JSON on to w, with \u escapes for what Text would replace in it (RFC 8259, section 7):
// it stays JSON of the same meaning. What is written is whole characters of valid JSON.
func JSON(w io.Writer) io.Writer { return jsonWriter{w} }

type jsonWriter struct{ to io.Writer }

func (w jsonWriter) Write(b []byte) (int, error) {
	if _, err := io.WriteString(w.to, escapeJSON(string(b), `\u`)); err != nil {
		return 0, err
	}
	return len(b), nil
}
