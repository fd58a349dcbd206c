package registration

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Diary is a disk that writes down what is done to it, so that it can be told
// what is there after the power was cut, or that fails.
type Diary struct {
	// StopAt is the operation that fails, counted from 0.
	StopAt int

	// Once says that those after it do not. Otherwise the computer is off.
	Once bool

	// Err is how it fails. Default: an input/output error.
	Err error

	// Early says that the computer is off as soon as the one before is done;
	// otherwise what was done at the Hub until then is done.
	Early bool

	real realDisk
	mu   sync.Mutex
	step int
	done []deed
	next int // inode
}

// deed is an operation that was done.
type deed struct {
	what     string // "create", "write", "sync", "rename", "remove", "mkdir", "syncdir"
	path, to string
	inode    int
	data     []byte
}

// Loss is what of that which was not synced is gone.
type Loss string

// Losses are all of them. Whatever was synced stays in each.
var Losses = []Loss{"nothing", "everything", "contents", "torn contents", "names", "anything"}

var errOff = errors.New("input/output error")

// On makes r change its files there.
func (d *Diary) On(r *Registry) *Registry {
	r.folder.disk = d
	return r
}

// Off reports whether the computer is.
func (d *Diary) Off() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.Once && (d.step > d.StopAt || d.Early && d.step == d.StopAt)
}

// Reached reports whether the operation that fails was asked for.
func (d *Diary) Reached() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.step > d.StopAt
}

func (d *Diary) do(what deed, f func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.step
	d.step++
	if at == d.StopAt || at > d.StopAt && !d.Once {
		return &os.PathError{Op: what.what, Path: what.path, Err: cmp.Or(d.Err, errOff)}
	}
	err := f()
	if err == nil {
		d.done = append(d.done, what)
	}
	return err
}

func (d *Diary) create(path string) (f file, err error) {
	d.mu.Lock()
	d.next++
	inode := d.next
	d.mu.Unlock()
	err = d.do(deed{what: "create", path: path, inode: inode}, func() error {
		f, err = d.real.create(path)
		return err
	})
	return &diaryFile{f, d, inode}, err
}

type diaryFile struct {
	file
	d     *Diary
	inode int
}

func (f *diaryFile) Write(b []byte) (n int, err error) {
	err = f.d.do(deed{what: "write", inode: f.inode, data: b}, func() error {
		n, err = f.file.Write(b)
		return err
	})
	return n, err
}

func (f *diaryFile) Sync() error {
	return f.d.do(deed{what: "sync", inode: f.inode}, func() error { return nil })
}

func (d *Diary) rename(from, to string) error {
	return d.do(deed{what: "rename", path: from, to: to}, func() error { return d.real.rename(from, to) })
}

func (d *Diary) remove(path string) error {
	return d.do(deed{what: "remove", path: path}, func() error { return d.real.remove(path) })
}

func (d *Diary) mkdir(path string) error {
	return d.do(deed{what: "mkdir", path: path}, func() error { return d.real.mkdir(path) })
}

func (d *Diary) syncDir(path string) error {
	return d.do(deed{what: "syncdir", path: path}, func() error { return nil })
}

// OffLater is for a session after the one whose operation failed: the power is
// cut before its nth operation.
func (d *Diary) OffLater(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.StopAt, d.Once = d.step+n, false
}

// LayOut makes of folder, which was not there at the beginning, what the loss
// of power leaves of it.
func (d *Diary) LayOut(folder string, loss Loss, luck *rand.Rand) error {
	type content struct{ synced, all []byte }
	contents := map[int]*content{}
	names, folders := map[string]int{}, map[string]bool{}
	var made []string // folders, those above first
	var pending []deed
	apply := func(x deed) {
		switch x.what {
		case "create":
			names[x.path] = x.inode
		case "remove":
			delete(names, x.path)
		case "rename":
			names[x.to] = x.inode
			delete(names, x.path)
		case "mkdir":
			folders[x.path] = true
		}
	}
	inodes := map[string]int{} // of the names as the program sees them
	for _, x := range d.done {
		switch x.what {
		case "create":
			contents[x.inode], inodes[x.path] = new(content), x.inode
		case "write":
			contents[x.inode].all = append(contents[x.inode].all, x.data...)
			continue
		case "sync":
			contents[x.inode].synced = contents[x.inode].all
			continue
		case "rename":
			x.inode = inodes[x.path]
			inodes[x.to] = x.inode
		case "mkdir":
			made = append(made, x.path)
		case "syncdir":
			var others []deed
			for _, p := range pending {
				if filepath.Dir(p.path) == x.path {
					apply(p)
				} else {
					others = append(others, p)
				}
			}
			pending = others
			continue
		}
		pending = append(pending, x)
	}
	for _, p := range pending {
		switch loss {
		case "everything", "names":
		case "anything":
			if luck.IntN(2) == 0 {
				apply(p)
			}
		default:
			apply(p)
		}
	}

	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	there := map[string]bool{} // and so are those above
	for _, path := range made {
		above := filepath.Dir(path)
		if !folders[path] || slices.Contains(made, above) && !there[above] {
			continue
		}
		there[path] = true
		if err := os.Mkdir(path, 0o700); err != nil {
			return err
		}
	}
	for path, inode := range names {
		if !there[filepath.Dir(path)] {
			continue
		}
		c := contents[inode]
		data := c.all
		rest := len(c.all) - len(c.synced)
		switch loss {
		case "everything", "contents":
			data = c.synced
		case "torn contents":
			data = c.all[:len(c.synced)+rest/2]
		case "anything":
			data = c.all[:len(c.synced)+luck.IntN(rest+1)]
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
