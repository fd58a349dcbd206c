package archive

import (
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// CurlCommand gives a curl command for a POSIX shell that sends d to an address,
// which is a word of that shell, without the body. The secret is not in it: the
// shell puts in $WEBHOOK_SECRET.
func CurlCommand(d *replay.Delivery, address string) string {
	words := []string{"curl", "--globoff", "--path-as-is", "-X", ShellQuote(d.Method)}
	header := d.EndToEnd()
	delete(header, "Accept-Encoding") // curl would print what comes compressed
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			if value == "" {
				words = append(words, "-H", ShellQuote(name+";")) // how curl sends an empty one
				continue
			}
			if name == replay.HeaderSecret && value == replay.Redacted {
				words = append(words, "-H", ShellQuote(name+": ")+`"$WEBHOOK_SECRET"`)
			} else {
				words = append(words, "-H", ShellQuote(name+": "+value))
			}
		}
	}
	for _, name := range []string{"Accept", "Content-Type", "User-Agent"} {
		if d.Header[name] == nil {
			words = append(words, "-H", ShellQuote(name+":")) // none, instead of curl's own
		}
	}
	return strings.Join(append(words, address), " ")
}

// CurlInline is how long a body may be to stand on the command line, in bytes;
// Linux takes 128 KiB for one argument.
const CurlInline = 64 << 10

// CurlBody gives the words of a curl command that give it a body, for one that
// is text and short. It reports false for all others.
func CurlBody(body []byte) (string, bool) {
	switch {
	case len(body) == 0:
		return "", true
	case len(body) > CurlInline, payload.PrintableLines(string(body)) != string(body):
		return "", false
	}
	return " --data-raw " + ShellQuote(string(body)), true
}

// QuoteURL quotes a URL, or the part of one from its path on, for a shell, with
// $WEBHOOK_SECRET in the query where the secret stood.
func QuoteURL(address string) string {
	path, query, _ := strings.Cut(address, "?")
	parts := replay.CutAtSecrets(query)
	if len(parts) == 1 {
		return ShellQuote(address)
	}
	parts[0] = path + "?" + parts[0]
	for i := range parts {
		if parts[i] != "" {
			parts[i] = ShellQuote(parts[i])
		}
	}
	return strings.Join(parts, encodedSecret)
}

// encodedSecret is a word of a shell for $WEBHOOK_SECRET in a URL, where it may
// not stand as it is. Not every curl that is in use has a --url-query.
const encodedSecret = `"$(printf %s "$WEBHOOK_SECRET" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')"`

// ShellQuote quotes a word for a POSIX shell, where it needs that. What could
// steer a terminal is printed by the shell. In fish, and where an interactive
// shell looks for its history, it is the same word: a person may paste it there.
func ShellQuote(word string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@,+%"
	switch {
	case word != "" && strings.Trim(word, safe) == "":
		return word
	case !harmless([]byte(word)):
		text := strings.TrimRight(word, "\n")
		quoted := printfOpen + printfEscape(text) + printfClose
		if end := word[len(text):]; end != "" { // the shell would take it off
			quoted += "'" + end + "'"
		}
		return quoted
	}
	return "'" + strings.NewReplacer("'", `'\''`, `\`, `'"\\"'`).Replace(word) + "'"
}

const printfOpen, printfClose = `"$(printf '`, `')"`

func printfEscape(word string) string {
	var b strings.Builder
	for i := range len(word) {
		if c := word[i]; c >= ' ' && c < 0x7f && !strings.ContainsRune(`'\%!`, rune(c)) {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, `\%03o`, word[i])
	}
	return b.String()
}

// curlMark begins the comment that tells of a delivery what its command does
// not.
const curlMark = "# hfhook "

type curlWriter struct{ w io.Writer }

func (c *curlWriter) begin() error {
	_, err := io.WriteString(c.w, `#!/bin/sh
# Sends deliveries again: WEBHOOK_SECRET=... sh THIS-FILE [URL]
to=${1:-http://localhost:3000}
`)
	return err
}

func (c *curlWriter) end() error { return nil }

func (c *curlWriter) write(d *replay.Delivery) error {
	line, err := marshal(newRecord(d))
	if err != nil {
		return err
	}
	command := CurlCommand(d, `"$to"`+QuoteURL(Rooted(requestTarget(d))))
	if words, ok := CurlBody(d.Body); ok {
		command += words
	} else {
		command = "base64 -d <<'EOF' | " + command + " --data-binary @-\n" + base64Lines(d.Body) + "EOF"
	}
	_, err = fmt.Fprintf(c.w, "\n# %s\n%s%s\n%s\n", payload.Printable(title(d)), curlMark, line, command)
	return err
}

// title is one line about a delivery, harmless to print.
func title(d *replay.Delivery) string {
	if d.Summary != "" {
		return d.Summary
	}
	return fmt.Sprintf("%s, %d bytes", d.Verdict, d.BodySize)
}

func base64Lines(b []byte) string {
	text := base64.StdEncoding.EncodeToString(b)
	var lines strings.Builder
	for len(text) > 0 {
		n := min(len(text), 76)
		lines.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	return lines.String()
}

// Rooted gives the path of a delivery as it can stand behind a host. Without a
// slash, as a stranger's store may have it, it would be part of the host's name
// and the secret would go elsewhere.
func Rooted(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}

// requestTarget is the path and query of a delivery, as in a request line.
func requestTarget(d *replay.Delivery) string {
	if d.Query == "" {
		return d.Path
	}
	return d.Path + "?" + d.Query
}
