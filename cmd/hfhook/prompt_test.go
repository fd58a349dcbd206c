package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// onScreen is what a terminal shows after text was written to it, without
// colours, line by line.
func onScreen(text string) []string {
	text = regexp.MustCompile(`\x1b\[[0-9;]*m|\x1b\[\?2004[hl]|\x1b\][^\a]*\a`).ReplaceAllString(text, "")
	lines, at := [][]rune{nil}, 0
	for rest := []rune(text); len(rest) > 0; {
		last := &lines[len(lines)-1]
		switch {
		case strings.HasPrefix(string(rest), "\x1b[K"):
			*last = (*last)[:min(at, len(*last))]
			rest = rest[3:]
			continue
		case rest[0] == '\r':
			at = 0
		case rest[0] == '\n':
			lines, at = append(lines, nil), 0
		default:
			if at < len(*last) {
				(*last)[at] = rest[0]
			} else {
				*last = append(*last, rest[0])
			}
			at++
		}
		rest = rest[1:]
	}
	shown := make([]string, len(lines))
	for i, line := range lines {
		shown[i] = string(line)
	}
	return shown
}

func TestAPromptStaysBelowWhatIsPrinted(t *testing.T) {
	var b bytes.Buffer
	p := &prompt{w: &b, columns: func() int { return 20 }}
	out := io.Writer(above{p, &b})
	shown := func(lines ...string) {
		t.Helper()
		assert.Equal(t, lines, onScreen(b.String()))
	}
	typed := func(keys ...rune) {
		for _, key := range keys {
			p.typed(key)
		}
		p.show()
	}
	io.WriteString(out, "one\n")
	shown("one", "")
	p.begin("filter: ")
	p.show()
	assert.True(t, p.isOpen())
	typed([]rune("repo=x")...)
	shown("one", "filter: repo=x")
	io.WriteString(out, "two\n")
	shown("one", "two", "filter: repo=x")
	typed(keyErase, 'a', keyOther, '\t', 0x200e)
	shown("one", "two", "filter: repo=a")
	typed([]rune(" text=café世")...)
	shown("one", "two", "filter: …ext=café世")
	typed(keyEraseWord)
	shown("one", "two", "filter: repo=a ")
	typed(keyEraseLine, keyErase, keyEraseWord)
	shown("one", "two", "filter: ")
	typed('b')
	p.hide()
	shown("one", "two", "")
	p.show()
	shown("one", "two", "filter: b")
	assert.Equal(t, "b", p.typedText())
	p.raw("\x1b]52;c;YQ==\a")
	p.end()
	shown("one", "two", "")
	assert.False(t, p.isOpen())
	io.WriteString(out, "three\n")
	shown("one", "two", "three", "")

	p.begin("again: ")
	p.show()
	shown("one", "two", "three", "again: ")
	typed([]rune(strings.Repeat("x", 2*maxTyped))...)
	assert.Len(t, p.typedText(), maxTyped, "bounded")
}

func TestAPromptWhereNothingCanBeErased(t *testing.T) {
	var b bytes.Buffer
	p := &prompt{w: &b, columns: func() int { return 80 }, newLines: true}
	p.begin("filter: ")
	p.show()
	p.typed('a')
	p.show()
	io.WriteString(above{p, &b}, "one\n")
	p.end()
	assert.Equal(t, "filter: \nfilter: a\none\nfilter: a\n", b.String())
}
