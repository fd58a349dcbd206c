package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// A delivery in text is three parts with empty lines between them: what is
// known of it, the request with its headers, and the body up to the end of the
// file. The body is indented where that can be undone, as it is where that is
// harmless to look at, and in base64 otherwise. Its attempts are left out, so
// that two files differ where two deliveries do.

const textTitle = "Hfhook-Delivery: 1"

// How a body stands in a text.
const (
	bodyIndented = "indented"
	bodyPlain    = "plain"
	bodyBase64   = "base64"
)

// TextName is a name for the file of the n-th delivery:
// "00012-discussion.create-acme-model.txt".
func TextName(n int, d *replay.Delivery) string {
	what := "undecodable"
	switch {
	case d.Verdict == replay.Rejected:
		what = "rejected"
	case d.Scope != "":
		what = string(d.Scope) + "." + string(d.Action) + "-" + d.Repo
	}
	what = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_':
			return r
		}
		return '-'
	}, what)
	return fmt.Sprintf("%05d-%s.txt", n, what[:min(len(what), 80)])
}

// WriteText writes one delivery to read and to compare.
func WriteText(w io.Writer, d *replay.Delivery) error {
	out := bufio.NewWriter(w)
	field := func(name, value string) { fmt.Fprintf(out, "%s: %s\n", name, quote(value)) }
	fmt.Fprintln(out, textTitle)
	if d.Summary != "" {
		field("Summary", d.Summary)
	}
	for _, a := range d.Arrivals {
		field("Arrived", arrivalText(a))
	}
	field("Verdict", string(d.Verdict))
	if d.Reason != "" {
		field("Reason", d.Reason)
	}
	field("Endpoint", d.Endpoint)
	if d.WebhookID != d.Header.Get(replay.HeaderWebhookID) {
		field("Webhook-Id", d.WebhookID)
	}
	if d.BodySize != int64(len(d.Body)) {
		field("Size", strconv.FormatInt(d.BodySize, 10))
	}
	how, body := bodyText(d.Body)
	field("Body", how)

	fmt.Fprintf(out, "\n%s %s\n", d.Method, quote(requestTarget(d)))
	if d.Host != "" {
		field("Host", d.Host)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Header)) {
		for _, value := range d.Header[name] {
			field(name, value)
		}
	}
	fmt.Fprintln(out)
	out.Write(body)
	return out.Flush()
}

func arrivalText(a replay.Arrival) string {
	text := a.Time.UTC().Format(time.RFC3339Nano)
	if a.Repeat != "" {
		text += ", " + string(a.Repeat)
	}
	if a.Answer != 0 {
		text += fmt.Sprintf(", answered %d", a.Answer)
	}
	if a.RemoteAddr != "" {
		text += ", from " + a.RemoteAddr
	}
	return text
}

func parseArrival(text string) (replay.Arrival, error) {
	text, a := text, replay.Arrival{}
	text, a.RemoteAddr, _ = strings.Cut(text, ", from ")
	for i, part := range strings.Split(text, ", ") {
		var err error
		answer, isAnswer := strings.CutPrefix(part, "answered ")
		switch {
		case i == 0:
			a.Time, err = time.Parse(time.RFC3339Nano, part)
		case isAnswer:
			a.Answer, err = strconv.Atoi(answer)
		default:
			a.Repeat = replay.Repeat(part)
		}
		if err != nil {
			return a, err
		}
	}
	return a, nil
}

// quote leaves a value as it is, or gives it in the quotes of a Go string where
// it is not plain, or seems to be in some.
func quote(value string) string {
	if value != strings.TrimSpace(value) || strings.HasPrefix(value, `"`) || payload.Printable(value) != value {
		return strconv.QuoteToASCII(value)
	}
	return value
}

func unquote(value string) (string, error) {
	if !strings.HasPrefix(value, `"`) {
		return value, nil
	}
	return strconv.Unquote(value)
}

