package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/replay/sqlite/faultfs"
	"github.com/hfhook/hfhook/tunnel/cloudflared/cloudflaredtest"
	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

// The stories in testdata/script run the real program against real handlers.
// Beside testscript's own commands they have:
//
//	dev NAME [flags]          hfhook dev on a free port, until it is ready;
//	                          sets $NAME_URL and $NAME_ADDR
//	follow NAME [flags]       hfhook inspect --follow
//	handler NAME [flags]      a handler in a process of its own; sets $NAME_URL
//	                          and $NAME_ADDR
//	python NAME FILE          a handler in Python, which says like that one where
//	                          it listens
//	post URL FILE [header]    posts a file; stdout is the status and the answer
//	await NAME PATTERN [N]    until NAME has printed N matches; NAME:err for its
//	                          stderr. Sets $AWAITED to the first group
//	ended NAME CODE [SIGNAL]  sends a signal, or with NONE waits until it ends by
//	                          itself, and checks the exit code; stdout and stderr
//	                          are all that it has printed
//	code N PROGRAM [args]     exec of a program that ends with exit code N
//	hub NAME [what]           a Hub, see scriptHub
//	typing SHELL WORDS...     what may stand where the cursor is
func TestScripts(t *testing.T) {
	samples, err := filepath.Abs(filepath.Join("..", "..", "payload", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			env.Vars = append(env.Vars, homeEnv(home)...)
			env.Vars = append(env.Vars, "SAMPLES="+samples, "SECRET="+rand.Text())
			env.Values[story{}] = map[string]*process{}
			env.Values[hubs{}] = map[string]*storyHub{}
			env.Values[storyteller{}] = env.T()
			return os.Mkdir(home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"dev":     scriptDev,
			"follow":  scriptFollow,
			"handler": scriptHandler,
			"python":  scriptPython,
			"post":    scriptPost,
			"await":   scriptAwait,
			"ended":   scriptEnded,
			"code":    scriptCode,
			"hub":     scriptHub,
			"typing":  scriptTyping,
		},
	})
}

func TestMain(m *testing.M) {
	cloudflaredtest.Main()
	faultfs.Main()
	testscript.Main(m, map[string]func(){
		"hfhook":      func() { os.Exit(tidyProgram()) },
		"testhandler": handlerProgram,
		"testeditor":  editorProgram,
		"testcommand": commandProgram,
	})
}

// tidyProgram is hfhook, which leaves no goroutine of its own behind, but for who
// waits for a browser.
func tidyProgram() int {
	code := program()
	allowed := append(append(ngroktest.Stuck(), ngroktest.Lingering()...), goleak.IgnoreAnyFunction("github.com/hfhook/hfhook/cmd/hfhook.openWith.func1"))
	if err := goleak.Find(allowed...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return leftBehind
	}
	return code
}

// leftBehind is an exit code that the program itself does not have.
const leftBehind = 99

// story is the key of a script's processes.
type story struct{}

func processes(ts *testscript.TestScript) map[string]*process {
	return ts.Value(story{}).(map[string]*process)
}

// launchInScript starts a program with the script's environment and folder.
func launchInScript(ts *testscript.TestScript, name, program string, args ...string) *process {
	env := os.Environ()
	for _, key := range scriptEnv {
		env = append(env, key+"="+ts.Getenv(key))
	}
	p, err := launch(ts.Defer, env, ts.MkAbs("."), program, args...)
	ts.Check(err)
	processes(ts)[name] = p
	return p
}

// scriptEnv are the variables that stories set for long-lived programs.
var scriptEnv = []string{
	"HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "LocalAppData", "AppData", "USERPROFILE", "TZ",
	"WEBHOOK_SECRET", "NGROK_AUTHTOKEN", "HFHOOK_NGROK_CONNECT_URL", "HFHOOK_TUNNEL_CA", "NO_COLOR",
	"GORACE", "HFHOOK_EXEC", "HTTPS_PROXY", "HF_ENDPOINT", "HF_TOKEN", "HF_HOME", "HF_HUB_OFFLINE", "SPACE_ID", "SPACE_HOST", "PORT", "HFHOOK_FORWARD",
}

