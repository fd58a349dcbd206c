package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ngrok"
	"github.com/hfhook/hfhook/tunnel/ssh"
)

// reachTime bounds each look at something in the network.
const reachTime = 5 * time.Second

// checkNetwork looks at everything at the same time, and tells it in order.
func (d *doctor) checkNetwork(ctx context.Context) {
	var all []chan []finding
	later := func(look func(context.Context) []finding) {
		found := make(chan []finding, 1)
		all = append(all, found)
		d.work.Go(func() { found <- look(ctx) })
	}
	later(d.lookAtProxies)
	later(d.lookAtNgrok)
	later(d.lookAtCloudflared)
	for _, server := range d.sshServers() {
		later(func(ctx context.Context) []finding { return d.lookAtSSH(ctx, server) })
	}
	later(func(context.Context) []finding { return []finding{d.choice()} })
	later(lookAtHub)
	for _, found := range all {
		for _, f := range <-found {
			d.say(ctx, f)
		}
	}
}

// lacks is what the lack of something is that the carrier of that name needs.
func (d *doctor) lacks(carrier string) checkState {
	if len(d.carriers) > 0 && d.carriers[0].name() == carrier && !d.carriers[0].optional {
		return checkFailed
	}
	return checkWarning
}

// public reports whether the Hub is to reach this machine.
func (d *doctor) public() bool {
	return len(d.carriers) > 0 && (d.carriers[0].name() != "none" || d.carriers[0].url != nil)
}

// lookAtProxies looks at what the environment says about proxies.
func (d *doctor) lookAtProxies(ctx context.Context) []finding {
	const name = "proxy"
	var all []finding
	for _, variable := range []string{"HTTPS_PROXY", "HTTP_PROXY"} {
		value := anyCase(variable)
		if value == "" {
			continue
		}
		state := checkWarning // plain HTTP goes to this machine alone, as a rule
		if variable == "HTTPS_PROXY" && d.public() {
			state = checkFailed
		}
		f := lookAtProxy(ctx, variable, value)
		if f.state == checkFailed {
			f.state = state
		}
		all = append(all, f)
		if upper := os.Getenv(variable); upper != "" && value != upper {
			all = append(all, finding{name, checkWarning, fmt.Sprintf("%s and %s differ, and programs choose differently", variable, strings.ToLower(variable)), "set one of them alone"})
		}
	}
	if not := anyCase("NO_PROXY"); not != "" && len(all) > 0 {
		all = append(all, good(name, "NO_PROXY leaves out %s", not))
	}
	switch {
	case anyCase("ALL_PROXY") == "":
	case anyCase("HTTPS_PROXY") == "":
		all = append(all, finding{name, checkWarning, "ALL_PROXY is set, which hfhook does not use", "set HTTPS_PROXY to the same, if hfhook is to go through it"})
	default:
		all = append(all, good(name, "ALL_PROXY is not used, HTTPS_PROXY is"))
	}
	if len(all) == 0 {
		all = append(all, good(name, "none is set"))
	}
	return all
}

// anyCase gives a variable whose name may be in lower case too. Where both are
// set it is that one, as for tunnels.
func anyCase(variable string) string {
	return cmp.Or(os.Getenv(strings.ToLower(variable)), os.Getenv(variable))
}

func lookAtProxy(ctx context.Context, variable, value string) finding {
	const name = "proxy"
	// The scheme may be left out. What is no URL has no effect, or an odd one.
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	via, err := url.Parse(value)
	if err != nil || via.Hostname() == "" {
		return finding{name, checkFailed, variable + " is not a URL", "write it as http://HOST:PORT, or unset it"}
	}
	ports := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}
	if ports[via.Scheme] == "" {
		return finding{name, checkFailed, fmt.Sprintf("%s has the scheme %q, which hfhook does not know", variable, via.Scheme), "known are http, https, socks5 and socks5h"}
	}
	address := net.JoinHostPort(via.Hostname(), cmp.Or(via.Port(), ports[via.Scheme]))
	shown := via.Scheme + "://" + address // no user and no password
	took, err := reach(ctx, new(net.Dialer), address)
	if err != nil {
		return finding{name, checkFailed, fmt.Sprintf("%s leads to %s, which cannot be reached (%s)", variable, shown, tunnel.DialProblem(err)),
			"start the proxy, or unset " + variable}
	}
	return good(name, "%s leads to %s, reached in %s", variable, shown, millis(took))
}

