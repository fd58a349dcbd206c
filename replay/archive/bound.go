package archive

import (
	"fmt"
	"strings"
)

// How much one delivery in a file may hold, besides its bytes. A value of two
// bytes can take a hundred times as much memory once it is read.
const (
	maxValues   = 1 << 20 // of JSON, keys included, or lines of a text
	maxWords    = 1 << 16 // of a command
	maxPrograms = 16      // of its pipeline
)

// bounded refuses a JSON text with too many values. Those of a body within it
// do not count: it is kept as it stands.
func bounded(text, body []byte) error {
	if err := few("values", count(text)-count(body), maxValues); err != nil {
		return bad("too much in one", err)
	}
	return nil
}

// few refuses more than most of something.
func few(what string, n, most int) error {
	if n > most {
		return fmt.Errorf("more than %d %s", most, what)
	}
	return nil
}

// count gives about how many values a JSON text has.
func count(text []byte) (n int) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[', ',', ':':
			n++
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return n
}

// lines gives how many lines a text has.
func lines(text string) int { return strings.Count(text, "\n") + 1 }
