package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload/edit"
	"github.com/hfhook/hfhook/replay"
)

// editFlags say how what is sent differs from what is kept. --header, which is
// one of targetFlags, belongs to them.
func editFlags() []cli.Flag {
	return append(bodyFlags(),
		&cli.BoolFlag{Name: "edit", Usage: "change the body in your editor ($VISUAL, $EDITOR), after all others", DisableDefaultText: true},
		&cli.BoolFlag{Name: "raw", Usage: "with --edit, send also what is no JSON", DisableDefaultText: true},
		&cli.BoolFlag{Name: "new-id", Usage: "send with a Webhook-Id that no handler has seen", DisableDefaultText: true},
	)
}

// bodyFlags change bodies; trigger has them too.
func bodyFlags() []cli.Flag {
	var words []editWord // of --set and --unset, in the order of the command line
	return []cli.Flag{
		&cli.GenericFlag{Name: "set", Usage: "send with `PATH=VALUE` in the body: discussion.status=merged, updatedRefs.0.newSha=null; may be repeated", Value: &editWords{all: &words}},
		&cli.GenericFlag{Name: "unset", Usage: "send without `PATH` in the body; may be repeated", Value: &editWords{all: &words, unset: true}},
		&cli.StringFlag{Name: "patch", Usage: "change the body by the JSON Patch or merge patch in `FILE`, before --set and --unset; - is stdin", TakesFile: true},
	}
}

// editWord is the value of a --set or --unset.
type editWord struct {
	text  string
	unset bool
}

// editWords takes the values of one of the two flags down, among those of both.
type editWords struct {
	all   *[]editWord
	unset bool
}

func (w *editWords) Set(text string) error {
	*w.all = append(*w.all, editWord{text, w.unset})
	return nil
}

func (w *editWords) String() string { return "" }

// Get makes it a flag.Getter, which urfave/cli takes every value for.
func (w *editWords) Get() any { return "" }

// edits are the flags of editFlags and --header.
type edits struct {
	c      *cli.Context
	body   edit.Edits // for one delivery: there has to be what is taken away
	many   edit.Edits // for several: it need not
	header http.Header
	edit   bool
	raw    bool
	newID  bool

	one bool // one delivery is sent
}

// editsOf reads the flags.
func editsOf(c *cli.Context) (*edits, error) {
	header, err := headersOf(c)
	if err != nil {
		return nil, err
	}
	if !typed(c, "header") && !typed(c, "H") {
		header = nil // from a settings file, it is as it is for hfhook dev
	}
	e := &edits{c: c, header: header, edit: c.Bool("edit"), raw: c.Bool("raw"), newID: c.Bool("new-id")}
	if e.raw && !e.edit {
		return nil, usage("--raw needs --edit", "hfhook replay --edit --raw last")
	}
	e.body, e.many, err = bodyEditsOf(c)
	return e, err
}

// bodyEditsOf reads bodyFlags: edits of one body, and those of several, in which
// what is taken away need not be there. A file is read, once.
func bodyEditsOf(c *cli.Context) (one, many edit.Edits, err error) {
	if name := c.String("patch"); name != "" {
		p, err := readPatch(c, name)
		if err != nil {
			return nil, nil, err
		}
		one, many = append(one, p), append(many, p)
	}
	for _, w := range *c.Generic("set").(*editWords).all {
		strict, lenient, err := w.parse()
		if err != nil {
			return nil, nil, err
		}
		one, many = append(one, strict), append(many, lenient)
	}
	return one, many, nil
}

func (w editWord) parse() (strict, lenient edit.Edit, err error) {
	flag := "--set "
	if w.unset {
		flag = "--unset "
		strict, err = edit.Unset(w.text)
		if err == nil {
			lenient, err = edit.UnsetIfThere(w.text)
		}
	} else {
		strict, err = edit.ParseSet(w.text)
		lenient = strict
	}
	return strict, lenient, editProblem(flag, err)
}

// editProblem gives an error of package edit its hint. It may be nil.
func editProblem(before string, err error) error {
	if err == nil {
		return nil
	}
	hint := ""
	if e, ok := errors.AsType[*edit.Error](err); ok {
		hint = e.Hint
	}
	return &problem{exitUsage, hint, fmt.Errorf("%s%w", before, err)}
}

