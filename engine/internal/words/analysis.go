// Package words makes words out of texts, as the engines' analyzers do.
package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/segment"
)

// Analyzer makes words out of a text.
type Analyzer byte

// The analyzers that there are.
const (
	Standard   Analyzer = iota // words by Unicode's rules, in lower case
	simple                     // runs of letters, in lower case
	Whitespace                 // what is between spaces
	WholeText                  // all of it
)

// Analyzers are those that a mapping may name.
func Analyzers() map[string]Analyzer {
	return map[string]Analyzer{
		"standard": Standard, "default": Standard, "simple": simple, "whitespace": Whitespace, "keyword": WholeText,
	}
}

// maxWord is where the standard analyzer breaks a word.
const maxWord = 255

// Split calls each for every word of a text, in order.
func (a Analyzer) Split(text string, each func(word string)) {
	switch a {
	case WholeText:
		if text != "" {
			each(text)
		}
	case Whitespace:
		for word := range strings.FieldsSeq(text) {
			cut(word, each)
		}
	case simple:
		for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
			cut(word, each)
		}
	default:
		text = strings.ToLower(text)
		if isASCII(text) {
			splitASCII(text, each)
			return
		}
		splitUnicode(text, each)
	}
}

// List returns the words of a text that is searched for.
func (a Analyzer) List(text string) []string {
	var words []string
	a.Split(text, func(word string) { words = append(words, word) })
	return words
}

// cut breaks words that are too long.
func cut(word string, each func(string)) {
	for len(word) > maxWord && utf8.RuneCountInString(word) > maxWord {
		end := 0
		for range maxWord {
			_, size := utf8.DecodeRuneInString(word[end:])
			end += size
		}
		each(word[:end])
		word = word[end:]
	}
	each(word)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Character classes of Unicode's word boundaries, for ASCII.
const (
	breaks    = iota
	letter    // a to z
	digit     // 0 to 9
	joiner    // the underscore
	midLetter // joins letters
	midNumber // joins digits
	midBoth   // joins letters, and digits
)

func classOf(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return letter
	case c >= '0' && c <= '9':
		return digit
	}
	switch c {
	case '_':
		return joiner
	case ':':
		return midLetter
	case ',', ';':
		return midNumber
	case '.', '\'':
		return midBoth
	}
	return breaks
}

// splitASCII is splitUnicode for text without any other characters, several times as fast.
func splitASCII(text string, each func(string)) {
	for i := 0; i < len(text); {
		first := classOf(text[i])
		if first != letter && first != digit && first != joiner {
			i++
			continue
		}
		start, last, real := i, first, first != joiner
		for i++; i < len(text); i++ {
			c := classOf(text[i])
			if c == letter || c == digit || c == joiner {
				last, real = c, real || c != joiner
				continue
			}
			if i+1 < len(text) && c != breaks {
				next := classOf(text[i+1])
				if last == letter && next == letter && (c == midLetter || c == midBoth) ||
					last == digit && next == digit && (c == midNumber || c == midBoth) {
					continue
				}
			}
			break
		}
		if real {
			cut(text[start:i], each)
		}
	}
}

func splitUnicode(text string, each func(string)) {
	s := segment.NewWordSegmenterDirect([]byte(text))
	for s.Segment() {
		if s.Type() != segment.None {
			cut(s.Text(), each)
		}
	}
}
