package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/compare"
)

// compareFlags say what an answer is compared with.
func compareFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "compare", Usage: "compare each answer with the one before, of the same target", DisableDefaultText: true},
		&cli.StringFlag{Name: "compare-to", Usage: "send the same to `URL` too, and compare with its answer"},
		&cli.StringFlag{Name: "golden", Usage: "compare with the answers that are expected in `FILE`", TakesFile: true},
		&cli.BoolFlag{Name: "update-golden", Usage: "write what comes into the file of --golden", DisableDefaultText: true},
		&cli.StringSliceFlag{Name: "ignore", Usage: "do not compare `PATH`: status, headers.x-request-id, body.items.*.id, **.updated_at; may be repeated"},
	}
}

// comparison is the flags of compareFlags, and what came of them. The zero value
// compares nothing.
type comparison struct {
	kind   comparedWith
	ignore compare.Options

	address string // of --compare-to
	target  target
	mu      sync.Mutex // of pairs, which are sent while others come back
	pairs   map[int64]*pair

	file   string // of --golden
	golden *compare.Golden
	update bool

	same, different, without int
	differ                   []int64 // ids of deliveries
	missed                   string  // why the first of those without was not compared
	unexpected               error   // the first that could not be put into the file
}

type comparedWith string

const (
	withNothing comparedWith = ""
	withFormer  comparedWith = "attempt"
	withTarget  comparedWith = "target"
	withGolden  comparedWith = "golden"
)

// pair is what came of one delivery until both answers are there.
type pair struct {
	reference *replay.Attempt
	others    []*replay.Attempt
	left      int
}

// compared is one answer beside another.
type compared struct {
	delivery   *replay.Delivery
	attempt    *replay.Attempt
	other      *replay.Attempt     // nil: from a file, or there is none
	difference *compare.Difference // nil: there is nothing to compare with
	with       string              // what the other one is, in words
}

// comparisonOf reads the flags, and the file of --golden.
func comparisonOf(c *cli.Context) (*comparison, error) {
	k := &comparison{address: c.String("compare-to"), file: c.String("golden"), update: c.Bool("update-golden"), pairs: map[int64]*pair{}}
	var given []string
	for kind, isGiven := range map[string]bool{"--compare": c.Bool("compare"), "--compare-to": k.address != "", "--golden": k.file != ""} {
		if isGiven {
			given = append(given, kind)
		}
	}
	slices.Sort(given)
	paths := c.StringSlice("ignore")
	switch {
	case len(given) > 1:
		return nil, usage(given[0]+" and "+given[1]+" exclude each other", "choose one of them")
	case k.update && k.file == "":
		return nil, usage("--update-golden needs --golden", "hfhook replay --golden answers.json --update-golden 1..last")
	case len(paths) > 0 && len(given) == 0:
		return nil, usage("--ignore needs something to compare with", "add --compare, --compare-to URL or --golden FILE")
	case len(given) == 0:
		return k, nil
	}
	k.kind = map[string]comparedWith{"--compare": withFormer, "--compare-to": withTarget, "--golden": withGolden}[given[0]]
	var err error
	if k.ignore.Ignore, err = compare.ParseIgnore(paths...); err != nil {
		return nil, usage("--ignore "+err.Error(), "paths are as they are shown: status, headers.location, body.items.0.id, with * for any step")
	}
	if k.kind == withGolden {
		k.golden, err = readGolden(k.file, k.update)
	}
	return k, err
}

func readGolden(file string, update bool) (*compare.Golden, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && update:
		return &compare.Golden{}, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, failed(fmt.Errorf("there is no file %s yet", file), "--update-golden writes the answers that come into it")
	case err == nil && !info.Mode().IsRegular():
		return nil, notGolden(file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, failed(fmt.Errorf("read the expected answers: %w", err), "")
	}
	defer f.Close()
	golden, err := compare.ReadGolden(f)
	if err != nil {
		return nil, failed(fmt.Errorf("%s holds no expected answers: %w", file, err), "--golden takes a file that --update-golden has written")
	}
	return golden, nil
}

// notGolden refuses what is no file: opening a pipe would wait, and root would
// lose a device that is replaced.
func notGolden(file string) error {
	return failed(fmt.Errorf("%s is no regular file", file), "--golden takes a file that --update-golden has written")
}

// with gives the targets that d is sent to in place of these.
func (k *comparison) with(d *replay.Delivery, targets []target) ([]target, error) {
	switch {
	case k.kind == withTarget && slices.ContainsFunc(targets, func(t target) bool { return t.Name() == k.target.Name() }):
		return nil, usage("--compare-to is where it is sent anyway", "name the other one: --to http://localhost:3000 --compare-to http://localhost:4000")
	case k.kind == withTarget:
		k.mu.Lock()
		k.pairs[d.ID] = &pair{left: len(targets) + 1}
		k.mu.Unlock()
		return append(slices.Clone(targets), k.target), nil
	case k.update && len(targets) > 1:
		return nil, usage("--update-golden takes the answers of one target", "say of which: --to URL")
	}
	return targets, nil
}

