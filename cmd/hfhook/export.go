package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/archive"
)

func exportCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "export",
		Usage:     "write deliveries to a file, to keep or to pass on",
		UsageText: "hfhook export [flags] [ID...]",
		Description: "Without an ID: all that match; with IDs: those of them. The formats are ndjson (everything,\n" +
			"one JSON object per line), har (HAR 1.2, for tools that show HTTP traffic), curl (a shell\n" +
			"script that sends them again) and text (one file per delivery, in a folder). Bodies are in\n" +
			"all of them byte for byte, the secret in none. hfhook import reads all of them.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"F"}, Usage: "write `ndjson|har|curl|text`", DefaultText: "by the name of the output, else ndjson"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, for text to a folder", DefaultText: "stdout", TakesFile: true},
			&cli.BoolFlag{Name: "force", Usage: "replace files that are there", DisableDefaultText: true},
			storeFlag(),
		}, filterFlagList(), []cli.Flag{
			&cli.IntFlag{Name: "limit", Aliases: []string{"n"}, Usage: "write the newest `N`; 0 writes all"},
		}),
		Action: export,
	}, -1)
}

func export(c *cli.Context) error {
	format, err := exportFormat(c)
	if err != nil {
		return err
	}
	filter, err := filterOf(c, time.Now())
	switch {
	case err != nil:
		return err
	case c.Int("limit") < 0:
		return usage("--limit is below 0", "0 writes all")
	}
	filter.Limit, filter.Newest = c.Int("limit"), true
	store, err := openStore(c, reading)
	if err != nil {
		return err
	}
	defer store.Close()

	deliveries := store.List(c.Context, filter)
	if c.NArg() > 0 {
		choice, err := chooseNamed(c.Context, store, c.Args().Slice(), filter, filter)
		if err != nil {
			return err
		}
		deliveries = choice.deliveries(c.Context)
	}
	n, err := writeExport(c, format, deliveries)
	if err != nil {
		return err
	}
	if n == 0 {
		fmt.Fprintln(c.App.ErrWriter, "nothing is kept that matches")
	} else if c.String("output") != "" {
		fmt.Fprintf(c.App.ErrWriter, "exported %d %s to %s\n", n, plural(n, "delivery", "deliveries"), c.String("output"))
	}
	return nil
}

func exportFormat(c *cli.Context) (archive.Format, error) {
	if word := c.String("format"); word != "" {
		format, ok := archive.Parse(word)
		if !ok {
			return "", usage(fmt.Sprintf("there is no format %q", word), "formats are ndjson, har, curl and text")
		}
		return format, nil
	}
	output := c.String("output")
	if info, err := os.Stat(output); err == nil && info.IsDir() || strings.HasSuffix(output, "/") || strings.HasSuffix(output, string(filepath.Separator)) {
		return archive.Text, nil
	}
	switch ext := strings.ToLower(filepath.Ext(output)); ext {
	case "", ".ndjson", ".jsonl", ".json":
		return archive.NDJSON, nil
	case ".har":
		return archive.HAR, nil
	case ".sh":
		return archive.Curl, nil
	case ".txt":
		return archive.Text, nil
	default:
		return "", usage(fmt.Sprintf("%s tells no format", output), "choose one: --format ndjson, har, curl or text")
	}
}

func writeExport(c *cli.Context, format archive.Format, deliveries iter.Seq2[*replay.Delivery, error]) (int, error) {
	output, force := c.String("output"), c.Bool("force")
	toFile := output != "" && output != "-"
	switch {
	case format == archive.Text && toFile && !strings.EqualFold(filepath.Ext(output), ".txt"):
		return writeTexts(output, force, deliveries)
	case format == archive.Text:
		write := func(w io.Writer) (int, error) { return writeText(w, deliveries) }
		if toFile {
			return writeFile(output, force, write)
		}
		return write(c.App.Writer)
	case toFile:
		return writeFile(output, force, func(w io.Writer) (int, error) { return archive.Write(w, format, deliveries) })
	}
	return archive.Write(c.App.Writer, format, deliveries)
}

// writeText writes the one delivery that there has to be.
func writeText(w io.Writer, deliveries iter.Seq2[*replay.Delivery, error]) (n int, err error) {
	var text strings.Builder
	for d, err := range deliveries {
		if err != nil {
			return n, err
		}
		if n++; n > 1 {
			return 0, usage("several deliveries in text need a folder", "hfhook export --format text --output FOLDER")
		}
		if err := archive.WriteText(&text, d); err != nil {
			return 0, err
		}
	}
	_, err = io.WriteString(w, text.String())
	return n, err
}

// writeTexts writes a file for each delivery.
func writeTexts(folder string, force bool, deliveries iter.Seq2[*replay.Delivery, error]) (n int, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return 0, failed(fmt.Errorf("make the folder: %w", err), "choose another with --output FOLDER")
	}
	for d, err := range deliveries {
		if err != nil {
			return n, err
		}
		file := filepath.Join(folder, archive.TextName(n+1, d))
		if _, err := writeFile(file, force, func(w io.Writer) (int, error) { return 1, archive.WriteText(w, d) }); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// writeFile writes a file that only the user can read, whole or not at all.
func writeFile(path string, force bool, write func(io.Writer) (int, error)) (n int, err error) {
	switch info, err := os.Lstat(path); {
	case err == nil && !force:
		return 0, failed(fmt.Errorf("%s is there already: %w", path, fs.ErrExist), "choose another --output, or replace it with --force")
	case err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0: // root would lose /dev/null
		return 0, failed(fmt.Errorf("%s is no file that could be replaced", path), "choose another --output; - is stdout")
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".hfhook-*") // 0600
	if err != nil {
		return 0, failed(fmt.Errorf("write %s: %w", path, err), "choose another --output")
	}
	defer os.Remove(f.Name())
	out := bufio.NewWriter(f)
	n, err = write(out)
	if err = cmp.Or(err, out.Flush(), f.Close()); err != nil {
		return n, err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return n, failed(fmt.Errorf("write %s: %w", path, err), "choose another --output")
	}
	return n, nil
}
