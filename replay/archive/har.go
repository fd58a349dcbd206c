package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hfhook/hfhook/replay"
)

// HAR 1.2, by http://www.softwareishard.com/blog/har-12-spec/. An entry is a
// delivery with the answer of its last attempt, else with ours. What has no
// place there is in "_hfhook".

type harEntry struct {
	Started  time.Time   `json:"startedDateTime"`
	Time     float64     `json:"time"` // ms
	Request  harRequest  `json:"request"`
	Response harResponse `json:"response"`
	Cache    struct{}    `json:"cache"`
	Timings  harTimings  `json:"timings"`
	Comment  string      `json:"comment,omitempty"`
	Hfhook   *record     `json:"_hfhook,omitempty"`
}

type harRequest struct {
	Method      string    `json:"method"`
	URL         string    `json:"url"`
	HTTPVersion string    `json:"httpVersion"`
	Cookies     []harPair `json:"cookies"`
	Headers     []harPair `json:"headers"`
	Query       []harPair `json:"queryString"`
	PostData    *harPost  `json:"postData,omitempty"`
	HeadersSize int       `json:"headersSize"`
	BodySize    int64     `json:"bodySize"`
}

type harPost struct {
	MimeType string    `json:"mimeType"`
	Params   []harPair `json:"params"`
	Text     string    `json:"text"`
}

type harResponse struct {
	Status      int        `json:"status"`
	StatusText  string     `json:"statusText"`
	HTTPVersion string     `json:"httpVersion"`
	Cookies     []harPair  `json:"cookies"`
	Headers     []harPair  `json:"headers"`
	Content     harContent `json:"content"`
	RedirectURL string     `json:"redirectURL"`
	HeadersSize int        `json:"headersSize"`
	BodySize    int        `json:"bodySize"`
}

type harContent struct {
	Size     int    `json:"size"`
	MimeType string `json:"mimeType"`
	Text     string `json:"text,omitempty"`
	Encoding string `json:"encoding,omitempty"`
}

type harTimings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

type harPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type harWriter struct {
	w     io.Writer
	count int
}

func (h *harWriter) begin() error {
	_, err := io.WriteString(h.w, `{"log":{"version":"1.2","creator":{"name":"hfhook","version":"1"},"entries":[`)
	return err
}

func (h *harWriter) end() error {
	_, err := io.WriteString(h.w, "\n]}}\n")
	return err
}

func (h *harWriter) write(d *replay.Delivery) error {
	line, err := marshal(newHAREntry(d))
	if err != nil {
		return err
	}
	separator := "\n"
	if h.count > 0 {
		separator = ",\n"
	}
	h.count++
	_, err = io.WriteString(h.w, separator+string(line))
	return err
}

func newHAREntry(d *replay.Delivery) *harEntry {
	host := d.Host
	if host == "" {
		host = "localhost"
	}
	u := &url.URL{Scheme: "http", Host: host, Opaque: "//" + host + d.Path, RawQuery: d.Query}
	e := &harEntry{Started: d.Received(), Comment: d.Summary, Hfhook: newRecord(d)}
	e.Request = harRequest{
		Method: d.Method, URL: u.String(), HTTPVersion: "HTTP/1.1", Cookies: []harPair{},
		Headers: harHeaders(d.Header), Query: harQuery(d.Query), HeadersSize: -1, BodySize: d.BodySize,
	}
	if len(d.Body) > 0 {
		e.Request.PostData = &harPost{MimeType: d.Header.Get("Content-Type"), Params: []harPair{}}
		if utf8.Valid(d.Body) {
			e.Request.PostData.Text = string(d.Body)
		} else {
			e.Hfhook.Body = d.Body
		}
	}
	e.Response = harResponse{HTTPVersion: "HTTP/1.1", Cookies: []harPair{}, Headers: []harPair{}, HeadersSize: -1, BodySize: -1}
	if n := len(d.Arrivals); n > 0 {
		e.Response.Status = d.Arrivals[n-1].Answer
	}
	if n := len(d.Attempts); n > 0 {
		a := &d.Attempts[n-1]
		e.Time = float64(a.Duration) / float64(time.Millisecond)
		e.Timings.Wait = e.Time
		e.Response.Status, e.Response.Headers = a.Status, harHeaders(a.Header)
		e.Response.Content = harContent{Size: len(a.Body), MimeType: a.Header.Get("Content-Type")}
		if utf8.Valid(a.Body) {
			e.Response.Content.Text = string(a.Body)
		}
	}
	e.Response.StatusText = http.StatusText(e.Response.Status)
	return e
}