// note takes down an attempt that came back, and gives what can be compared now.
func (k *comparison) note(d *replay.Delivery, a *replay.Attempt) []compared {
	if a.Failure == replay.FailCancelled { // by us, and no answer of the target
		return nil
	}
	var all []compared
	switch k.kind {
	case withFormer:
		all = append(all, k.withFormer(d, a))
	case withTarget:
		all = k.withTarget(d, a)
	case withGolden:
		if k.update {
			if err := k.golden.Expect(d, a); err != nil && k.unexpected == nil {
				k.unexpected = err
			}
			return nil
		}
		all = append(all, k.withGolden(d, a))
	}
	for _, one := range all {
		switch {
		case one.difference == nil:
			k.without++
			k.missed = cmp.Or(k.missed, one.with)
		case one.difference.Same():
			k.same++
		default:
			k.different++
			if len(k.differ) < maxFailures {
				k.differ = append(k.differ, d.ID)
			}
		}
	}
	return all
}

func (k *comparison) withFormer(d *replay.Delivery, a *replay.Attempt) compared {
	one := compared{delivery: d, attempt: a, with: fmt.Sprintf("delivery %d was not sent to %s before", d.ID, a.Target)}
	for i := range slices.Backward(d.Attempts) {
		former := &d.Attempts[i]
		if former.Target != a.Target || former.Failure == replay.FailCancelled || former.ID == a.ID {
			continue
		}
		one.other, one.difference = former, compare.Answers(former, a, k.ignore)
		one.with = "the attempt of " + former.Started.Local().Format(time.DateTime)
		if former.Sent != nil {
			one.with += ", which was edited"
		}
		break
	}
	return one
}

func (k *comparison) withTarget(d *replay.Delivery, a *replay.Attempt) (all []compared) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.pairs[d.ID]
	if p.left--; p.left == 0 {
		delete(k.pairs, d.ID)
	}
	if a.Target == k.target.Name() {
		p.reference = a
	} else {
		p.others = append(p.others, a)
	}
	if p.reference == nil {
		return nil
	}
	for _, other := range p.others {
		all = append(all, compared{d, other, p.reference, compare.Answers(p.reference, other, k.ignore), p.reference.Target})
	}
	p.others = nil
	return all
}

func (k *comparison) withGolden(d *replay.Delivery, a *replay.Attempt) compared {
	one := compared{delivery: d, attempt: a, with: "what " + k.file + " expects"}
	difference, ok := k.golden.Compare(d, a, k.ignore)
	if !ok {
		one.with = fmt.Sprintf("%s expects nothing for delivery %d", k.file, d.ID)
		return one
	}
	one.difference = difference
	return one
}

// judges reports whether the comparison says what is a success: an expected
// answer outside 2xx is one.
func (k *comparison) judges() bool { return k.kind == withGolden }

// result says how it went, when all have come back. It writes the file of
// --update-golden.
func (k *comparison) result() error {
	n := k.same + k.different + k.without
	switch {
	case k.update && k.unexpected != nil:
		return failed(fmt.Errorf("%s is left as it was: %w", k.file, k.unexpected), "is the handler running?")
	case k.update:
		return writeGolden(k.file, k.golden)
	case k.different > 0:
		hint := "--ignore PATH leaves out what may differ"
		if k.kind == withGolden {
			hint += "; --update-golden takes the answers that came for those that are expected"
		}
		return &problem{exitDiffers, hint, fmt.Errorf("%d of %d %s", k.different, n, plural(n, "answer differs", "answers differ"))}
	case k.without > 0 && k.kind == withGolden:
		return &problem{exitDiffers, "--update-golden adds what comes", fmt.Errorf("%d of %d %s cannot be compared: %s", k.without, n, plural(n, "answer", "answers"), k.missed)}
	case k.without > 0:
		return failed(fmt.Errorf("%d of %d %s cannot be compared: %s", k.without, n, plural(n, "answer", "answers"), k.missed),
			"it has been sent now, so that --compare finds an answer next time; --compare-to URL compares two targets")
	}
	return nil
}

// print shows the counts, of many.
func (k *comparison) print(s *screen) {
	if k.same+k.different+k.without == 0 {
		return
	}
	line := s.good(fmt.Sprintf("%d same", k.same))
	if k.different > 0 {
		line += ", " + s.bad(fmt.Sprintf("%d different", k.different)) + ": " + idsText(slices.Compact(slices.Sorted(slices.Values(k.differ))))
	}
	if k.without > 0 {
		line += ", " + s.warn(fmt.Sprintf("%d not compared", k.without))
	}
	s.line("%s %s", s.dim(pad("compared", 8)), line)
}

// writeGolden puts a file in the place of the one that is there, at once.
func writeGolden(file string, golden *compare.Golden) error {
	mode := fs.FileMode(0o644) // it is for the repository
	if there, err := filepath.EvalSymlinks(file); err == nil {
		file = there
		info, err := os.Stat(there)
		if err == nil && !info.Mode().IsRegular() { // since it was read
			return notGolden(file)
		}
		if err == nil {
			mode = info.Mode().Perm()
		}
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return failed(fmt.Errorf("write the expected answers: %w", err), "")
	}
	defer os.Remove(f.Name())
	_, err = golden.WriteTo(plainFile{f})
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return failed(fmt.Errorf("write the expected answers: %w", err), "")
	}
	return nil
}
