package faultfs

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// The file that SQLite sees is one of ours, and the system's follows it in
// memory.
type cFile struct {
	methods uintptr
	id      uintptr
}

const realAt = unsafe.Sizeof(cFile{})

// handle is one open file.
type handle struct {
	id   uintptr
	path string // "" for a temporary file
	// namesAfter: the first sync of it makes the names in its folder durable.
	namesAfter bool
	// owed: another handle's sync has failed, and this one is still to be told.
	owed bool
}

// durable tells whether what is in the file has to outlive the power.
func (h *handle) durable() bool { return h.path != "" && !strings.HasSuffix(h.path, "-shm") }

type handles struct {
	open sync.Mutex
	last uintptr
	byID map[uintptr]*handle
}

func (s *handles) enter(h *handle) {
	s.open.Lock()
	defer s.open.Unlock()
	s.last++
	h.id = s.last
	s.byID[h.id] = h
}

func (s *handles) leave(h *handle) {
	s.open.Lock()
	defer s.open.Unlock()
	delete(s.byID, h.id)
}

// owe tells the other handles of a file that a sync of it has failed.
func (s *handles) owe(by *handle) {
	s.open.Lock()
	defer s.open.Unlock()
	for _, h := range s.byID {
		if h != by && h.path == by.path {
			h.owed = true
		}
	}
}

func (s *handles) owes(h *handle) bool {
	s.open.Lock()
	defer s.open.Unlock()
	owed := h.owed
	h.owed = false
	return owed
}

func (s *handles) forgive() {
	s.open.Lock()
	defer s.open.Unlock()
	for _, h := range s.byID {
		h.owed = false
	}
}

// at is the T that SQLite has at an address. No address of Go's memory comes
// here.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// from is the Go function behind one of SQLite's function pointers, and to is
// the way back.
func from[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{p})) }
func to[F any](f F) uintptr   { return *(*uintptr)(unsafe.Pointer(&f)) }

func memory(p uintptr, n int32) []byte { return unsafe.Slice(at[byte](p), n) }

// installed is the one FS, for the functions that SQLite calls.
var installed *FS

// Functions that SQLite calls, as it declares them.
type (
	openFunc     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	deleteFunc   = func(tls *libc.TLS, vfs, name uintptr, sync int32) int32
	closeFunc    = func(tls *libc.TLS, file uintptr) int32
	transferFunc = func(tls *libc.TLS, file, buf uintptr, n int32, off int64) int32
	truncateFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	numberFunc   = func(tls *libc.TLS, file uintptr, n int32) int32
	resultFunc   = func(tls *libc.TLS, file, result uintptr) int32
	controlFunc  = func(tls *libc.TLS, file uintptr, op int32, arg uintptr) int32
	shmMapFunc   = func(tls *libc.TLS, file uintptr, page, size, extend int32, result uintptr) int32
	shmLockFunc  = func(tls *libc.TLS, file uintptr, off, n, flags int32) int32
	barrierFunc  = func(tls *libc.TLS, file uintptr)
	fetchFunc    = func(tls *libc.TLS, file uintptr, off int64, n int32, result uintptr) int32
	unfetchFunc  = func(tls *libc.TLS, file uintptr, off int64, p uintptr) int32
)