// reach makes a connection and gives the time that it took.
func reach(ctx context.Context, dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}, address string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	start := time.Now()
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	return time.Since(start), conn.Close()
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", inMillis(d))
}

func (d *doctor) lookAtNgrok(ctx context.Context) []finding {
	const name = "ngrok"
	token, source := ngrokToken(d.c)
	if token == "" {
		_, err := ngrok.Provider{}.Open(ctx, tunnel.Options{}) // says what it needs
		return []finding{troubleOf(name, d.lacks(name), err)}
	}
	return []finding{d.reachable(ctx, name, cmp.Or(os.Getenv("HFHOOK_NGROK_CONNECT_URL"), "connect.ngrok-agent.com:443"),
		"authtoken from "+source+"; ", "")}
}

const networkHint = "is the network up, and is a proxy needed? see HTTPS_PROXY"

// reachable looks whether a tunnel's service can be reached.
func (d *doctor) reachable(ctx context.Context, name, address, lead, hint string) finding {
	took, err := reach(ctx, tunnel.Dialer{Timeout: reachTime}, address)
	if err != nil {
		problem := tunnel.DialProblem(err)
		if hint == "" || strings.HasPrefix(problem, "proxy ") {
			hint = networkHint
		}
		return finding{name, d.lacks(name), fmt.Sprintf("%s%s cannot be reached (%s)", lead, address, problem), hint}
	}
	return good(name, "%s%s reached in %s", lead, address, millis(took))
}

func (d *doctor) lookAtCloudflared(ctx context.Context) []finding {
	const name = "cloudflared"
	path, err := exec.LookPath(name)
	if err != nil {
		return []finding{{name, d.lacks(name), "is not found in PATH", "install it for a tunnel that needs no account; others need no program"}}
	}
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	version, err := firstLine(ctx, path, "--version")
	if err != nil {
		return []finding{{name, d.lacks(name), fmt.Sprintf("%s does not run: %s", path, err), "install it again"}}
	}
	return []finding{good(name, "%s: %s", path, version)}
}

// firstLine runs a program, without the secrets of the environment, and gives
// the first line that it prints.
func firstLine(ctx context.Context, path string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	cmd.Env = environWithoutSecrets()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", pathProblem(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = out.Close() }) // a child of it may hold the other end
	text, _ := io.ReadAll(io.LimitReader(out, 4<<10))
	stop()
	_ = out.Close() // what more it prints is nobody's
	err = cmd.Wait()
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	switch {
	case ctx.Err() != nil:
		return "", errors.New("no answer in time")
	case line == "":
		return "", cmp.Or(err, errors.New("it prints no version"))
	}
	return strings.TrimSpace(line), nil
}

// sshServers are the hosted ones, and the user's own when it was chosen.
func (d *doctor) sshServers() []ssh.Server {
	servers := ssh.Presets()
	if len(d.carriers) > 0 {
		p, ok := d.carriers[0].provider.(ssh.Provider)
		switch {
		case !ok:
		case p.Server.Name == "":
			servers = append(servers, p.Server)
		case p.Token != "":
			at := slices.IndexFunc(servers, func(s ssh.Server) bool { return s.Name == p.Server.Name })
			servers[at].Addr = p.Server.TokenAddr
		}
	}
	return servers
}

func (d *doctor) lookAtSSH(ctx context.Context, server ssh.Server) []finding {
	name := ssh.Provider{Server: server}.Name()
	hint := ""
	if _, port, _ := net.SplitHostPort(server.Addr); port == "22" {
		hint = "port 22 is often blocked: try ngrok or cloudflared"
	}
	return []finding{d.reachable(ctx, name, server.Addr, "", hint)}
}

// choice tells what hfhook dev would take.
func (d *doctor) choice() finding {
	const name = "tunnel"
	if d.chooseErr != nil {
		return troubleOf(name, checkFailed, d.chooseErr)
	}
	word := "--tunnel " + d.c.String("tunnel")
	var names []string
	for _, c := range d.carriers {
		names = append(names, c.name())
	}
	switch first := d.carriers[0]; {
	case first.name() == "none" && first.url != nil:
		return good(name, "none is needed: the Hub is to come to %s", first.url)
	case first.name() == "none":
		return good(name, "%s: none", word)
	case len(names) == 1:
		return good(name, "%s: %s", word, names[0])
	}
	return good(name, "%s takes the first of these that can be opened: %s", word, strings.Join(names, ", "))
}
