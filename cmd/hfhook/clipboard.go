package main

import (
	"encoding/base64"
	"strings"
)

// maxCopied is how much text a terminal takes for the clipboard, in bytes:
// xterm and hterm read 100,000 characters of base64, some only 74,994.
const maxCopied = 74_994 / 4 * 3

// copying is the sequence that has a terminal put text on the clipboard (OSC
// 52), also from within tmux and screen, if they let it through. Empty: this
// terminal knows no such thing.
// Source: XTerm Control Sequences, Operating System Commands; tmux(1),
// allow-passthrough; screen(1), string escapes.
func copying(text string, getenv func(string) string) string {
	kind := getenv("TERM")
	plain := "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\a"
	switch {
	case kind == "" && getenv("WT_SESSION") == "", kind == "dumb", kind == "linux":
		return ""
	case getenv("TMUX") != "": // by itself, or as the terminal around it
		return plain + "\x1bPtmux;" + strings.ReplaceAll(plain, "\x1b", "\x1b\x1b") + "\x1b\\"
	case getenv("STY") != "" || strings.HasPrefix(kind, "screen"):
		// screen takes some hundred characters at a time.
		var wrapped strings.Builder
		for len(plain) > 0 {
			n := min(len(plain), 512)
			wrapped.WriteString("\x1bP" + plain[:n] + "\x1b\\")
			plain = plain[n:]
		}
		return wrapped.String()
	}
	return plain
}
