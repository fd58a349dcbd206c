package main

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/archive"
)

// curlFor prints a command line for a POSIX shell that sends d again. The
// secret is not in it: the shell puts in $WEBHOOK_SECRET.
func curlFor(c *cli.Context, d *replay.Delivery) (string, error) {
	address := c.String("to")
	if address == "" {
		var err error
		if address, err = curlTarget(c, d); err != nil {
			return "", err
		}
	}
	return curlTo(address, c.String("store"), d, archive.CurlInline)
}

// curlTarget names the target that a command sends d to unless another is said:
// one where it was sent live.
func curlTarget(c *cli.Context, d *replay.Delivery) (string, error) {
	var refused error
	for _, name := range liveTargets(d) {
		err := refuseTarget(c, d, name)
		if err == nil {
			return name, nil
		}
		refused = cmp.Or(refused, err)
	}
	if refused == nil {
		refused = usage(fmt.Sprintf("delivery %d was not sent anywhere yet", d.ID), "say where to: hfhook inspect --curl --to http://localhost:3000 "+fmt.Sprint(d.ID))
	}
	return "", refused
}

// curlTo is curlFor for a target called address. A body of more than inline
// bytes is read from the store.
func curlTo(address, storeFile string, d *replay.Delivery, inline int) (string, error) {
	address, err := addressFor(address, d)
	if err != nil {
		return "", err
	}
	command := archive.CurlCommand(d, archive.QuoteURL(address))
	if words, ok := archive.CurlBody(d.Body); ok && len(d.Body) <= inline {
		return command + words, nil
	}
	if len(d.Body) <= inline {
		return "printf %s " + base64.StdEncoding.EncodeToString(d.Body) + " | base64 -d | " + command + " --data-binary @-", nil
	}
	store := ""
	if storeFile != "" {
		store = "--store " + shellQuote(storeFile) + " "
	}
	return fmt.Sprintf("hfhook inspect %s--body %d | %s --data-binary @-", store, d.ID, command), nil
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
		name += archive.Rooted(d.Path)
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

// shellQuote quotes a word for a POSIX shell, where it needs that.
func shellQuote(word string) string { return archive.ShellQuote(word) }
