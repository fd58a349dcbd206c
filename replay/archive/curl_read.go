package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/hfhook/hfhook/replay"
)

// readCurl reads the curl commands of a shell script: those that Write makes,
// that hfhook inspect --curl prints and that browsers copy. Nothing is run and
// no file is read. Lines that are no curl commands are passed over.
func readCurl(in *source) iter.Seq2[*replay.Delivery, error] {
	return func(yield func(*replay.Delivery, error) bool) {
		script := &script{in: in}
		var about *record
		for {
			in.limit.read = 0
			line, err := script.line()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if text, ok := strings.CutPrefix(line, curlMark); ok {
				about = &record{}
				err := few("values", count([]byte(text)), maxValues)
				if err == nil {
					err = json.Unmarshal([]byte(text), about)
				}
				if err != nil {
					yield(nil, bad("the comment above a command is damaged", err))
					return
				}
				continue
			}
			if text := strings.TrimSpace(line); text == "" || text[0] == '#' || strings.HasPrefix(text, "to=") {
				continue
			}
			command, err := script.command(line)
			if err == nil && command == nil {
				continue
			}
			var d *replay.Delivery
			if err == nil {
				d, err = command.delivery(about)
			}
			about = nil
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// script is a shell script that is being read.
type script struct{ in *source }

// line gives the next line without its end.
func (s *script) line() (string, error) {
	line, err := s.in.ReadString('\n')
	if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}

// curlCommand is a curl command and what is piped into it.
type curlCommand struct {
	words []string
	feed  []byte
}

// command reads the command that begins with a line. It is nil for another
// program's.
func (s *script) command(line string) (*curlCommand, error) {
	pipeline, err := shellWords(line, func() (string, error) { return s.line() })
	if err != nil {
		return nil, bad("a command that is not understood", err)
	}
	last := pipeline[len(pipeline)-1]
	if len(last) == 0 || last[0] != "curl" {
		return nil, nil
	}
	c := &curlCommand{words: last[1:]}
	for _, part := range pipeline[:len(pipeline)-1] {
		switch {
		case len(part) == 3 && part[0] == "printf" && part[1] == "%s":
			c.feed = []byte(part[2])
		case slices.Equal(part, []string{"base64", "-d"}):
			if c.feed, err = decode64(c.feed); err != nil {
				return nil, err
			}
		case len(part) == 3 && part[0] == "base64" && part[1] == "-d" && strings.HasPrefix(part[2], "<<"):
			text, err := s.document(strings.TrimPrefix(part[2], "<<"))
			if err == nil {
				c.feed, err = decode64(text)
			}
			if err != nil {
				return nil, err
			}
		case len(part) == 0:
			return nil, bad("a command with a body that nothing gives", nil)
		default:
			return nil, bad(fmt.Sprintf("a body that the program %q gives is not in the file", part[0]), nil)
		}
	}
	return c, nil
}

// document reads what stands in a script up to a line that ends it.
func (s *script) document(end string) ([]byte, error) {
	var b bytes.Buffer
	for {
		line, err := s.line()
		if errors.Is(err, io.EOF) {
			return nil, bad("the file ends in the middle of a body", nil)
		}
		if err != nil {
			return nil, err
		}
		if line == end {
			return b.Bytes(), nil
		}
		b.WriteString(line)
	}
}

func decode64(text []byte) ([]byte, error) {
	body, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil, bad("a body that is no base64", err)
	}
	return body, nil
}

// delivery gives what the command sends. about is what a comment says of it,
// and nil without one.
func (c *curlCommand) delivery(about *record) (*replay.Delivery, error) {
	r, err := c.parse()
	if err != nil {
		return nil, err
	}
	if about != nil {
		about.Text, about.Body = content(r.body)
		return about.delivery()
	}
	header, err := headerOf(headers(r.header))
	if err != nil {
		return nil, err
	}
	address := r.url
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return fromRequest(r.method, address, header, r.body, noTime)
}

type curlRequest struct {
	method, url string
	header      http.Header
	body        []byte
}

func (c *curlCommand) parse() (*curlRequest, error) {
	r := &curlRequest{header: http.Header{}}
	hasBody, isJSON := false, false
	for i := 0; i < len(c.words); i++ {
		flag, value, err := c.flag(&i)
		if err != nil {
			return nil, err
		}
		switch flag {
		case "":
			r.url = value
		case "--url":
			r.url = value
		case "-X", "--request":
			r.method = value
		case "-A", "--user-agent":
			r.header.Set("User-Agent", value)
		case "-H", "--header":
			if name, ok := strings.CutSuffix(value, ";"); ok && !strings.Contains(value, ":") {
				r.header.Add(name, "")
				continue
			}
			name, text, ok := strings.Cut(value, ":")
			if text = strings.TrimSpace(text); ok && text != "" {
				r.header.Add(name, text)
			}
		case "-d", "--data", "--data-ascii", "--data-binary", "--data-raw", "--json":
			part := []byte(value)
			switch {
			case value == "@-" && c.feed != nil:
				part = c.feed
			case strings.HasPrefix(value, "@") && flag != "--data-raw":
				return nil, bad(fmt.Sprintf("the body is in another file, %s", strings.TrimPrefix(value, "@")), nil)
			}
			if hasBody && flag != "--json" {
				part = append([]byte("&"), part...)
			}
			r.body, hasBody = append(r.body, part...), true
			isJSON = isJSON || flag == "--json"
		}
	}
	switch {
	case r.url == "":
		return nil, bad("a curl command without a URL", nil)
	case r.method == "" && !hasBody:
		r.method = http.MethodGet
	case r.method == "":
		r.method = http.MethodPost
	}
	if hasBody && r.header["Content-Type"] == nil {
		r.header.Set("Content-Type", "application/x-www-form-urlencoded")
		if isJSON {
			r.header.Set("Content-Type", "application/json")
		}
	}
	r.header.Del("Host")
	return r, nil
}

// curlValues are the flags of curl that take a value, and are understood or do
// not matter for what is sent.
var curlValues = []string{
	"-X", "--request", "-H", "--header", "-A", "--user-agent", "-d", "--data", "--data-ascii", "--data-binary", "--data-raw", "--json", "--url",
	"-m", "--max-time", "--connect-timeout", "-o", "--output", "-w", "--write-out", "--retry", "--cacert",
}

// flag gives the flag at a place, with its value; for a word that is none, the
// word.
func (c *curlCommand) flag(i *int) (flag, value string, err error) {
	word := c.words[*i]
	if len(word) < 2 || word[0] != '-' {
		return "", word, nil
	}
	if !strings.HasPrefix(word, "--") && len(word) > 2 { // -XPOST, or -sS
		if slices.Contains(curlValues, word[:2]) {
			return word[:2], word[2:], nil
		}
		return word, "", nil
	}
	if !slices.Contains(curlValues, word) {
		return word, "", nil
	}
	if *i++; *i >= len(c.words) {
		return "", "", bad(fmt.Sprintf("curl's %s has no value", word), nil)
	}
	return word, c.words[*i], nil
}
