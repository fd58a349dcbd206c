package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay/archive"
	"github.com/hfhook/hfhook/replay/sqlite"
)

func importCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "import",
		Usage:     "keep deliveries that a file has",
		UsageText: "hfhook import [flags] FILE...",
		Description: "Reads what hfhook export writes, HAR files and curl commands of other programs, and payloads\n" +
			"that were saved from the activity page of a webhook. A folder stands for the files in it, -\n" +
			"for stdin. What is there already is left out, and nothing is sent anywhere.",
		Flags: []cli.Flag{
			storeFlag(),
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be kept, and keep nothing", DisableDefaultText: true},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per line", EnvVars: []string{"HFHOOK_JSON"}, DisableDefaultText: true},
		},
		Action: importFiles,
	}, -1)
}

// importedRecord says what became of a file.
type importedRecord struct {
	recordHead
	File  string `json:"file"`
	Added int    `json:"added"`
	Known int    `json:"known"`          // were there already
	From  int64  `json:"from,omitempty"` // the first id
	To    int64  `json:"to,omitempty"`   // the last one
	Dry   bool   `json:"dryRun,omitempty"`
}

func importFiles(c *cli.Context) error {
	if c.NArg() == 0 {
		return usage("which file is to be imported?", "hfhook import deliveries.ndjson, or - for stdin")
	}
	files, err := filesOf(c.Args().Slice())
	if err != nil {
		return err
	}
	if err := nobodyReceives(c); err != nil {
		return err
	}
	store, err := openStore(c, adding)
	if err != nil {
		return err
	}
	defer store.Close()
	importer, err := archive.NewImporter(c.Context, store)
	if err != nil {
		return err
	}
	out := newScreen(c.App.Writer, c.Bool("no-color"))
	for _, file := range files {
		r := importedRecord{File: file, Dry: c.Bool("dry-run")}
		err := importFile(c, importer, &r)
		r.recordHead = head("imported", time.Now())
		if err == nil || r.Added > 0 {
			showImported(c, out, &r)
		}
		if err != nil {
			return err
		}
	}
	return out.trouble.err
}

// nobodyReceives refuses a store on which hfhook dev runs: it would take what is
// added for deliveries that arrive.
func nobodyReceives(c *cli.Context) error {
	path, err := storePath(c)
	if err != nil || c.Bool("dry-run") {
		return err
	}
	user, err := sqlite.User(path)
	if err != nil || user == nil {
		return nil // what is wrong with the store is told when it is opened
	}
	return failed(errors.New("hfhook dev runs on this store, and would take what is imported for deliveries that arrive"),
		"end it first, or import into another store: --store FILE")
}

// filesOf gives the files that arguments name, those of a folder by name.
func filesOf(words []string) (files []string, err error) {
	for _, word := range words {
		info, err := os.Stat(word)
		switch {
		case word == "-":
		case errors.Is(err, fs.ErrNotExist):
			return nil, &problem{exitNotFound, "name a file, a folder, or - for stdin", fmt.Errorf("there is no file %s", word)}
		case err != nil:
			return nil, failed(err, "name a file, a folder, or - for stdin")
		case info.IsDir():
			found, err := os.ReadDir(word) // by name
			if err != nil {
				return nil, failed(fmt.Errorf("read the folder: %w", err), "")
			}
			before := len(files)
			for _, entry := range found {
				if entry.Type().IsRegular() && entry.Name()[0] != '.' {
					files = append(files, filepath.Join(word, entry.Name()))
				}
			}
			if len(files) == before {
				return nil, failed(fmt.Errorf("there is no file in %s", word), "")
			}
			continue
		}
		files = append(files, word)
	}
	return files, nil
}

func importFile(c *cli.Context, importer *archive.Importer, r *importedRecord) error {
	in, at := io.Reader(os.Stdin), time.Now()
	if r.File != "-" {
		f, err := os.Open(r.File)
		if err != nil {
			return failed(err, "")
		}
		defer f.Close()
		// A payload tells no time: that of its file makes it the same one when
		// it is imported again.
		if info, err := f.Stat(); err == nil {
			at = info.ModTime()
		}
		in = f
	}
	for d, err := range archive.Read(in) {
		if err == nil {
			err = c.Context.Err()
		}
		if err != nil {
			return importTrouble(r, err)
		}
		archive.SetTime(d, at)
		if importer.Known(d) {
			r.Known++
			continue
		}
		if r.Dry {
			r.Added++
			continue
		}
		id, err := importer.Add(c.Context, d)
		if err != nil {
			return importTrouble(r, err)
		}
		r.Added++
		if r.From == 0 {
			r.From = id
		}
		r.To = id
	}
	return nil
}

// importTrouble says how far it came. What was kept is left out next time.
func importTrouble(r *importedRecord, err error) error {
	_, badFile := errors.AsType[*archive.FormatError](err)
	switch {
	case errors.Is(err, archive.ErrUnknown):
		return &problem{exitUsage, "hfhook export writes files that can be imported", fmt.Errorf("%s is no file of deliveries: %w", r.File, err)}
	case badFile:
		return &problem{exitUsage, "mend it and import the file again: what is there already is left out", fmt.Errorf("%s, %w", r.File, err)}
	case errors.Is(err, context.Canceled):
		return failed(fmt.Errorf("interrupted in %s", r.File), "import it again for the rest: what is there already is left out")
	}
	return fmt.Errorf("%s: %w", r.File, err)
}

func showImported(c *cli.Context, out *screen, r *importedRecord) {
	if c.Bool("json") {
		_ = writeRecord(out, r)
		return
	}
	text := fmt.Sprintf("%s: imported %d %s", payload.Printable(r.File), r.Added, plural(r.Added, "delivery", "deliveries"))
	if r.Dry {
		text = fmt.Sprintf("%s: would import %d %s", payload.Printable(r.File), r.Added, plural(r.Added, "delivery", "deliveries"))
	}
	switch {
	case r.From != 0 && r.From == r.To:
		text += fmt.Sprintf(", #%d", r.From)
	case r.From != 0:
		text += fmt.Sprintf(", #%d to #%d", r.From, r.To)
	}
	if r.Known > 0 {
		text += fmt.Sprintf("; %d %s there already", r.Known, plural(r.Known, "was", "were"))
	}
	out.line("%s", text)
}
