package main

import (
	"errors"
	"strings"
)

// errRedirected says that the word at the cursor is a file that hfhook does not
// get to see.
var errRedirected = errors.New("redirected")

// bashLine is a line of bash up to the cursor.
type bashLine struct {
	words []string // behind the program's name, without quotes; the last may be empty
	kept  int      // bytes of the last word before what bash puts a candidate in the place of
}

// parseBash takes a line apart as bash would, and expands nothing. breaks are
// the characters of COMP_WORDBREAKS: bash replaces what stands behind the last
// one of them, or behind a quote that is still open.
func parseBash(text, breaks string) (bashLine, error) {
	var words []string
	var word strings.Builder
	inWord, redirected := false, false
	kept, opened := 0, 0 // behind a break, behind a quote
	end := func() {
		if inWord && !redirected {
			words = append(words, word.String())
		}
		redirected = redirected && !inWord // its file may come behind a blank
		inWord, kept = false, 0
		word.Reset()
	}
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote == '\'' && c == '\'', quote == '"' && c == '"':
			quote = 0
		case quote == '\'':
			word.WriteByte(c)
		case c == '\\' && i+1 < len(text):
			i++
			inWord = true
			if quote == '"' && !strings.ContainsRune("\\\"$`", rune(text[i])) {
				word.WriteByte(c)
			}
			word.WriteByte(text[i])
		case quote == '"':
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord, opened = c, true, word.Len()
		case c == ' ' || c == '\t':
			end()
		case (c == '&' || c == '|') && redirected && strings.IndexByte("<>", text[i-1]) >= 0: // >&2, >|
		case c == '&' && strings.HasPrefix(text[i+1:], ">"): // &>
			end()
		case c == '|' || c == ';' || c == '&' || c == '\n' || c == '(':
			end()
			words, redirected = nil, false
		case c == '<' || c == '>':
			if strings.Trim(word.String(), "0123456789") == "" { // of which stream
				inWord = false
			}
			end()
			redirected = true
		default:
			inWord = true
			word.WriteByte(c)
			if strings.IndexByte(breaks, c) >= 0 {
				kept = word.Len()
			}
		}
	}
	if redirected {
		return bashLine{}, errRedirected
	}
	if quote != 0 {
		kept = opened
	}
	words = append(words, word.String())
	for len(words) > 1 && isAssignment(words[0]) {
		words = words[1:]
	}
	if len(words) < 2 {
		return bashLine{}, errors.New("the cursor is in the program's name")
	}
	return bashLine{words[1:], kept}, nil
}

// isAssignment reports whether a word in front of a program sets a variable.
func isAssignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
