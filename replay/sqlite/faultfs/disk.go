package faultfs

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Loss is what a power loss does to that which was written, but not synced.
type Loss int

const (
	LoseAll     Loss = iota // all of it is gone
	LoseNothing             // all of it is there
	LoseSome                // each write is there or not
	LoseSectors             // each sector of each write is there or not
	LoseToNoise             // likewise, and where the file has grown is anything
)

// Losses are all of them.
var Losses = []Loss{LoseAll, LoseNothing, LoseSome, LoseSectors, LoseToNoise}

func (l Loss) String() string {
	return [...]string{"lose all", "lose nothing", "lose some", "lose sectors", "lose to noise"}[l]
}

// sector is what a disk writes whole or not at all.
const sector = 512

// Disk is what a log makes of the files it is about: what is safe, and what
// could be lost.
type Disk struct {
	rng   *rand.Rand
	now   map[string]*inode // as a process sees the names
	safe  map[string]*inode // as they are after the power was lost
	names []naming          // not safe yet, in order
	begun map[string]int    // namings before the last NamesBegin of a folder
	clock int
}

// naming is a name that was given, or with a nil inode taken away.
type naming struct {
	path string
	file *inode
	at   int
}

type inode struct {
	safe    []byte
	pending []change
	begun   map[uintptr]int // by handle
}

// change is a write, or with nil data a cut.
type change struct {
	off  int64
	data []byte
	cut  bool
	at   int
}

// NewDisk gives one as it was before the records. What a failed sync will have
// dropped is chosen by seed.
func NewDisk(seed uint64, records []Record) *Disk {
	d := &Disk{rng: rand.New(rand.NewPCG(seed, 1)), now: map[string]*inode{}, safe: map[string]*inode{}, begun: map[string]int{}}
	made := map[string]bool{}
	for _, r := range records {
		switch {
		case r.Kind == Created:
			made[r.Path] = true
		case r.Kind == Found && !made[r.Path]:
			d.now[r.Path] = &inode{safe: slices.Clone(r.Data), begun: map[uintptr]int{}}
			d.safe[r.Path] = d.now[r.Path]
			made[r.Path] = true
		}
	}
	return d
}

// Apply lets happen what a record says. They come in order, none is left out.
func (d *Disk) Apply(r Record) {
	d.clock++
	f := d.now[r.Path]
	switch r.Kind {
	case Created:
		f = &inode{begun: map[uintptr]int{}}
		d.now[r.Path] = f
		d.names = append(d.names, naming{r.Path, f, d.clock})
	case Deleted:
		delete(d.now, r.Path)
		d.names = append(d.names, naming{r.Path, nil, d.clock})
	case NamesBegin:
		d.begun[filepath.Dir(r.Path)] = d.clock
	case NamesSynced:
		d.nameSync(filepath.Dir(r.Path))
	}
	if f == nil {
		return // of a file that is deleted
	}
	switch r.Kind {
	case Wrote:
		f.pending = append(f.pending, change{off: r.Off, data: r.Data, at: d.clock})
	case Cut:
		f.pending = append(f.pending, change{off: r.Off, cut: true, at: d.clock})
	case SyncBegin:
		f.begun[r.Handle] = d.clock
	case Synced:
		f.settle(f.begun[r.Handle], func(change) bool { return true })
	case SyncFailed:
		// What it was to write counts as clean from now on. The worst is that
		// none of it is on the disk.
		worst := d.rng.IntN(2) == 0
		f.settle(f.begun[r.Handle], func(c change) bool { return c.cut || !worst && d.rng.IntN(2) == 0 })
	}
}

// settle makes safe, or forgets, what was written before a moment.
func (f *inode) settle(before int, kept func(change) bool) {
	f.pending = slices.DeleteFunc(f.pending, func(c change) bool {
		if c.at > before {
			return false
		}
		if kept(c) {
			f.safe = c.apply(f.safe)
		}
		return true
	})
}

func (c change) apply(b []byte) []byte {
	end := c.off + int64(len(c.data))
	switch {
	case c.cut && int64(len(b)) > c.off:
		return b[:c.off]
	case int64(len(b)) < end:
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	copy(b[c.off:], c.data)
	return b
}

// nameSync makes names in a folder safe.
func (d *Disk) nameSync(folder string) {
	d.names = slices.DeleteFunc(d.names, func(n naming) bool {
		if n.at > d.begun[folder] || filepath.Dir(n.path) != folder {
			return false
		}
		n.settle(d.safe)
		return true
	})
}

func (n naming) settle(names map[string]*inode) {
	if n.file == nil {
		delete(names, n.path)
	} else {
		names[n.path] = n.file
	}
}

// Pending is how many changes a power loss now could undo.
func (d *Disk) Pending() (n int) {
	for _, f := range d.now {
		n += len(f.pending)
	}
	return n + len(d.names)
}

// PowerLoss gives the files that a power loss now may leave, by their paths.
// The disk itself goes on as it was.
func (d *Disk) PowerLoss(loss Loss, rng *rand.Rand) map[string][]byte {
	names := maps.Clone(d.safe)
	until := map[string]bool{} // the names of which the rest is lost
	for _, n := range d.names {
		switch {
		case loss == LoseAll || until[n.path]:
		case loss != LoseNothing && rng.IntN(2) == 0:
			until[n.path] = true
		default:
			n.settle(names)
		}
	}
	files := map[string][]byte{}
	for _, path := range slices.Sorted(maps.Keys(names)) {
		files[path] = names[path].after(loss, rng)
	}
	return files
}

func (f *inode) after(loss Loss, rng *rand.Rand) []byte {
	b := slices.Clone(f.safe)
	for _, c := range f.pending {
		whole := c.cut || loss == LoseNothing || loss == LoseSome
		switch {
		case loss == LoseAll || whole && loss != LoseNothing && rng.IntN(2) == 0:
			continue
		case whole:
			b = c.apply(b)
			continue
		}
		for data, off := c.data, c.off; len(data) > 0; {
			n := min(int64(len(data)), sector-off%sector)
			piece := change{off: off, data: data[:n]}
			switch {
			case rng.IntN(2) == 0:
				b = piece.apply(b)
			case loss == LoseToNoise && off >= int64(len(b)):
				piece.data = make([]byte, n)
				for i := range piece.data {
					piece.data[i] = byte(rng.Uint32())
				}
				b = piece.apply(b)
			}
			data, off = data[n:], off+n
		}
	}
	return b
}

// WriteFiles puts files as PowerLoss gives them into a folder, under the last
// part of their names.
func WriteFiles(folder string, files map[string][]byte) error {
	for path, b := range files {
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(path)), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
