package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
)

// curlInline is how long a body may be to stand on the command line, in bytes;
// Linux takes 128 KiB for one argument.
const curlInline = 64 << 10

// curlFor prints a command line for a POSIX shell that sends d again. The
// secret is not in it: the shell puts in $WEBHOOK_SECRET.
func curlFor(c *cli.Context, d *replay.Delivery) (string, error) {
	address := c.String("to")
	if address == "" {
		if names := liveTargets(d); len(names) > 0 {
			address = names[0]
		}
	}
	if address == "" {
		return "", usage(fmt.Sprintf("delivery %d was not sent anywhere yet", d.ID), "say where to: hfhook inspect --curl --to http://localhost:3000 "+fmt.Sprint(d.ID))
	}
	return curlTo(address, c.String("store"), d, curlInline)
}

// curlTo is curlFor for a target called address. A body of more than inline
// bytes is read from the store.
func curlTo(address, storeFile string, d *replay.Delivery, inline int) (string, error) {
	address, err := addressFor(address, d)
	if err != nil {
		return "", err
	}
	words := []string{"curl", "--globoff", "--path-as-is", "-X", shellQuote(d.Method)}
	header := d.EndToEnd()
	delete(header, "Accept-Encoding") // curl would print what comes compressed
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			if value == "" {
				words = append(words, "-H", shellQuote(name+";")) // how curl sends an empty one
				continue
			}
			words = append(words, "-H", withSecret(name+": "+value))
		}
	}
	for _, name := range []string{"Accept", "Content-Type", "User-Agent"} {
		if d.Header[name] == nil {
			words = append(words, "-H", shellQuote(name+":")) // none, instead of curl's own
		}
	}
	words = append(words, withSecret(address))

	feed, store := "", ""
	if storeFile != "" {
		store = "--store " + shellQuote(storeFile) + " "
	}
	switch {
	case len(d.Body) == 0:
	case len(d.Body) > inline:
		feed = fmt.Sprintf("hfhook inspect %s--body %d | ", store, d.ID)
	case plainText(d.Body):
		return strings.Join(append(words, "--data-raw", shellQuote(string(d.Body))), " "), nil
	default:
		feed = "printf %s " + shellQuote(base64.StdEncoding.EncodeToString(d.Body)) + " | base64 -d | "
	}
	if feed != "" {
		words = append(words, "--data-binary", "@-")
	}
	return feed + strings.Join(words, " "), nil
}

// addressFor is the URL that a target called name sends d to.
func addressFor(name string, d *replay.Delivery) (string, error) {
	u, err := url.Parse(name)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", failed(errors.New("there is no curl command for a target that is no http URL"), "choose one: --to http://localhost:3000")
	}
	name = u.Scheme + "://"
	if u.User != nil { // as it was typed
		name += u.User.String() + "@"
	}
	name += u.Host
	if u.Path == "" {
		name += d.Path
	} else {
		name += u.EscapedPath()
	}
	query := u.RawQuery
	if d.Query != "" {
		query = strings.TrimPrefix(query+"&"+d.Query, "&")
	}
	if query != "" {
		name += "?" + query
	}
	return name, nil
}

// withSecret quotes a word for a shell, with $WEBHOOK_SECRET where the secret
// stood.
func withSecret(word string) string {
	parts := strings.Split(word, replay.Redacted)
	for i := range parts {
		if parts[i] != "" {
			parts[i] = shellQuote(parts[i])
		}
	}
	return strings.Join(parts, `"$WEBHOOK_SECRET"`)
}

// shellQuote quotes a word for a POSIX shell, where it needs that.
func shellQuote(word string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@,+%"
	if word != "" && strings.Trim(word, safe) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// plainText reports whether b can stand on a terminal and in a shell as it is.
func plainText(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	return !strings.ContainsFunc(string(b), func(r rune) bool { return r != '\n' && risky(r) })
}
