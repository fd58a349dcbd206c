package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

const (
	maxSentLines = 40
	maxSentLine  = 2000    // bytes
	maxDiffed    = 1 << 20 // bytes of a body
	sentContext  = 1       // lines around a change
)

// showSent prints how what was sent differs from what is kept.
func showSent(s *screen, d *replay.Delivery, sent *replay.Sent) {
	lines := headerDiff(s, d.Header, sent.Header)
	lines = append(lines, bodyDiff(s, d.Body, sent.Body)...)
	lines = more(lines[:min(len(lines), maxSentLines)], len(lines)-maxSentLines)
	for _, line := range lines {
		s.line("%s  %s", blank, line)
	}
}

func headerDiff(s *screen, before, after map[string][]string) (lines []string) {
	names := maps.Clone(before)
	if names == nil {
		names = map[string][]string{}
	}
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if slices.Equal(before[name], after[name]) || name == "Content-Length" {
			continue
		}
		for _, value := range before[name] {
			lines = append(lines, diffLine(s, "-", name+": "+value, s.bad))
		}
		for _, value := range after[name] {
			lines = append(lines, diffLine(s, "+", name+": "+value, s.good))
		}
	}
	return lines
}

func bodyDiff(s *screen, before, after []byte) (lines []string) {
	switch {
	case bytes.Equal(before, after):
		return nil
	case len(after) == 0:
		return []string{s.good("+ an empty body")}
	case !isText(before) || !isText(after) || len(before)+len(after) > maxDiffed:
		return []string{s.warn("another body, of " + bytesText(int64(len(after))))}
	}
	x, y := layOut(before), layOut(after)
	diff, err := udiff.ToUnifiedDiff("", "", x, udiff.Lines(x, y), sentContext)
	if err != nil || len(diff.Hunks) == 0 {
		return []string{s.dim("the body differs in white space alone")}
	}
	for i, hunk := range diff.Hunks {
		if i > 0 {
			lines = append(lines, s.dim("…"))
		}
		for _, line := range hunk.Lines {
			switch line.Kind {
			case udiff.Delete:
				lines = append(lines, diffLine(s, "-", line.Content, s.bad))
			case udiff.Insert:
				lines = append(lines, diffLine(s, "+", line.Content, s.good))
			default:
				lines = append(lines, diffLine(s, " ", line.Content, s.dim))
			}
		}
	}
	return lines
}

// layOut gives a body in lines, JSON a value in each.
func layOut(body []byte) string {
	var indented bytes.Buffer
	if json.Indent(&indented, bytes.TrimSpace(body), "", "  ") == nil {
		body = indented.Bytes()
	}
	return strings.TrimSuffix(string(body), "\n") + "\n"
}

func diffLine(s *screen, sign, text string, paint paint) string {
	text = strings.TrimRight(text, "\r\n")
	if len(text) > maxSentLine {
		text = strings.ToValidUTF8(text[:maxSentLine], "") + "…"
	}
	return paint(s.cut(sign+" "+payload.Printable(text), blockIndent+2))
}
