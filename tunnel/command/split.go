package command

import (
	"errors"
	"runtime"
	"strings"
)

// Split cuts a command line into words as a POSIX shell would, without doing
// anything else that a shell does: quotes and backslashes count, while
// variables, patterns, pipes and comments are words like any other. On Windows a
// backslash is a character like any other. The error, such as "a quote that is
// not closed", has nothing of the line in it.
//
// The libraries for this know no Windows paths, and some end the command at a #
// or a semicolon.
func Split(s string) ([]string, error) { return splitWords(s, runtime.GOOS != "windows") }

// splitWords takes backslashes for escapes, or for ordinary characters.
func splitWords(s string, escapes bool) (words []string, err error) {
	var word strings.Builder
	started := false // '' is a word
	var quote rune
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			// Within double quotes only these are escaped.
			if quote == '"' && !strings.ContainsRune("\"\\$`", r) {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && escapes && quote != '\'':
			escaped, started = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"', r == '\'':
			quote, started = r, true
		case strings.ContainsRune(" \t\r\n", r):
			if started {
				words = append(words, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteRune(r)
			started = true
		}
	}
	switch {
	case quote != 0:
		return nil, errors.New("a quote that is not closed")
	case escaped:
		return nil, errors.New("a backslash at its end")
	case started:
		words = append(words, word.String())
	}
	return words, nil
}
