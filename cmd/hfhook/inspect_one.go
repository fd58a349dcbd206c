package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// showWhole prints everything that is known of d.
func showWhole(s *screen, d *replay.Delivery) {
	title := func(text string) { s.line("\n%s", s.bold(text)) }
	clean := payload.Printable

	id := fmt.Sprintf("#%d", d.ID)
	s.line("%s  %s", s.key(id), s.bold(s.cut(headline(d), len(id)+2)))
	deliveryFacts := []field{
		{name: "verdict", text: []string{verdictText(d)}},
		{name: "request", text: []string{clean(requestLine(d))}},
		{name: "size", text: []string{sizeText(d)}},
	}
	if d.WebhookID != "" {
		deliveryFacts = append(deliveryFacts, field{name: "id", text: []string{clean(d.WebhookID)}})
	}
	p, err := payload.Decode(d.Body)
	if err == nil {
		deliveryFacts = append(deliveryFacts, payloadFields(p)...)
		for _, problem := range p.Problems() {
			deliveryFacts = append(deliveryFacts, field{name: "odd", text: []string{clean(problem.String())}})
		}
	}
	for _, f := range deliveryFacts {
		f.print(s)
	}

	title("Arrivals")
	for i, a := range d.Arrivals {
		answer := "no answer known"
		if a.Answer != 0 {
			answer = fmt.Sprintf("answered %d", a.Answer)
		}
		what := "first"
		if i > 0 || a.Repeat != replay.First {
			what = string(a.Repeat)
		}
		s.line("%s%s", blank, s.cut(fmt.Sprintf("%s  %s, from %s, %s", a.Time.Local().Format(time.DateTime), what, clean(a.RemoteAddr), answer), blockIndent))
	}

	title("Headers")
	if d.Host != "" {
		s.line("%s%s %s", blank, s.dim("Host:"), clean(d.Host))
	}
	for _, name := range slices.Sorted(maps.Keys(d.Header)) {
		for _, value := range d.Header[name] {
			s.line("%s%s %s", blank, s.dim(clean(name)+":"), clean(value))
		}
	}

	title("Body")
	showBody(s, d, err == nil)

	if len(d.Attempts)+len(d.Queued) > 0 {
		title("Attempts")
	}
	for i := range d.Attempts {
		a := &d.Attempts[i]
		s.line("%s%s", blank, s.dim(a.Started.Local().Format(time.DateTime)))
		attemptLine(s, a)
		if a.Sent != nil {
			showSent(s, d, a.Sent)
		}
		showSaid(s, a)
	}
	for _, name := range d.Queued {
		s.line("%s%s", blank, s.warn("waiting to be sent to "+clean(name)))
	}
}

func requestLine(d *replay.Delivery) string {
	line := d.Method + " " + d.Path
	if d.Query != "" {
		line += "?" + d.Query
	}
	return line
}

func sizeText(d *replay.Delivery) string {
	text := bytesText(d.BodySize)
	if int64(len(d.Body)) < d.BodySize {
		text += fmt.Sprintf(", of which the first %s are kept", bytesText(int64(len(d.Body))))
	}
	return text
}

func showBody(s *screen, d *replay.Delivery, object bool) {
	switch {
	case len(d.Body) == 0:
		s.line("%s%s", blank, s.dim("empty"))
	case object:
		for line := range strings.SplitSeq(prettyJSON(s, d.Body), "\n") {
			s.line("  %s", line)
		}
	case isText(d.Body):
		field{cont: true, text: firstLines(string(d.Body), 40)}.print(s)
	default:
		s.line("%s%s", blank, s.dim("no text; hfhook inspect --body writes it to a file or a pipe"))
	}
}
