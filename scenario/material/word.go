package material

import (
	"math/rand/v2"
	"strings"
)

// Made-up words are syllables of an onset and a vowel, sometimes closed by a coda: they look
// like a language, are spelled in a to z, and need no word list.
var (
	onsets = strings.Fields("b c d f g h k l m n p r s t v w br ch cl dr fl gr pl pr sh sl st th tr")
	vowels = strings.Fields("a e i o u a e i o ai ea ou")
	codas  = strings.Fields("n r s t l m d nd rt st ck")
)

// Word draws a word of one to four syllables.
func Word(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(4) {
		b.WriteString(onsets[r.IntN(len(onsets))])
		b.WriteString(vowels[r.IntN(len(vowels))])
	}
	if r.IntN(2) == 0 {
		b.WriteString(codas[r.IntN(len(codas))])
	}
	return b.String()
}

// Words draws n words with a space between.
func Words(r *rand.Rand, n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = Word(r)
	}
	return strings.Join(words, " ")
}

// UserName draws a user name of at most 16 characters: a word, sometimes with a digit or an initial.
func UserName(r *rand.Rand) string {
	name := Word(r)
	for len(name) < 3 {
		name += Word(r)
	}
	name = name[:min(len(name), 14)]
	switch r.IntN(3) {
	case 0:
		name += string(rune('0' + r.IntN(10)))
	case 1:
		name = string(rune('a'+r.IntN(26))) + name
	}
	return name
}
