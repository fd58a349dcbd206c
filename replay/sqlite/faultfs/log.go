package faultfs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Kind is what a Record says.
type Kind byte

const (
	Found       Kind = iota + 1 // a file that was there, with all its content
	Created                     // a new name in a folder
	Deleted                     // a name that is gone
	Wrote                       // Data at Off
	Cut                         // down, or up, to Off bytes
	SyncBegin                   // of what was written to the file before this
	Synced                      // the one that this handle began
	SyncFailed                  // likewise
	NamesBegin                  // a sync of the file's folder
	NamesSynced                 // likewise
	Marked                      // Path is what the caller said
)

// Record is one thing that happened to a file. What was written is noted after
// it is done: what a log claims to be durable is so.
type Record struct {
	Kind   Kind
	Path   string
	Handle uintptr
	Off    int64
	Data   []byte
}

// Log is what happened, in order. It lies in a file, where it outlives the
// process that writes it, and others can read it and put marks into it.
type Log struct {
	mu   sync.Mutex
	file *os.File
	err  error
}

// OpenLog opens the log at path, and makes it when there is none.
func OpenLog(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &Log{file: f}, nil
}

// Mark puts something of the caller's between what has happened and what is to
// come.
func (l *Log) Mark(text string) { l.add(Record{Kind: Marked, Path: text}) }

// Close tells also whether all was noted.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.file.Close(); l.err == nil {
		l.err = err
	}
	return l.err
}

// add writes with one call, so that nothing of another process comes in
// between.
func (l *Log) add(r Record) {
	b := binary.LittleEndian.AppendUint32(nil, 0)
	b = append(b, byte(r.Kind))
	b = binary.AppendUvarint(b, uint64(r.Handle))
	b = binary.AppendUvarint(b, uint64(r.Off))
	b = binary.AppendUvarint(b, uint64(len(r.Path)))
	b = append(append(b, r.Path...), r.Data...)
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.file.Write(b); l.err == nil {
		l.err = err
	}
}

// ReadLog gives what is in the log at path. A last record that is not whole,
// as a killed process leaves it, is left out.
func ReadLog(path string) (records []Record, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for len(b) >= 4 {
		n := int(binary.LittleEndian.Uint32(b))
		if len(b) < 4+n {
			break
		}
		one := b[4 : 4+n]
		b = b[4+n:]
		r := Record{Kind: Kind(one[0])}
		rest := bytes.NewReader(one[1:])
		handle, err1 := binary.ReadUvarint(rest)
		off, err2 := binary.ReadUvarint(rest)
		size, err3 := binary.ReadUvarint(rest)
		if err1 != nil || err2 != nil || err3 != nil || size > uint64(rest.Len()) {
			return nil, fmt.Errorf("faultfs: damaged log %s", path)
		}
		tail := one[n-rest.Len():]
		r.Handle, r.Off, r.Path, r.Data = uintptr(handle), int64(off), string(tail[:size]), tail[size:]
		records = append(records, r)
	}
	return records, nil
}

func endsWith(path, file string) bool {
	return file == "" || strings.HasSuffix(filepath.Base(path), file)
}
