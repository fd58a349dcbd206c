//go:build unix

package sshtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// Server is this machine's own sshd, as a child of the test; it needs Linux to
// find the processes of its sessions in /proc. The fields are set by
// StartServer.
type Server struct {
	// Addr is where it listens for SSH.
	Addr string

	// User can log in with KeyFile, which Authorized allows.
	User, KeyFile, Authorized string

	// KnownHosts is a file that knows its key.
	KnownHosts string

	// HostKey is the fingerprint of that key.
	HostKey string

	// Listen is where clients are to let it listen: its public side.
	Listen string

	t      testing.TB
	dir    string
	config map[string]string
	child  *exec.Cmd
	log    *tunneltest.Buffer
	exited chan struct{}
}

// StartServer runs sshd until the end of the test. settings are lines of its
// configuration, as "GatewayPorts no", in place of those that it has else.
func StartServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), log: new(tunneltest.Buffer)}
	me, err := user.Current()
	s.must(err)
	s.User = me.Username
	if os.Getuid() == 0 { // where sshd hides its children
		s.must(os.MkdirAll("/run/sshd", 0o755))
	}
	s.KeyFile = filepath.Join(s.dir, "id_ed25519")
	s.Authorized = filepath.Join(s.dir, "authorized_keys")
	s.Authorize(s.NewKey(s.KeyFile))
	s.Listen = s.FreeAddr()
	port := s.freePort()
	s.Addr = net.JoinHostPort("127.0.0.1", port)
	s.KnownHosts = filepath.Join(s.dir, "known_hosts")
	key := s.NewKey(filepath.Join(s.dir, "host_ed25519"))
	s.HostKey = gossh.FingerprintSHA256(key)
	s.must(os.WriteFile(s.KnownHosts, []byte(knownhosts.Line([]string{s.Addr}, key)+"\n"), 0o600))
	s.config = map[string]string{
		"Port":                   port,
		"ListenAddress":          "127.0.0.1",
		"HostKey":                filepath.Join(s.dir, "host_ed25519"),
		"AuthorizedKeysFile":     s.Authorized,
		"UsePAM":                 "no",
		"StrictModes":            "no",
		"PidFile":                "none",
		"PasswordAuthentication": "no",
		"PermitRootLogin":        "prohibit-password",
		"AllowTcpForwarding":     "remote",
		"GatewayPorts":           "clientspecified",
		"MaxStartups":            "100",
		"LogLevel":               "VERBOSE",
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("sshd: %s", s.log)
		}
	})
	s.Start(settings...)
	return s
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("sshtest: %v", err)
	}
}

// FreeAddr is an address on which nobody listens.
func (s *Server) FreeAddr() string {
	s.t.Helper()
	return net.JoinHostPort("127.0.0.1", s.freePort())
}

