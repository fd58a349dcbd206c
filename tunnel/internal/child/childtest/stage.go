// Package childtest makes the test binary the program that a tunnel runs, and
// plays the service behind it: for the tests of child, and for the test
// services of the providers.
package childtest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	patience = 30 * time.Second // bounds every wait of a test for a process
	tick     = time.Millisecond
)

// Stage is where puppets perform: processes of the test binary that do what
// the test says. All methods may be called at the same time.
type Stage struct {
	Dir  string // holds the executable and can be put into PATH
	Path string // of the executable

	t        testing.TB
	listener net.Listener
	wg       sync.WaitGroup
	born     chan *Puppet // grandchildren

	mu      sync.Mutex
	puppets []*Puppet
	extras  []*Puppet // grandchildren too
	news    chan struct{}
	wrongs  []string
}

// Start makes an executable of the given name, until the end of the test. Its
// processes wait for Perform. One that outlives its tunnel is an error of the
// test. TestMain must call Main.
func Start(t testing.TB, name string) *Stage {
	t.Helper()
	if !prepared {
		t.Fatal("childtest: TestMain does not call Main") // the binary would run its tests in place of the puppet, for ever
	}
	s := &Stage{Dir: t.TempDir(), t: t, born: make(chan *Puppet, 1)}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	s.Path = filepath.Join(s.Dir, name)
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err := cmp.Or(err,
		os.WriteFile(filepath.Join(s.Dir, addrFile), []byte(s.listener.Addr().String()), 0o600),
		install(exe, s.Path)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

// Perform runs script for each process.
func (s *Stage) Perform(script func(*Puppet)) {
	s.wg.Go(func() {
		for {
			c, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.meet(c, script) })
		}
	})
}

// install links to, or copies where links are not allowed.
func install(exe, path string) error {
	if os.Symlink(exe, path) == nil {
		return nil
	}
	from, err := os.Open(exe)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

func (s *Stage) close() {
	s.WaitIdle()
	_ = s.listener.Close()
	s.mu.Lock()
	for _, p := range s.extras {
		_ = p.conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	for _, w := range s.Wrongs() {
		s.t.Errorf("childtest: %s", w)
	}
}

// Wrong notes what a caller of the program did wrong: an error of the test,
// unless that takes it with Wrongs.
func (s *Stage) Wrong(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrongs = append(s.wrongs, fmt.Sprintf(format, args...))
}

// Wrongs takes the list of what was done wrong.
func (s *Stage) Wrongs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.wrongs
	s.wrongs = nil
	return w
}

// Puppets are all processes so far, without grandchildren.
func (s *Stage) Puppets() []*Puppet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.puppets)
}

// Await waits for process n, counted from 0.
func (s *Stage) Await(n int) *Puppet {
	s.t.Helper()
	late := time.After(patience)
	for {
		s.mu.Lock()
		if len(s.puppets) > n {
			defer s.mu.Unlock()
			return s.puppets[n]
		}
		if s.news == nil {
			s.news = make(chan struct{})
		}
		news := s.news
		s.mu.Unlock()
		select {
		case <-news:
		case <-late:
			s.t.Fatalf("childtest: process %d was not started", n)
		}
	}
}

// KillAll ends the processes that run, as a crash would, and returns how many.
func (s *Stage) KillAll() (n int) {
	for _, p := range s.Puppets() {
		select {
		case <-p.gone:
		default:
			p.Kill()
			n++
		}
	}
	return n
}

// WaitIdle waits until all processes are gone.
func (s *Stage) WaitIdle() {
	for _, p := range s.Puppets() {
		p.WaitGone(s.t)
	}
}

func (s *Stage) meet(c net.Conn, script func(*Puppet)) {
	defer c.Close()
	p := &Puppet{conn: c, out: json.NewEncoder(c), replies: make(chan reply), gone: make(chan struct{}), born: s.born}
	in := json.NewDecoder(c)
	if in.Decode(&p.hello) != nil {
		return
	}
	defer close(p.gone)
	grandchild := len(p.Args) == 1 && p.Args[0] == "grandchild"
	s.mu.Lock()
	s.extras = append(s.extras, p)
	if !grandchild {
		s.puppets = append(s.puppets, p)
		if s.news != nil {
			close(s.news)
			s.news = nil
		}
	}
	s.mu.Unlock()
	if grandchild {
		s.born <- p
	} else {
		s.wg.Go(func() { script(p) })
	}
	for {
		var r reply
		if in.Decode(&r) != nil {
			return
		}
		p.replies <- r
	}
}

// Puppet is one process. Its methods return when the process has obeyed, or is
// gone; they may be called at the same time.
type Puppet struct {
	hello
	conn net.Conn
	gone chan struct{}
	born chan *Puppet

	mu      sync.Mutex // one order at a time
	out     *json.Encoder
	replies chan reply
}

// Gone is closed when the process has ended.
func (p *Puppet) Gone() <-chan struct{} { return p.gone }

// WaitGone waits until the process has ended.
func (p *Puppet) WaitGone(t testing.TB) {
	t.Helper()
	select {
	case <-p.gone:
	case <-time.After(patience):
		t.Errorf("childtest: process %d was left behind", p.Pid)
		_ = p.conn.Close() // it ends then
	}
}

func (p *Puppet) do(o order) reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out.Encode(o) != nil {
		return reply{Err: "gone"}
	}
	select {
	case r := <-p.replies:
		return r
	case <-p.gone:
		return reply{Err: "gone"}
	}
}

// Print writes lines to stderr.
func (p *Puppet) Print(lines ...string) { p.do(order{Print: lines}) }

// PrintOut writes lines to stdout.
func (p *Puppet) PrintOut(lines ...string) { p.do(order{Print: lines, Stdout: true}) }

// Prompt writes to stderr, and no end of line after it.
func (p *Puppet) Prompt(text string) { p.do(order{Prompt: text}) }

// Flood writes a line to stderr again and again.
func (p *Puppet) Flood(line string, times int) { p.do(order{Print: []string{line}, Times: times}) }

// Forward makes the process listen on a new port and copy what comes there to
// addr and back. It returns the address of the port, "" when it is gone.
func (p *Puppet) Forward(addr string) string { return p.do(order{Forward: addr}).Addr }

// IgnoreTerm makes the process deaf for SIGTERM.
func (p *Puppet) IgnoreTerm() { p.do(order{IgnoreTerm: true}) }

// Grandchild makes the process start another one that shares its stdout and
// stderr: in the same process group, or in one of its own.
func (p *Puppet) Grandchild(own bool) *Puppet {
	o := order{Grandchild: "same"}
	if own {
		o.Grandchild = "new"
	}
	if p.do(o).Err != "" {
		return nil
	}
	return <-p.born
}

// Exit ends the process with an exit code.
func (p *Puppet) Exit(code int) {
	p.do(order{Exit: &code})
	<-p.gone
}

// Kill ends the process, as a crash would.
func (p *Puppet) Kill() {
	if process, err := os.FindProcess(p.Pid); err == nil {
		_ = process.Kill()
	}
	<-p.gone
}