func bodyText(body []byte) (how string, text []byte) {
	var indented, back bytes.Buffer
	if json.Indent(&indented, body, "", "  ") == nil && json.Compact(&back, indented.Bytes()) == nil &&
		bytes.Equal(back.Bytes(), body) && harmless(indented.Bytes()) {
		return bodyIndented, append(indented.Bytes(), '\n')
	}
	if harmless(body) {
		return bodyPlain, append(bytes.Clone(body), '\n')
	}
	return bodyBase64, []byte(base64Lines(body))
}

func harmless(b []byte) bool { return payload.PrintableLines(string(b)) == string(b) }

func textBody(how string, text []byte) ([]byte, error) {
	switch how {
	case bodyIndented:
		var body bytes.Buffer
		if err := json.Compact(&body, text); err != nil {
			return nil, bad("an indented body that is no JSON", err)
		}
		return body.Bytes(), nil
	case bodyPlain:
		return bytes.TrimSuffix(text, []byte("\n")), nil
	case bodyBase64:
		return decode64(bytes.Join(bytes.Fields(text), nil))
	}
	return nil, bad(fmt.Sprintf("a body that is %q", how), nil)
}

// readText reads one delivery.
func readText(in *source) iter.Seq2[*replay.Delivery, error] {
	return func(yield func(*replay.Delivery, error) bool) {
		whole, err := io.ReadAll(in)
		if err != nil {
			yield(nil, err)
			return
		}
		yield(parseText(string(trimStart(whole))))
	}
}

func parseText(whole string) (*replay.Delivery, error) {
	if strings.Contains(whole[:min(len(whole), len(textTitle)+2)], "\r\n") {
		whole = strings.ReplaceAll(whole, "\r\n", "\n") // of an editor on Windows
	}
	about, rest, ok1 := strings.Cut(whole, "\n\n")
	request, body, ok2 := strings.Cut(rest, "\n\n")
	if !ok1 || !ok2 {
		return nil, bad("the file ends before the body", nil)
	}
	if err := few("lines", lines(about)+lines(request), maxValues); err != nil {
		return nil, bad("too much in one", err)
	}
	r := &record{}
	how := bodyPlain
	for line := range strings.Lines(about) {
		name, value, err := textField(line)
		if err != nil {
			return nil, err
		}
		switch name {
		case "Arrived":
			a, err := parseArrival(value)
			if err != nil {
				return nil, bad(fmt.Sprintf("%q is no arrival", value), err)
			}
			r.Arrivals = append(r.Arrivals, arrivalRecord{a.Time, a.Repeat, text(a.RemoteAddr), a.Answer})
		case "Verdict":
			r.Verdict = replay.Verdict(value)
		case "Reason":
			r.Reason = text(value)
		case "Endpoint":
			r.Endpoint = text(value)
		case "Webhook-Id":
			r.WebhookID = text(value)
		case "Body":
			how = value
		case "Size":
			if r.Size, err = strconv.ParseInt(value, 10, 64); err != nil {
				return nil, bad("no size", err)
			}
		}
	}
	line, headers, _ := strings.Cut(request, "\n")
	method, target, ok := strings.Cut(line, " ")
	target, err := unquote(target)
	if err != nil || !ok {
		return nil, bad(fmt.Sprintf("%q is no request", line), err)
	}
	path, query, _ := strings.Cut(target, "?")
	r.Method, r.Path, r.Query = method, text(path), text(query)
	r.Headers = map[string][]text{}
	for line := range strings.Lines(headers) {
		name, value, err := textField(line)
		if err != nil {
			return nil, err
		}
		if name == "Host" {
			r.Host = text(value)
			continue
		}
		r.Headers[name] = append(r.Headers[name], text(value))
	}
	if r.Body, err = textBody(how, []byte(body)); err != nil {
		return nil, err
	}
	if r.Body == nil {
		r.Body = []byte{}
	}
	return r.delivery()
}

func textField(line string) (name, value string, err error) {
	line = strings.TrimSuffix(line, "\n")
	name, value, ok := strings.Cut(line, ":")
	value, err = unquote(strings.TrimPrefix(value, " "))
	if !ok || err != nil {
		return "", "", bad(fmt.Sprintf("%q is no line of the form Name: value", line), err)
	}
	return http.CanonicalHeaderKey(name), value, nil
}