// freePort is one below those that the system gives away by itself.
func (s *Server) freePort() string {
	s.t.Helper()
	for range 100 {
		port := strconv.Itoa(20000 + mrand.IntN(12000))
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	s.t.Fatal("sshtest: no free port")
	return ""
}

// NewKey writes a private key to a file and returns its public part.
func (s *Server) NewKey(file string) gossh.PublicKey {
	s.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	s.must(err)
	block, err := gossh.MarshalPrivateKey(private, "")
	s.must(err)
	s.must(os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	key, err := gossh.NewPublicKey(public)
	s.must(err)
	return key
}

// AddRSAHostKey gives the server a second key, in front of the first.
func (s *Server) AddRSAHostKey() gossh.PublicKey {
	s.t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	s.must(err)
	block, err := gossh.MarshalPrivateKey(private, "")
	s.must(err)
	file := filepath.Join(s.dir, "host_rsa")
	s.must(os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	s.config["HostKey"] = file + "\nHostKey " + s.config["HostKey"]
	key, err := gossh.NewPublicKey(private.Public())
	s.must(err)
	return key
}

// Authorize lets a key in, among others.
func (s *Server) Authorize(key gossh.PublicKey) {
	s.t.Helper()
	f, err := os.OpenFile(s.Authorized, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	s.must(err)
	_, err = f.Write(gossh.MarshalAuthorizedKey(key))
	s.must(err)
	s.must(f.Close())
}

// program is where sshd is, which wants to know that itself.
func (s *Server) program() string {
	s.t.Helper()
	for _, name := range []string{"sshd", "/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	s.t.Fatal("sshtest: there is no sshd on this machine: apt-get install openssh-server")
	return ""
}

// Start starts sshd, again after Stop, with changed settings.
func (s *Server) Start(settings ...string) {
	s.t.Helper()
	for _, line := range settings {
		name, value, _ := strings.Cut(line, " ")
		s.config[name] = value
	}
	program, file := s.program(), filepath.Join(s.dir, "sshd_config")
	write := func() {
		var b bytes.Buffer
		for name, value := range s.config {
			fmt.Fprintf(&b, "%s %s\n", name, value)
		}
		s.must(os.WriteFile(file, b.Bytes(), 0o600))
	}
	// Newer ones lock out an address that looks like trouble, older ones
	// stumble over the word.
	s.config["PerSourcePenalties"] = "no"
	if write(); exec.Command(program, "-t", "-f", file).Run() != nil {
		delete(s.config, "PerSourcePenalties")
		write()
	}
	child := exec.Command(program, "-D", "-e", "-f", file)
	child.Stderr = s.log
	// Children hold stderr: do not wait for them.
	child.WaitDelay = time.Second
	s.must(child.Start())
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = child.Wait()
	}()
	s.child, s.exited = child, exited
	s.await("sshd does not listen", func() bool {
		select {
		case <-exited:
			s.t.Fatalf("sshtest: sshd ended: %s", s.log)
		default:
		}
		c, err := net.Dial("tcp", s.Addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// Stop ends sshd and all sessions.
func (s *Server) Stop() {
	s.t.Helper()
	if s.child == nil {
		return
	}
	_ = s.child.Process.Signal(syscall.SIGSTOP) // no session comes meanwhile
	sessions := s.sessions()
	_ = s.child.Process.Kill()
	signal(sessions, syscall.SIGKILL)
	<-s.exited
	s.child = nil
	s.await("sessions remain", func() bool { return !slices.ContainsFunc(sessions, alive) })
}

// Signal sends a signal to the processes of all sessions, and returns how many
// there are.
func (s *Server) Signal(sig syscall.Signal) int {
	s.t.Helper()
	sessions := s.sessions()
	signal(sessions, sig)
	return len(sessions)
}

// KillSessions ends all sessions at once, as a crash would.
func (s *Server) KillSessions() int { return s.Signal(syscall.SIGKILL) }

// WaitIdle waits until there is no session, and the port is free again.
func (s *Server) WaitIdle() {
	s.t.Helper()
	s.await("sessions remain", func() bool { return len(s.sessions()) == 0 })
}

// Log is what sshd says.
func (s *Server) Log() string { return s.log.String() }

func (s *Server) await(problem string, f func() bool) {
	s.t.Helper()
	late := time.After(20 * time.Second)
	for !f() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			s.t.Fatalf("sshtest: %s: %s", problem, s.log)
		}
	}
}

// sessions are the descendants of sshd.
func (s *Server) sessions() []int {
	s.t.Helper()
	children := map[int][]int{}
	all, err := os.ReadDir("/proc")
	s.must(err)
	for _, entry := range all {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if _, parent, ok := stat(pid); ok {
				children[parent] = append(children[parent], pid)
			}
		}
	}
	var found []int
	for next := []int{s.child.Process.Pid}; len(next) > 0; next = next[1:] {
		found = append(found, children[next[0]]...)
		next = append(next, children[next[0]]...)
	}
	return found
}

// stat is the state and the parent of a process.
func stat(pid int) (state string, parent int, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0, false
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 2 || fields[0] == "Z" {
		return "", 0, false
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0], parent, err == nil
}

func alive(pid int) bool {
	_, _, ok := stat(pid)
	return ok
}

func signal(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, sig) // gone meanwhile
	}
}

// URL is the public one: without a reverse proxy, that is where it listens.
func (s *Server) URL() *url.URL { return &url.URL{Scheme: "http", Host: s.Listen} }

// Provider is ready to open tunnels at the server.
func (s *Server) Provider() ssh.Provider {
	s.t.Helper()
	server, err := ssh.Parse(fmt.Sprintf("ssh://%s@%s?listen=%s", s.User, s.Addr, s.Listen))
	s.must(err)
	return ssh.Provider{
		Server:      server,
		KeyFiles:    []string{s.KeyFile},
		AgentSocket: "none",
		KnownHosts:  []string{s.KnownHosts},
	}
}

// Case is a case of tunneltest.Run. Each needs a Server of its own.
func (s *Server) Case() tunneltest.Case {
	key, err := os.ReadFile(s.KeyFile)
	s.must(err)
	return tunneltest.Case{
		Provider: s.Provider(),
		URL:      s.URL(),
		Client:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Drop:     func() { s.KillSessions() },
		Released: s.WaitIdle,
		Closes:   200,
		Secrets:  strings.Split(strings.TrimSpace(string(key)), "\n")[1:3],
	}
}
