package hub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// refusal reads an answer other than 2xx.
// Source: huggingface_hub, utils/_http.py.
func (c *Client) refusal(q *request, resp *http.Response, body []byte, redact redactor) *Error {
	h := resp.Header
	e := &Error{
		Op:        q.op,
		Status:    resp.StatusCode,
		Code:      bounded(redact.line(h.Get("X-Error-Code")), 100),
		RequestID: bounded(redact.line(cmp.Or(h.Get("X-Request-Id"), h.Get("X-Amzn-Trace-Id"), h.Get("X-Amz-Cf-Id"))), 200),
	}
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	html := media == "text/html" || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
	var said []string
	add := func(s string) {
		if s = redact.line(s); s != "" && !slices.Contains(said, s) {
			said = append(said, s)
		}
	}
	add(h.Get("X-Error-Message"))
	if !html {
		for _, s := range messages(body) {
			add(s)
		}
	}
	e.Message = bounded(strings.Join(said, "; "), 500)
	if q.names && e.Status == http.StatusNotFound && !html { // a page is not the Hub's API
		e.Err = ErrNotFound
	}
	if e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable {
		e.RetryAfter = retryAfter(h, time.Now())
	}
	e.Hint = c.hint(q, resp, e, html, redact)
	return e
}

// messages are what a body says is wrong, in each shape that the Hub uses.
func messages(body []byte) []string {
	var said struct {
		Error       json.RawMessage `json:"error"`
		Description json.RawMessage `json:"error_description"`
		Errors      json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &said) != nil {
		if json.Valid(body) { // some other JSON
			return nil
		}
		return []string{string(body)}
	}
	all := texts(said.Error)
	all = append(all, texts(said.Description)...)
	var list []struct {
		Message json.RawMessage `json:"message"`
	}
	_ = json.Unmarshal(said.Errors, &list)
	for _, one := range list {
		all = append(all, texts(one.Message)...)
	}
	return all
}

// texts are the strings of a string or a list.
func texts(raw json.RawMessage) []string {
	var one string
	if string(raw) == "null" {
		return nil
	}
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list)
	var all []string
	for _, item := range list {
		if json.Unmarshal(item, &one) == nil {
			all = append(all, one)
		}
	}
	return all
}

// retryAfter is how long the Hub asks to wait, in Retry-After or for a limit in
// RateLimit of which nothing is left; 0 when it says nothing. A day is the most
// that is believed.
func retryAfter(h http.Header, now time.Time) time.Duration {
	const most = 24 * time.Hour
	seconds := func(s string) time.Duration {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return 0
		}
		return min(time.Duration(n)*time.Second, most)
	}
	wait := seconds(h.Get("Retry-After"))
	if at, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		wait = max(0, min(at.Sub(now).Round(time.Second), most))
	}
	for _, value := range h.Values("RateLimit") {
		for policy := range strings.SplitSeq(value, ",") {
			var left string
			var reset time.Duration
			for parameter := range strings.SplitSeq(policy, ";") {
				switch name, value, _ := strings.Cut(strings.TrimSpace(parameter), "="); name {
				case "r":
					left = value
				case "t":
					reset = seconds(value)
				}
			}
			if left == "0" {
				wait = max(wait, reset)
			}
		}
	}
	return wait
}

// passWarnings logs what the Hub wants its callers to know.
func (c *Client) passWarnings(ctx context.Context, h http.Header, redact redactor) {
	values := h.Values("X-HF-Warning")
	for _, value := range values[:min(len(values), 10)] {
		topic, message, found := strings.Cut(value, ";")
		if !found {
			topic, message = "", value
		}
		c.log.WarnContext(ctx, "the Hub warns", "topic", redact.line(topic), "message", redact.line(message))
	}
}
