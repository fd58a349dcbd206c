// Package archive writes deliveries to files and reads them back, with every
// byte of their bodies. The secret is in none of them: where it stood is
// replay.Redacted.
//
//	ndjson  one JSON object for each delivery, on a line of its own: everything
//	        that is known of it
//	har     HAR 1.2, for the tools that show HTTP traffic: everything too
//	curl    a shell script that sends them again
//	text    a file for each delivery, to read and to compare
//
// What Read gives comes from a file that a stranger may have written: it is
// checked, what can be reckoned from the body is, and nothing is ever sent to a
// target that it names.
package archive

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"

	"github.com/hfhook/hfhook/replay"
)

// Format is a kind of file.
type Format string

const (
	NDJSON Format = "ndjson"
	HAR    Format = "har"
	Curl   Format = "curl"
	Text   Format = "text"
)

// Formats lists them.
var Formats = []Format{NDJSON, HAR, Curl, Text}

// ErrFormat is returned by Write for a format that it does not write: Text has
// a file for each delivery, see WriteText.
var ErrFormat = errors.New("no such format of one file")

// Write writes deliveries in one file and counts them. It ends with the first
// error of deliveries or of w.
func Write(w io.Writer, f Format, deliveries iter.Seq2[*replay.Delivery, error]) (n int, err error) {
	out := bufio.NewWriterSize(w, 64<<10)
	var to writer
	switch f {
	case NDJSON:
		to = &ndjsonWriter{out}
	case HAR:
		to = &harWriter{w: out}
	case Curl:
		to = &curlWriter{w: out}
	default:
		return 0, fmt.Errorf("%w: %q", ErrFormat, f)
	}
	if err := to.begin(); err != nil {
		return 0, err
	}
	for d, err := range deliveries {
		if err == nil {
			err = to.write(d)
		}
		if err != nil {
			return n, cmp.Or(err, out.Flush())
		}
		n++
	}
	return n, cmp.Or(to.end(), out.Flush())
}

type writer interface {
	begin() error
	write(*replay.Delivery) error
	end() error
}

// MaxItem is how long one delivery in a file may be, in bytes, with its
// attempts.
const MaxItem = 256 << 20

// FormatError says what is wrong with a file, and where.
type FormatError struct {
	// Item counts what the file holds, from 1.
	Item   int
	Reason string
	Err    error // may be nil
}

func (e *FormatError) Error() string {
	text := fmt.Sprintf("entry %d: %s", e.Item, e.Reason)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *FormatError) Unwrap() error { return e.Err }

// ErrUnknown is returned for a file that is none of the formats.
var ErrUnknown = errors.New("neither NDJSON, HAR, a curl command, a delivery in text nor a payload")

// Read gives the deliveries in a file of any format, which it finds out itself:
// those that Write and WriteText make, HAR files and curl commands of others,
// records as hfhook prints them with --json, and payloads as the Hub's activity
// page shows them. They have arrivals and attempts where the file tells of them,
// and no IDs. It ends with the first error, which is a *FormatError where the
// file is to blame.
func Read(r io.Reader) iter.Seq2[*replay.Delivery, error] {
	return func(yield func(*replay.Delivery, error) bool) {
		limit := &limited{r: r}
		in := &source{bufio.NewReaderSize(limit, sniffed), limit}
		head, err := in.Peek(sniffed)
		if bytes.HasPrefix(head, byteOrderMark) {
			_, _ = in.Discard(len(byteOrderMark))
			head = head[len(byteOrderMark):]
		}
		if len(head) == 0 && err != nil && err != io.EOF {
			yield(nil, err)
			return
		}
		read := readerOf(head)
		if read == nil {
			yield(nil, ErrUnknown)
			return
		}
		count := 0
		for d, err := range read(in) {
			count++
			if err != nil {
				if e, ok := errors.AsType[*FormatError](err); ok && e.Item == 0 {
					e.Item = count
				}
				yield(nil, err)
				return
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// sniffed is how much of a file is looked at to find out its format, in bytes.
const sniffed = 4 << 10

var curlStart = regexp.MustCompile(`^([^\n]*\| *)?curl\s`)

type reader func(*source) iter.Seq2[*replay.Delivery, error]

// source is a file that is being read.
type source struct {
	*bufio.Reader
	limit *limited
}

func readerOf(head []byte) reader {
	switch start := trimStart(head); {
	case hasPrefix(start, textTitle):
		return readText
	case isHAR(start):
		return readHAR
	case hasPrefix(start, "{"), hasPrefix(start, "["):
		return readJSON
	case hasPrefix(start, "#!"), hasPrefix(start, curlMark), curlStart.Match(start):
		return readCurl
	}
	return nil
}

func bad(reason string, err error) error { return &FormatError{Reason: reason, Err: err} }

// limited ends with an error when too much is read between two resets: a file
// may be long, but none of what it holds.
type limited struct {
	r    io.Reader
	read int
}

func (l *limited) Read(b []byte) (int, error) {
	if l.read > MaxItem {
		return 0, bad(fmt.Sprintf("longer than %d MiB", MaxItem>>20), nil)
	}
	n, err := l.r.Read(b)
	l.read += n
	return n, err
}

// Parse gives the format that a word means.
func Parse(word string) (Format, bool) {
	f := Format(word)
	return f, slices.Contains(Formats, f)
}