func readPatch(c *cli.Context, name string) (edit.Edit, error) {
	in := c.App.Reader
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return edit.Edit{}, failed(fmt.Errorf("read the patch: %w", err), "")
		}
		defer f.Close()
		in = f
	} else if c.Bool("edit") {
		return edit.Edit{}, usage("--patch - and --edit exclude each other", "the editor needs the keyboard: put the patch into a file")
	}
	document, err := io.ReadAll(io.LimitReader(in, edit.MaxSize+1))
	if err != nil {
		return edit.Edit{}, failed(fmt.Errorf("read the patch: %w", err), "")
	}
	p, err := edit.Patch(document)
	return p, editProblem("--patch "+name+": ", err)
}

// any reports whether something is edited.
func (e *edits) any() bool { return len(e.body)+len(e.header) > 0 || e.edit || e.newID }

// expect tells whether one delivery is sent, or several.
func (e *edits) expect(n int) error {
	e.one = n == 1
	if n > 1 && e.edit {
		return usage("--edit is for one delivery", "--set, --unset and --patch change several")
	}
	return nil
}

// apply gives what is sent in place of d, nil for d as it is kept. Values of
// --header that may be secret are not in it: the target has them.
func (e *edits) apply(d *replay.Delivery) (*replay.Sent, error) {
	if !e.any() {
		return nil, nil
	}
	body, err := e.applyBody(d)
	if err != nil {
		return nil, err
	}
	header := e.applyHeader(d)
	if !bytes.Equal(body, d.Body) && len(header["Content-Length"]) > 0 {
		header["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	if bytes.Equal(body, d.Body) && maps.EqualFunc(header, d.Header, slices.Equal) {
		return nil, nil
	}
	return &replay.Sent{Header: header, Body: body}, nil
}

func (e *edits) applyBody(d *replay.Delivery) ([]byte, error) {
	body := d.Body
	if int64(len(body)) < d.BodySize && (len(e.body) > 0 || e.edit) {
		return nil, failed(fmt.Errorf("of the body of delivery %d only the beginning is kept", d.ID), "")
	}
	list := e.many
	if e.one {
		list = e.body
	}
	if len(list) > 0 {
		edited, err := list.Apply(body)
		if errors.Is(err, edit.ErrNotJSON) {
			return nil, failed(fmt.Errorf("delivery %d: %w", d.ID, err), fmt.Sprintf("hfhook replay --edit --raw %d edits it as text", d.ID))
		}
		if err != nil {
			return nil, editProblem(fmt.Sprintf("delivery %d: ", d.ID), err)
		}
		body = edited
	}
	if e.edit {
		edited, err := editBody(e.c, d.ID, body, e.raw)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(edited, body) {
			fmt.Fprintln(e.c.App.ErrWriter, "the body came back from the editor as it was")
		}
		body = edited
	}
	return body, nil
}

// notKept stands for a value of --header that may be a secret.
const notKept = "[not kept]"

func (e *edits) applyHeader(d *replay.Delivery) http.Header {
	header := d.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if e.newID {
		header.Set(replay.HeaderWebhookID, rand.Text())
	}
	for name, values := range e.header {
		if len(values) == 0 {
			header.Del(name)
			continue
		}
		if maySecret(name) {
			values = []string{notKept}
		}
		header[name] = values
	}
	return header
}

// maySecret reports whether a header's value may be a secret, by its name.
func maySecret(header string) bool {
	name := strings.ToLower(header)
	return slices.ContainsFunc([]string{"auth", "cookie", "key", "password", "secret", "session", "signature", "token"},
		func(word string) bool { return strings.Contains(name, word) })
}

// text says in a few words what is edited.
func (e *edits) text() string {
	var words []string
	for _, one := range e.body {
		words = append(words, one.String())
	}
	for _, name := range slices.Sorted(maps.Keys(e.header)) {
		if len(e.header[name]) == 0 {
			words = append(words, name+" taken away")
			continue
		}
		words = append(words, "header "+name)
	}
	if e.newID {
		words = append(words, "a new Webhook-Id")
	}
	if e.edit {
		words = append(words, "the body in the editor")
	}
	return strings.Join(words, ", ")
}
