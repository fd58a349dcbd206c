package childtest

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// addrFile, beside the executable, makes a test binary a puppet: it holds the
// address of the stage.
const addrFile = "childtest.addr"

// prepared is set by Main.
var prepared bool

// Main takes over when the test binary runs as the program of a Stage; then it
// does not return. It has to be the first thing in TestMain.
func Main() {
	addr, err := os.ReadFile(filepath.Join(filepath.Dir(os.Args[0]), addrFile))
	if err != nil {
		prepared = true
		return
	}
	os.Exit(perform(string(addr)))
}

// hello is the first thing that a puppet says.
type hello struct {
	Pid   int
	Args  []string
	Env   []string         // names
	Files map[string]int64 // arguments that are files, and their sizes
}

// order is what a puppet is to do: the first field that is set.
type order struct {
	Print      []string `json:",omitempty"` // lines, without their ends
	Times      int      `json:",omitempty"` // that Print is repeated
	Stdout     bool     `json:",omitempty"` // is where Print goes; else stderr
	Prompt     string   `json:",omitempty"` // goes to stderr without an end of line
	Forward    string   `json:",omitempty"` // address that a new port leads to
	IgnoreTerm bool     `json:",omitempty"`
	Grandchild string   `json:",omitempty"` // "same" group, or a "new" one
	Exit       *int     `json:",omitempty"`
}

type reply struct {
	Addr string `json:",omitempty"` // of Forward
	Err  string `json:",omitempty"`
}

// perform does what the stage says, until the stage is gone.
func perform(stage string) int {
	c, err := net.Dial("tcp", stage)
	if err != nil {
		return 90
	}
	h := hello{Pid: os.Getpid(), Args: os.Args[1:], Files: map[string]int64{}}
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		h.Env = append(h.Env, name)
	}
	for _, a := range h.Args {
		if info, err := os.Stat(a); err == nil && info.Mode().IsRegular() {
			h.Files[a] = info.Size()
		}
	}
	out, in := json.NewEncoder(c), json.NewDecoder(c)
	if out.Encode(h) != nil {
		return 91
	}
	for {
		var o order
		if in.Decode(&o) != nil {
			return 92
		}
		addr, err := o.obey()
		r := reply{Addr: addr}
		if err != nil {
			r.Err = err.Error()
		}
		if out.Encode(r) != nil {
			return 93
		}
	}
}

func (o order) obey() (addr string, err error) {
	switch {
	case o.Print != nil:
		to := os.Stderr
		if o.Stdout {
			to = os.Stdout
		}
		w := bufio.NewWriter(to)
		for range max(o.Times, 1) {
			for _, line := range o.Print {
				_, _ = w.WriteString(line + "\n")
			}
		}
		return "", w.Flush()
	case o.Prompt != "":
		_, err = os.Stderr.WriteString(o.Prompt)
		return "", err
	case o.Forward != "":
		return forward(o.Forward)
	case o.IgnoreTerm:
		signal.Ignore(syscall.SIGTERM, os.Interrupt)
	case o.Grandchild != "":
		cmd := exec.Command(os.Args[0], "grandchild")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if o.Grandchild == "new" {
			leave(cmd)
		}
		return "", cmd.Start()
	case o.Exit != nil:
		os.Exit(*o.Exit)
	}
	return "", nil
}

// forward copies every connection to a new port to addr and back.
func forward(addr string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go join(c, addr)
		}
	}()
	return l.Addr().String(), nil
}

func join(from net.Conn, addr string) {
	defer from.Close()
	to, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer to.Close()
	var wg sync.WaitGroup
	pipe := func(dst, src net.Conn) {
		_, _ = io.Copy(dst, src)
		_ = dst.(*net.TCPConn).CloseWrite()
	}
	wg.Go(func() { pipe(to, from) })
	pipe(from, to)
	_ = from.(*net.TCPConn).CloseRead()
	wg.Wait()
}