func (f *FS) register(tls *libc.TLS) error {
	installed = f
	name, err := libc.CString("faultfs")
	if err != nil {
		return err
	}
	size := unsafe.Sizeof(lib.Tsqlite3_vfs{})
	vfs := libc.Xcalloc(tls, 1, libc.Tsize_t(size))
	methods := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(lib.Tsqlite3_io_methods{})))
	if vfs == 0 || methods == 0 {
		return fmt.Errorf("faultfs: out of memory")
	}
	f.methods = methods
	v := at[lib.Tsqlite3_vfs](vfs)
	*v = *at[lib.Tsqlite3_vfs](f.real)
	v.FpNext, v.FzName = 0, name
	v.FszOsFile += int32(realAt)
	v.FxOpen, v.FxDelete = to[openFunc](vfsOpen), to[deleteFunc](vfsDelete)

	*at[lib.Tsqlite3_io_methods](methods) = lib.Tsqlite3_io_methods{
		FiVersion:               3,
		FxClose:                 to[closeFunc](fileClose),
		FxRead:                  to[transferFunc](fileRead),
		FxWrite:                 to[transferFunc](fileWrite),
		FxTruncate:              to[truncateFunc](fileTruncate),
		FxSync:                  to[numberFunc](fileSync),
		FxFileSize:              to[resultFunc](fileSize),
		FxLock:                  to[numberFunc](fileLock),
		FxUnlock:                to[numberFunc](fileUnlock),
		FxCheckReservedLock:     to[resultFunc](fileReserved),
		FxFileControl:           to[controlFunc](fileControl),
		FxSectorSize:            to[closeFunc](fileSectorSize),
		FxDeviceCharacteristics: to[closeFunc](fileCharacteristics),
		FxShmMap:                to[shmMapFunc](shmMap),
		FxShmLock:               to[shmLockFunc](shmLock),
		FxShmBarrier:            to[barrierFunc](shmBarrier),
		FxShmUnmap:              to[numberFunc](shmUnmap),
		FxFetch:                 to[fetchFunc](fileFetch),
		FxUnfetch:               to[unfetchFunc](fileUnfetch),
	}
	if rc := lib.Xsqlite3_vfs_register(tls, vfs, 1); rc != lib.SQLITE_OK {
		return fmt.Errorf("faultfs: register: %d", rc)
	}
	return nil
}

func realVFS() *lib.Tsqlite3_vfs { return at[lib.Tsqlite3_vfs](installed.real) }

// under gives the system's file below ours, its methods, and what is known of it.
func under(file uintptr) (real uintptr, m *lib.Tsqlite3_io_methods, h *handle) {
	real = file + realAt
	installed.open.Lock()
	h = installed.byID[at[cFile](file).id]
	installed.open.Unlock()
	return real, at[lib.Tsqlite3_io_methods](at[lib.Tsqlite3_file](real).FpMethods), h
}

func vfsOpen(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
	f, path := installed, ""
	if name != 0 {
		path = libc.GoString(name)
	}
	ours := at[cFile](file)
	*ours = cFile{}
	at[lib.Tsqlite3_file](file + realAt).FpMethods = 0
	if f.fails(Open, path) != "" {
		return lib.SQLITE_CANTOPEN
	}
	there := path == "" || exists(path)
	rc := from[openFunc](realVFS().FxOpen)(tls, f.real, name, file+realAt, flags, out)
	if at[lib.Tsqlite3_file](file+realAt).FpMethods == 0 {
		return rc
	}
	h := &handle{path: path}
	const synced = lib.SQLITE_OPEN_WAL | lib.SQLITE_OPEN_MAIN_JOURNAL | lib.SQLITE_OPEN_SUPER_JOURNAL
	h.namesAfter = flags&lib.SQLITE_OPEN_CREATE != 0 && flags&synced != 0
	f.enter(h)
	ours.methods, ours.id = f.methods, h.id
	if rc == lib.SQLITE_OK && h.durable() && flags&lib.SQLITE_OPEN_DELETEONCLOSE == 0 {
		switch on, known := f.notes(path); {
		case !on:
		case !there:
			f.note(Record{Kind: Created, Path: path})
		case !known:
			f.note(Record{Kind: Found, Path: path, Data: content(tls, file+realAt)})
		}
	}
	return rc
}

// exists is not asked of SQLite, to which an empty file is none.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// content reads a file whole, through the handle that is open: opening it once
// more and closing that would drop this process's locks.
func content(tls *libc.TLS, real uintptr) []byte {
	m := at[lib.Tsqlite3_io_methods](at[lib.Tsqlite3_file](real).FpMethods)
	size := tls.Alloc(8)
	defer tls.Free(8)
	if from[resultFunc](m.FxFileSize)(tls, real, size) != lib.SQLITE_OK {
		panic("faultfs: no size")
	}
	n := int32(*at[int64](size))
	if n == 0 {
		return nil
	}
	buf := libc.Xmalloc(tls, libc.Tsize_t(n))
	defer libc.Xfree(tls, buf)
	if rc := from[transferFunc](m.FxRead)(tls, real, buf, n, 0); rc != lib.SQLITE_OK {
		panic(fmt.Sprintf("faultfs: read: %d", rc))
	}
	return append([]byte(nil), memory(buf, n)...)
}

