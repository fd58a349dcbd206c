package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

const keepHint = "for example --keep 10000,7d,1GiB"

// use says what a command wants of the store.
type use int

const (
	reading   use = iota // look, and add attempts
	receiving            // be the one hfhook dev of this store
	adding               // add deliveries of elsewhere, in a new store too
)

func openStore(c *cli.Context, u use) (*sqlite.Store, error) {
	path, err := storePath(c)
	if err != nil {
		return nil, err
	}
	if c.String("store") == "" {
		if err := makeFolder(filepath.Dir(path)); err != nil {
			return nil, err
		}
		if err := makeFilesOwn(path); err != nil {
			return nil, err
		}
	}
	options := sqlite.Options{}
	switch u {
	case reading:
		if _, err := os.Stat(path); c.String("store") != "" && errors.Is(err, fs.ErrNotExist) {
			return nil, &problem{exitNotFound, "hfhook dev --store makes one", fmt.Errorf("there is no store %s", path)}
		}
	case receiving:
		keep, err := replay.ParseKeep(c.String("keep"))
		if err != nil {
			return nil, usage("--"+err.Error(), keepHint)
		}
		options = sqlite.Options{Exclusive: true, Retain: true, Keep: keep}
	}
	return sqlite.Open(c.Context, path, options)
}

// storeHint says what to do about an error of the store.
func storeHint(err error) (string, bool) {
	switch {
	case errors.Is(err, sqlite.ErrNotDatabase):
		return "the file is left as it is; name another with --store FILE", true
	case errors.Is(err, sqlite.ErrDamaged):
		return "move the file away, and a new one is made; the program sqlite3 may save what is in it with .recover", true
	case errors.Is(err, sqlite.ErrNotRegular):
		return "name the file itself with --store FILE", true
	case errors.Is(err, sqlite.ErrSecondName):
		return "make it a file of its own: copy it, and name the copy with --store FILE", true
	case errors.Is(err, sqlite.ErrFull):
		return "make some room on the disk", true
	case errors.Is(err, sqlite.ErrNewerSchema):
		return "a newer hfhook wrote it; update hfhook, or name another file with --store FILE", true
	case errors.Is(err, sqlite.ErrInUse):
		return "end the other hfhook dev, or keep a store of your own with --store FILE", true
	case errors.Is(err, sqlite.ErrLocked):
		return "another program holds the file; close it, or name another file with --store FILE", true
	case errors.Is(err, fs.ErrPermission), errors.Is(err, sqlite.ErrReadOnly):
		return "make the file and its folder writable, or name another file with --store FILE", true
	}
	return "", false
}
