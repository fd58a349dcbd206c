package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/hfhook/hfhook/payload"
)

// prettyJSON indents and colours a JSON object; what could steer a terminal is
// escaped.
func prettyJSON(s *screen, body []byte) string {
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") != nil { // nested deeper than encoding/json goes
		return payload.PrintableLines(string(body))
	}
	lines := strings.Split(indented.String(), "\n")
	for i, line := range lines {
		lines[i] = colourJSON(s, string(payload.EscapeJSON([]byte(line))))
	}
	return strings.Join(lines, "\n")
}

// colourJSON colours one indented line: "key": value,
func colourJSON(s *screen, line string) string {
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	if m := jsonKey.FindString(text); m != "" {
		return indent + s.key(strings.TrimSuffix(m, ": ")) + ": " + colourValue(s, text[len(m):])
	}
	return indent + colourValue(s, text)
}

var jsonKey = regexp.MustCompile(`^"(?:[^"\\]|\\.)*": `)

func colourValue(s *screen, text string) string {
	value := strings.TrimSuffix(text, ",")
	rest := text[len(value):]
	switch {
	case value == "" || strings.ContainsAny(value[:1], "{}[]"):
		return text
	case value[0] == '"':
		return s.good(value) + rest
	}
	return s.warn(value) + rest
}
