package archive

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/hfhook/hfhook/replay"
)

// shellWords cuts a command of a POSIX shell into the words of each program of
// its pipeline. Of variables it knows $WEBHOOK_SECRET, for which it puts in
// replay.Redacted, and the address of the scripts that Write makes. more gives
// the next line, for a command that goes on there.
func shellWords(line string, more func() (string, error)) ([][]string, error) {
	w := &wordReader{pipeline: [][]string{nil}}
	rest := line + "\n"
	for {
		done, err := w.read(rest)
		if err != nil || done {
			return w.pipeline, err
		}
		next, err := more()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("a quote that is not closed")
		}
		if err != nil {
			return nil, err
		}
		rest = next + "\n"
	}
}

type wordReader struct {
	pipeline [][]string
	words    int // of all of it
	word     strings.Builder
	started  bool // '' is a word
	quote    byte // in which one it is; $ for $'...'
}

var variables = map[string]string{"WEBHOOK_SECRET": replay.Redacted, "to": "http://localhost"}

// read takes one more line, with its end, and reports whether the command is
// complete.
func (w *wordReader) read(line string) (bool, error) {
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case w.quote == '\'':
			if c == '\'' {
				w.quote = 0
				continue
			}
			w.word.WriteByte(c)
		case w.quote == '$':
			switch {
			case c == '\'':
				w.quote = 0
			case c == '\\' && i+1 < len(line):
				n, err := w.escape(line[i+1:])
				if err != nil {
					return false, err
				}
				i += n
			default:
				w.word.WriteByte(c)
			}
		case c == '"':
			w.started = true
			if w.quote == '"' {
				w.quote = 0
			} else {
				w.quote = '"'
			}
		case c == '\\' && i+1 < len(line):
			next := line[i+1]
			i++
			switch {
			case next == '\n':
				return false, nil // the command goes on
			case w.quote == '"' && !strings.ContainsRune("\"\\$`", rune(next)):
				w.word.WriteByte('\\')
			}
			w.word.WriteByte(next)
			w.started = true
		case c == '$' && w.quote == 0 && i+1 < len(line) && line[i+1] == '\'':
			w.quote, w.started = '$', true
			i++
		case c == '$' && strings.HasPrefix(line[i:], encodedSecret[1:len(encodedSecret)-1]):
			w.word.WriteString(replay.Redacted)
			w.started = true
			i += len(encodedSecret) - 3
		case c == '$' && strings.HasPrefix(line[i:], printfOpen[1:]):
			text, _, ok := strings.Cut(line[i+len(printfOpen)-1:], printfClose[:2])
			if !ok {
				return false, errors.New("a printf that does not end")
			}
			i += len(printfOpen) - 1 + len(text) + 1
			if err := w.printf(text); err != nil {
				return false, err
			}
		case c == '$':
			n, err := w.variable(line[i+1:])
			if err != nil {
				return false, err
			}
			i += n
		case c == '`':
			return false, errors.New("a command within it")
		case w.quote == '"':
			w.word.WriteByte(c)
		case c == '\'':
			w.quote, w.started = '\'', true
		case c == '\n':
			return true, w.end()
		case c == ' ', c == '\t', c == '\r':
			if err := w.end(); err != nil {
				return false, err
			}
		case c == '|':
			if err := w.end(); err != nil {
				return false, err
			}
			w.pipeline = append(w.pipeline, nil)
		case c == ';', c == '&', c == '(', c == ')', c == '>':
			return false, fmt.Errorf("%q, which does more than to send a delivery", c)
		default:
			w.word.WriteByte(c)
			w.started = true
		}
	}
	return false, nil // within quotes
}

// end is that of a word.
func (w *wordReader) end() error {
	if w.started {
		w.words++
		last := len(w.pipeline) - 1
		w.pipeline[last] = append(w.pipeline[last], w.word.String())
	}
	w.word.Reset()
	w.started = false
	return errors.Join(few("words", w.words, maxWords), few("programs", len(w.pipeline), maxPrograms))
}

// printf takes what ShellQuote has the shell print.
func (w *wordReader) printf(text string) error {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '%', c == '\'':
			return errors.New("a printf of something else")
		case c == '\\':
			n, err := strconv.ParseUint(text[min(i+1, len(text)):min(i+4, len(text))], 8, 8)
			if err != nil {
				return errors.New("a printf of something else")
			}
			w.word.WriteByte(byte(n))
			i += 3
		default:
			w.word.WriteByte(c)
		}
	}
	w.started = true
	return nil
}

// variable takes a variable's name off the text behind a $, and gives its
// length.
func (w *wordReader) variable(text string) (int, error) {
	name := strings.TrimPrefix(text, "{")
	end := strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	name = name[:max(end, 0)]
	value, ok := variables[name]
	if !ok {
		return 0, fmt.Errorf("the variable $%s, whose value is not known", name)
	}
	w.word.WriteString(value)
	w.started = true
	if strings.HasPrefix(text, "{") {
		return len(name) + 2, nil
	}
	return len(name), nil
}

// escape takes an escape of $'...' off the text behind its backslash, and gives
// its length.
func (w *wordReader) escape(text string) (int, error) {
	if c, ok := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '\\': '\\', '\'': '\'', '"': '"'}[text[0]]; ok {
		w.word.WriteByte(c)
		return 1, nil
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[0]]
	n, value := 0, rune(0)
	for n < digits && n+1 < len(text) {
		d := strings.IndexByte("0123456789abcdef", lower(text[n+1]))
		if d < 0 {
			break
		}
		value = value<<4 | rune(d)
		n++
	}
	if n == 0 {
		return 0, fmt.Errorf("the escape \\%c", text[0])
	}
	if text[0] == 'x' {
		w.word.WriteByte(byte(value))
	} else {
		w.word.WriteRune(value)
	}
	return n + 1, nil
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