func vfsDelete(tls *libc.TLS, _, name uintptr, sync int32) int32 {
	f, path := installed, libc.GoString(name)
	if f.fails(Delete, path) != "" {
		return lib.SQLITE_IOERR_DELETE
	}
	// Before it is done: then a loss right after this may have it or not.
	f.note(Record{Kind: Deleted, Path: path})
	if sync != 0 {
		f.note(Record{Kind: NamesBegin, Path: path})
	}
	rc := from[deleteFunc](realVFS().FxDelete)(tls, f.real, name, sync)
	if sync != 0 && rc == lib.SQLITE_OK {
		f.note(Record{Kind: NamesSynced, Path: path})
	}
	return rc
}

func fileClose(tls *libc.TLS, file uintptr) int32 {
	real, m, h := under(file)
	rc := from[closeFunc](m.FxClose)(tls, real)
	installed.leave(h)
	*at[cFile](file) = cFile{}
	return rc
}

func fileRead(tls *libc.TLS, file, buf uintptr, n int32, off int64) int32 {
	real, m, h := under(file)
	if installed.fails(Read, h.path) != "" {
		return lib.SQLITE_IOERR_READ
	}
	return from[transferFunc](m.FxRead)(tls, real, buf, n, off)
}

func fileWrite(tls *libc.TLS, file, buf uintptr, n int32, off int64) int32 {
	real, m, h := under(file)
	way := installed.fails(Write, h.path)
	switch way {
	case EIO:
		return lib.SQLITE_IOERR_WRITE
	case Full:
		return lib.SQLITE_FULL
	case Short:
		n /= 2
	}
	if n == 0 {
		return lib.SQLITE_FULL
	}
	rc := from[transferFunc](m.FxWrite)(tls, real, buf, n, off)
	if h.durable() && rc == lib.SQLITE_OK {
		installed.note(Record{Kind: Wrote, Path: h.path, Off: off, Data: memory(buf, n)})
	}
	if way == Short && rc == lib.SQLITE_OK {
		return lib.SQLITE_FULL
	}
	return rc
}

func fileTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	real, m, h := under(file)
	if installed.fails(Truncate, h.path) != "" {
		return lib.SQLITE_IOERR_TRUNCATE
	}
	rc := from[truncateFunc](m.FxTruncate)(tls, real, size)
	if h.durable() && rc == lib.SQLITE_OK {
		installed.note(Record{Kind: Cut, Path: h.path, Off: size})
	}
	return rc
}

func fileSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	real, m, h := under(file)
	f := installed
	failed := f.fails(Sync, h.path) != ""
	if h.durable() {
		f.note(Record{Kind: SyncBegin, Path: h.path, Handle: h.id})
		if h.namesAfter && !failed {
			f.note(Record{Kind: NamesBegin, Path: h.path})
		}
	}
	if failed {
		f.owe(h)
		f.note(Record{Kind: SyncFailed, Path: h.path, Handle: h.id})
		return lib.SQLITE_IOERR_FSYNC
	}
	rc := int32(lib.SQLITE_OK)
	if !f.quick.Load() {
		rc = from[numberFunc](m.FxSync)(tls, real, flags)
	}
	if rc == lib.SQLITE_OK && h.durable() {
		f.note(Record{Kind: Synced, Path: h.path, Handle: h.id})
		if h.namesAfter {
			h.namesAfter = false
			f.note(Record{Kind: NamesSynced, Path: h.path})
		}
	}
	if f.owes(h) && rc == lib.SQLITE_OK { // only now: it may have failed meanwhile
		return lib.SQLITE_IOERR_FSYNC
	}
	return rc
}

func shmMap(tls *libc.TLS, file uintptr, page, size, extend int32, result uintptr) int32 {
	real, m, h := under(file)
	if installed.fails(ShmMap, h.path) != "" {
		*at[uintptr](result) = 0
		return lib.SQLITE_IOERR_SHMMAP
	}
	return from[shmMapFunc](m.FxShmMap)(tls, real, page, size, extend, result)
}