func scriptDev(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: dev NAME [flags]")
	}
	name, flags := args[0], args[1:]
	all := []string{"dev"}
	if !strings.Contains(strings.Join(flags, " "), "--listen") {
		all = append(all, "--listen", "127.0.0.1:0")
	}
	if !strings.Contains(strings.Join(flags, " "), "--tunnel") {
		all = append(all, "--tunnel", "none")
	}
	p := launchInScript(ts, name, "hfhook", append(all, flags...)...)
	talk := &p.err
	pattern := `^URL\s+(https?://\S+)[^\n]*(?:\n.*)*Waiting for deliveries`
	if strings.Contains(strings.Join(flags, " "), "--json") {
		talk, pattern = &p.out, `"type":"ready".*"local":"([^"]+)"`
	}
	found, err := p.await(talk, pattern, 1)
	ts.Check(err)
	setURL(ts, name, found[1])
}

func scriptFollow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: follow NAME [flags]")
	}
	launchInScript(ts, args[0], "hfhook", append([]string{"inspect", "--follow"}, args[1:]...)...)
}

func setURL(ts *testscript.TestScript, name, url string) {
	ts.Setenv(name+"_URL", url)
	address := strings.SplitN(url, "/", 4)[2]
	ts.Setenv(name+"_ADDR", address)
}

func scriptHandler(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: handler NAME [flags]")
	}
	listensInScript(ts, args[0], launchInScript(ts, args[0], "testhandler", args[1:]...))
}

func scriptPython(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: python NAME FILE")
	}
	listensInScript(ts, args[0], launchInScript(ts, args[0], "python3", "-u", ts.MkAbs(args[1])))
}

func listensInScript(ts *testscript.TestScript, name string, p *process) {
	found, err := p.await(&p.err, `^listening on (\S+)`, 1)
	ts.Check(err)
	setURL(ts, name, found[1])
}

func scriptPost(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: post URL FILE [header...]")
	}
	body, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	request, err := http.NewRequest(http.MethodPost, args[0], bytes.NewReader(body))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	for _, line := range args[2:] {
		key, value, _ := strings.Cut(line, ":")
		request.Header.Add(key, strings.TrimSpace(value))
	}
	answer, err := http.DefaultClient.Do(request)
	if neg {
		if err == nil && answer.StatusCode < 300 {
			ts.Fatalf("the post was taken: %s", answer.Status)
		}
		if err != nil {
			return
		}
	}
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d\n%s\n", answer.StatusCode, text)
}

// named finds a process, and which of its streams is meant.
func named(ts *testscript.TestScript, word string) (*process, *transcript) {
	name, stream, _ := strings.Cut(word, ":")
	p := processes(ts)[name]
	if p == nil {
		ts.Fatalf("no process %q was started", name)
	}
	if stream == "err" {
		return p, &p.err
	}
	return p, &p.out
}

func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: await NAME[:err] PATTERN [N]")
	}
	n := 1
	if len(args) == 3 {
		var err error
		n, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	p, text := named(ts, args[0])
	found, err := p.await(text, args[1], n)
	ts.Check(err)
	if len(found) > 1 {
		ts.Setenv("AWAITED", found[1])
	}
}

func scriptEnded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: ended NAME CODE [SIGNAL]")
	}
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill, "NONE": nil}
	signal := os.Signal(os.Interrupt)
	if len(args) == 3 {
		signal = signals[args[2]]
	}
	p, _ := named(ts, args[0])
	code, err := p.end(signal)
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), p.out.String())
	fmt.Fprint(ts.Stderr(), p.err.String())
	if strconv.Itoa(code) != args[1] {
		ts.Fatalf("exit code %d, not %s:\n%s%s", code, args[1], p.out.String(), p.err.String())
	}
}

func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM [args]")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%s", err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, not %s", code, args[0])
	}
}
