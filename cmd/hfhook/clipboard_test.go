package main

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCopying(t *testing.T) {
	long := strings.Repeat("https://hooks.example.com/é ", 100)
	coded := base64.StdEncoding.EncodeToString([]byte(long))
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	plain := "\x1b]52;c;" + coded + "\a"
	assert.Equal(t, plain, copying(long, env("TERM", "xterm-256color")))
	assert.Equal(t, plain+"\x1bPtmux;\x1b\x1b]52;c;"+coded+"\a\x1b\\", copying(long, env("TERM", "screen-256color", "TMUX", "/tmp/tmux-0/default,1,0")))

	wrapped := copying(long, env("TERM", "xterm", "STY", "1.pts-0"))
	pieces := regexp.MustCompile(`\x1bP((?s:.*?))\x1b\\`).FindAllStringSubmatch(wrapped, -1)
	var whole strings.Builder
	for _, piece := range pieces {
		assert.LessOrEqual(t, len(piece[1]), 512)
		whole.WriteString(piece[1])
	}
	assert.Equal(t, plain, whole.String(), "what screen hands on")
	assert.Greater(t, len(pieces), 1)

	assert.Equal(t, plain, copying(long, env("WT_SESSION", "0123"))) // Windows Terminal
	for _, none := range []string{"", "dumb", "linux"} {
		assert.Empty(t, copying(long, env("TERM", none)))
	}
}
