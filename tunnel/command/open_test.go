package command_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/command"
	"github.com/hfhook/hfhook/tunnel/command/commandtest"
	"github.com/hfhook/hfhook/tunnel/internal/child/childtest"
)

func TestTheURLIsFoundOnBothStreams(t *testing.T) {
	for name, stdout := range map[string]bool{"stdout": true, "stderr": false} {
		t.Run(name, func(t *testing.T) {
			service := commandtest.Start(t)
			service.Stdout(stdout)
			service.Names(func(int) string { return "a.example.test" })
			tun, _ := childtest.Open(t, service.Provider(), tunnel.Options{})
			assert.Equal(t, "https://a.example.test", tun.URL().String())
			assert.Equal(t, http.StatusOK, service.Status(t, tun.URL()))
		})
	}
}

func TestWhatCountsAsURL(t *testing.T) {
	for name, c := range map[string]struct {
		pattern string
		lines   []string
	}{
		"the first group":          {`url=(\S+) (\w+)`, []string{"url=https://a.example.test x"}},
		"the whole match":          {`https://\S+\.example\.test`, []string{"[https://a.example.test]"}},
		"in colour":                {`https://\S+`, []string{"\x1b[1;36mhttps://a.example.test\x1b[0m"}},
		"not http":                 {`https?://\S+`, []string{"http://b.example.test", "https://a.example.test"}},
		"not http, in one line":    {`https?://\S+`, []string{"from https://a.example.test to http://127.0.0.1:80"}},
		"http first, in one line":  {`https?://\S+`, []string{"http://127.0.0.1:80 from https://a.example.test"}},
		"not what cannot be one":   {`at (\S*)`, []string{"at", "at ", "at https://", "at https://me@b.example.test", "at https://a.example.test"}},
		"not a group without part": {`x=(\S+)|y=\S+`, []string{"y=https://b.example.test", "x=https://a.example.test"}},
	} {
		t.Run(name, func(t *testing.T) {
			service := commandtest.Start(t)
			service.Print(func(string) []string { return c.lines })
			p := service.Provider()
			p.URLPattern = c.pattern
			tun, events := childtest.Open(t, p, tunnel.Options{})
			assert.Equal(t, "https://a.example.test", tun.URL().String())
			assert.Len(t, events.All(), 2)
		})
	}
}

func TestAGivenURL(t *testing.T) {
	service := commandtest.Start(t)
	p := service.Provider()
	p.URLPattern, p.Steady = "", 50*time.Millisecond
	start := time.Now()
	u := commandtest.URL("mine")
	u.Path = "/prefix"
	tun, _ := childtest.Open(t, p, tunnel.Options{URL: u})
	assert.GreaterOrEqual(t, time.Since(start), p.Steady)
	assert.Equal(t, u, tun.URL())
}

func TestAGivenURLDoesNotHideThatTheProgramFails(t *testing.T) {
	service := commandtest.Start(t)
	service.Print(func(string) []string { return []string{"unknown flag --to"} })
	service.Fail(2, -1)
	p := service.Provider()
	p.URLPattern, p.Steady = "", 20*time.Second
	e := childtest.OpenError(t, p, tunnel.Options{URL: commandtest.URL("mine")})
	assert.Equal(t, "the tunnel command ended with exit code 2 (last lines: unknown flag --to)", e.Error())
}

func TestAProgramThatEndsIsTriedFourTimes(t *testing.T) {
	service := commandtest.Start(t)
	secret := rand.Text()
	service.Print(func(string) []string {
		return []string{"0", "1", "2 " + secret, "\x1b[31m3", "4\u202e", "5"}
	})
	service.Fail(7, -1)
	p := service.Provider()
	p.Secrets = []string{secret}
	e := childtest.OpenError(t, p, tunnel.Options{})
	assert.Equal(t, "program", e.Code)
	assert.Equal(t, "the tunnel command ended with exit code 7 (last lines: 1 | 2 [redacted] | 3 | 4 | 5)", e.Error())
	assert.True(t, e.Permanent)
	assert.Len(t, service.Puppets(), 4)
}

