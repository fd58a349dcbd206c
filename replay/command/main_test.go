package command_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/replay/command"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "perform" {
		os.Exit(perform(os.Args[2], os.Args[3:]))
	}
	goleak.VerifyTestMain(m)
}

// seen is what a program finds out about its payload.
type seen struct {
	Env     []string
	Args    []string
	Stdin   string // SHA-256
	File    string // SHA-256
	Mode    os.FileMode
	Payload string // SHA-256 of the variable; empty: not set
	Secret  string // SHA-256, as it is redacted in Env
}

// perform is a program that the tests run: this test binary once more.
func perform(act string, args []string) int {
	sum := func(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
	switch act {
	case "tell": // all that it is given, as JSON
		stdin, _ := io.ReadAll(os.Stdin)
		path := os.Getenv("WEBHOOK_PAYLOAD_FILE")
		file, _ := os.ReadFile(path)
		s := seen{Env: os.Environ(), Args: os.Args[3:], Stdin: sum(stdin), File: sum(file)}
		if info, err := os.Stat(path); err == nil {
			s.Mode = info.Mode()
		}
		if secret, ok := os.LookupEnv("WEBHOOK_SECRET"); ok {
			s.Secret = sum([]byte(secret))
		}
		if payload, ok := os.LookupEnv("WEBHOOK_PAYLOAD"); ok {
			s.Payload = sum([]byte(payload))
			s.Env = nil // it would repeat it
			for _, entry := range os.Environ() {
				if !strings.HasPrefix(entry, "WEBHOOK_PAYLOAD=") {
					s.Env = append(s.Env, entry)
				}
			}
		}
		_ = json.NewEncoder(os.Stdout).Encode(s)
	case "out", "err": // the words, which are quoted
		to := map[string]*os.File{"out": os.Stdout, "err": os.Stderr}[act]
		for _, word := range args {
			text, _ := strconv.Unquote(word)
			_, _ = to.WriteString(text)
		}
	case "cat": // a file
		f, err := os.Open(args[0])
		if err != nil {
			return 90
		}
		_, _ = io.Copy(os.Stdout, f)
	case "pieces": // a byte at a time
		for _, c := range []byte("key: " + os.Getenv("PIECES") + "\n") {
			_, _ = os.Stdout.Write([]byte{c})
		}
	case "exit":
		code, _ := strconv.Atoi(args[0])
		return code
	case "die":
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		select {}
	case "stay": // as long as the connection to the test
		return stay(args)
	case "leave": // a child behind
		child := exec.Command(os.Args[0], append([]string{"perform", "stay"}, args...)...)
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			return 90
		}
		_, _ = fmt.Println("left")
		if args[1] == "with" {
			return stay(args)
		}
	case "parent": // a target whose program stays, until it is killed
		t, err := command.New([]string{os.Args[0], "perform", "stay", args[0], "alone"}, command.Options{Folder: args[1], Env: noRace})
		if err != nil {
			return 90
		}
		t.Send(context.Background(), delivery("{}"))
	}
	return 0
}

func stay(args []string) int {
	if len(args) > 2 && args[2] == "deaf" {
		signal.Ignore(syscall.SIGTERM, os.Interrupt)
	}
	c, err := net.Dial("tcp", args[0])
	if err != nil {
		return 91
	}
	_, _ = fmt.Fprintln(c, os.Getpid(), runtime.GOOS)
	_, _ = bufio.NewReader(c).ReadString('\n')
	return 7
}