func harHeaders(h http.Header) []harPair {
	pairs := []harPair{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			pairs = append(pairs, harPair{name, value})
		}
	}
	return pairs
}

func harQuery(query string) []harPair {
	pairs := []harPair{}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if part == "" {
			continue
		}
		if s, err := url.QueryUnescape(name); err == nil {
			name = s
		}
		if s, err := url.QueryUnescape(value); err == nil {
			value = s
		}
		pairs = append(pairs, harPair{name, value})
	}
	return pairs
}

var harStart = regexp.MustCompile(`^\{\s*"log"\s*:`)

func isHAR(start []byte) bool { return harStart.Match(start) }

// readHAR reads one entry after the other. In files of other programs, what is
// no POST is passed over.
func readHAR(in *source) iter.Seq2[*replay.Delivery, error] {
	return func(yield func(*replay.Delivery, error) bool) {
		decoder := json.NewDecoder(in)
		if err := enter(decoder, in, "log"); err != nil {
			yield(nil, err)
			return
		}
		if err := enter(decoder, in, "entries"); err != nil {
			yield(nil, err)
			return
		}
		if t, err := decoder.Token(); err != nil || t != json.Delim('[') {
			yield(nil, bad("the HAR file has no list of entries", err))
			return
		}
		for decoder.More() {
			in.limit.read = 0
			var entry json.RawMessage
			if err := decoder.Decode(&entry); err != nil {
				yield(nil, jsonError(err))
				return
			}
			d, err := fromEntry(entry)
			if errors.Is(err, errNotMeant) {
				continue
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
		// Only then is it known to be whole.
		for depth := 3; depth > 0; {
			in.limit.read = 0
			t, err := decoder.Token()
			if err != nil {
				yield(nil, bad("the HAR file ends early", err))
				return
			}
			switch t {
			case json.Delim('{'), json.Delim('['):
				depth++
			case json.Delim('}'), json.Delim(']'):
				depth--
			}
		}
	}
}

// enter goes into an object, up to the value of a key.
func enter(decoder *json.Decoder, in *source, key string) error {
	t, err := decoder.Token()
	if err != nil || t != json.Delim('{') {
		return bad("not what a HAR file looks like", err)
	}
	for decoder.More() {
		in.limit.read = 0
		name, err := decoder.Token()
		if err != nil {
			return jsonError(err)
		}
		if name == key {
			return nil
		}
		var passed json.RawMessage
		if err := decoder.Decode(&passed); err != nil {
			return jsonError(err)
		}
	}
	return bad(fmt.Sprintf("the HAR file has no %q", key), nil)
}

func fromEntry(entry json.RawMessage) (*replay.Delivery, error) {
	if err := bounded(entry, nil); err != nil {
		return nil, err
	}
	var e harEntry
	if err := json.Unmarshal(entry, &e); err != nil {
		return nil, shapeError(err)
	}
	return e.delivery()
}

func (e *harEntry) delivery() (*replay.Delivery, error) {
	post := e.Request.PostData
	if r := e.Hfhook; r != nil {
		if r.Text == nil && r.Body == nil && post != nil {
			r.Text = &post.Text
		}
		return r.delivery()
	}
	if e.Request.Method != http.MethodPost {
		return nil, errNotMeant
	}
	var body []byte
	if post != nil {
		body = []byte(post.Text)
	}
	header := http.Header{}
	for _, pair := range e.Request.Headers {
		switch name := http.CanonicalHeaderKey(pair.Name); {
		case strings.HasPrefix(name, ":"): // of HTTP/2
		case name == "Host", name == "Content-Length":
		default:
			header[name] = append(header[name], pair.Value)
		}
	}
	return fromRequest(http.MethodPost, e.Request.URL, header, body, e.Started)
}

// fromRequest gives the delivery that a request to a URL makes.
func fromRequest(method, address string, header http.Header, body []byte, at time.Time) (*replay.Delivery, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, bad("a request has no URL", nil)
	}
	checked, err := headerOf(headers(header))
	if err != nil {
		return nil, err
	}
	d, err := newDelivery(method, u.RequestURI(), u.Host, checked, body)
	if err == nil {
		d.Arrivals = []replay.Arrival{{Time: at.UTC()}}
	}
	return d, err
}