func TestTheFourthStartIsGoodEnough(t *testing.T) {
	service := commandtest.Start(t)
	service.Print(func(url string) []string {
		if len(service.Puppets()) < 4 {
			return []string{"not yet"}
		}
		return []string{"is at " + url}
	})
	service.Fail(1, 3)
	childtest.Open(t, service.Provider(), tunnel.Options{})
	assert.Len(t, service.Puppets(), 4)
}

func TestNoURLInTime(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"silence":    {[]string{}, "(it printed nothing)"},
		"other talk": {[]string{"0", "1", "2", "is at http://x.example.test", "4", "5"}, "(last lines: 1 | 2 | is at http://x.example.test | 4 | 5)"},
	} {
		t.Run(name, func(t *testing.T) {
			service := commandtest.Start(t)
			service.Print(func(string) []string { return c.lines })
			p := service.Provider()
			p.URLTimeout = 3 * time.Second
			e := childtest.OpenError(t, p, tunnel.Options{})
			assert.Equal(t, "nourl", e.Code)
			assert.Equal(t, `the tunnel command printed no URL matching is at (\S+) within 3s `+c.want, e.Error())
			assert.Contains(t, e.Hint, "--tunnel-url-pattern")
			assert.True(t, e.Permanent)
			assert.Len(t, service.Puppets(), 1)
		})
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	service := commandtest.Start(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	service.Prepare(func(p *childtest.Puppet) {
		cancel(enough)
		<-p.Gone()
	})
	_, err := service.Provider().Open(ctx, tunnel.Options{})
	require.ErrorIs(t, err, enough)
	assert.Equal(t, `the tunnel command printed no URL matching is at (\S+) yet (it printed nothing)`, err.Error())
	service.WaitIdle()
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	good := `prog --to {port}`
	given := commandtest.URL("mine")
	for name, c := range map[string]struct {
		p    command.Provider
		url  *url.URL
		want string
	}{
		"no command":          {command.Provider{}, given, "there is no tunnel command"},
		"only spaces":         {command.Provider{Command: "  "}, given, "there is no tunnel command"},
		"an open quote":       {command.Provider{Command: `prog "{port}`}, given, "the tunnel command has a quote that is not closed"},
		"no port":             {command.Provider{Command: `prog --host {host}`}, given, "the tunnel command is not told where to forward to"},
		"port as the program": {command.Provider{Command: `{port}`}, given, "the tunnel command is not told where to forward to"},
		"a variable in front": {command.Provider{Command: `TOKEN=1234 ` + good}, given, "the tunnel command begins with a variable"},
		"neither":             {command.Provider{Command: good}, nil, "nothing says which public URL the tunnel command gives"},
		"both":                {command.Provider{Command: good, URLPattern: "x"}, given, "a public URL and a pattern for one exclude each other"},
		"a bad pattern": {command.Provider{Command: good, URLPattern: `https://(`}, nil,
			"the pattern for the URL is no regular expression (missing closing ))"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.p.Check(c.url)
			var e *tunnel.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, "usage", e.Code)
			assert.Equal(t, c.want, e.Error())
			assert.True(t, e.Permanent)
			assert.NotEmpty(t, e.Hint)
			assert.Equal(t, c.want, childtest.OpenError(t, c.p, tunnel.Options{URL: c.url}).Error())
		})
	}
	assert.NoError(t, command.Provider{Command: good, URLPattern: "x"}.Check(nil))
	assert.NoError(t, command.Provider{Command: "prog {addr}"}.Check(given))
}

func TestTheProgramIsMissing(t *testing.T) {
	p := command.Provider{Command: "no-such-program-" + rand.Text() + " {port}", URLPattern: "x"}
	e := childtest.OpenError(t, p, tunnel.Options{})
	assert.Equal(t, "missing", e.Code)
	assert.Regexp(t, `^no-such-program-\w+ was not found in PATH$`, e.Error())
	assert.True(t, e.Permanent)
}
