package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestProgressText(t *testing.T) {
	assert.Equal(t, "[#######----------------------]  250/1000  25/s  3 failed  ETA 30s", progressText(250, 1000, 3, 10*time.Second, 66))
	assert.Equal(t, "[##############################]  10/10  10/s", progressText(10, 10, 0, time.Second, 80))
	assert.Equal(t, "0/10  0.0/s", progressText(0, 10, 0, time.Second, 15), "too narrow for a bar")
	assert.Equal(t, "12/12  12/s", progressText(12, 10, 0, time.Second, 12), "more than was expected")
	for width := range 100 {
		text := progressText(123456, 999999, 7, time.Hour, width)
		assert.LessOrEqual(t, len(text), width)
		assert.True(t, strings.HasPrefix("123456/999999", text) || width > 13, text)
	}
	assert.Empty(t, progressText(1, 2, 0, time.Second, -1))
}

func FuzzProgressText(f *testing.F) {
	f.Add(1, 2, 0, int64(time.Second), 80)
	f.Fuzz(func(t *testing.T, sent, total, failed int, took int64, width int) {
		if sent < 0 || width > 1000 {
			return
		}
		assert.LessOrEqual(t, len(progressText(sent, total, failed, time.Duration(took), width)), max(width, 0))
	})
}

func TestTheBarTearsNoLine(t *testing.T) {
	var terminal bytes.Buffer // both streams are on it
	p := &progress{w: &terminal, width: func() int { return 40 }, total: 10}
	for range 3 {
		p.draw(time.Second)
		p.step(false)
		p.above(func() { terminal.WriteString("a line\n") })
		p.above(func() { terminal.WriteString("another\n") })
	}
	// What is left on the terminal: a line is wiped where it begins anew.
	var shown []string
	for line := range strings.Lines(terminal.String()) {
		parts := strings.Split(line, "\r\x1b[K")
		shown = append(shown, parts[len(parts)-1])
	}
	assert.Equal(t, strings.Repeat("a line\nanother\n", 3), strings.Join(shown, ""))
}

func TestThereIsNoBarWithoutATerminal(t *testing.T) {
	var pipe bytes.Buffer
	p := newProgress(&pipe)
	assert.False(t, p.shows())
	p.step(true)
	p.above(func() {})
	p.end()
	assert.Empty(t, pipe.String())
}
