package main

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/tunnel/cloudflared/cloudflaredtest"
	"github.com/hfhook/hfhook/tunnel/command/commandtest"
	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

// diagnosed is what hfhook doctor --json said.
type diagnosed struct {
	checks map[string][]checkRecord
	path   *pathRecord
	end    diagnosisRecord
	code   int
	all    string
}

// check gives the one check of a name.
func (d diagnosed) check(t *testing.T, name string) checkRecord {
	t.Helper()
	require.Len(t, d.checks[name], 1, d.all)
	return d.checks[name][0]
}

// doctorOn runs hfhook doctor --json in a home.
func doctorOn(t *testing.T, home string, env []string, args ...string) diagnosed {
	t.Helper()
	args = append([]string{"doctor", "--json", "--listen", "127.0.0.1:0"}, args...)
	p, err := launch(t.Cleanup, append(append(os.Environ(), homeEnv(home)...), env...), home, "hfhook", args...)
	require.NoError(t, err)
	code, err := p.end(nil)
	require.NoError(t, err)
	noLeftovers(t, home)
	return decodeDiagnosis(t, p, code)
}

func decodeDiagnosis(t *testing.T, p *process, code int) diagnosed {
	t.Helper()
	d := diagnosed{checks: map[string][]checkRecord{}, code: code, all: p.out.String() + p.err.String()}
	strict := func(line string, record any) {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(record), line)
	}
	for line := range strings.Lines(p.out.String()) {
		var head recordHead
		require.NoError(t, json.Unmarshal([]byte(line), &head), line)
		assert.Equal(t, recordVersion, head.V)
		assert.WithinDuration(t, time.Now(), head.Time, patience)
		require.Empty(t, d.end.Type, "nothing follows the diagnosis")
		switch head.Type {
		case "check":
			var r checkRecord
			strict(line, &r)
			d.checks[r.Name] = append(d.checks[r.Name], r)
			assert.NotEmpty(t, r.Detail)
			assert.Contains(t, []checkState{checkOK, checkWarning, checkFailed, checkSkipped}, r.State)
			if r.State == checkWarning || r.State == checkFailed {
				assert.NotEmpty(t, r.Hint, line)
			}
		case "path":
			strict(line, &d.path)
		case "diagnosis":
			strict(line, &d.end)
		default:
			t.Errorf("unknown record %s", line)
		}
	}
	require.NotEmpty(t, d.end.Type, d.all)
	assert.Equal(t, d.end.OK, code == exitDone)
	return d
}

// noLeftovers looks for what doctor makes for a moment.
func noLeftovers(t *testing.T, home string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(home, func(path string, _ fs.DirEntry, err error) error {
		assert.NotContains(t, path, ".hfhook-doctor-")
		return err
	}))
}

func TestDoctorTimesTheWayThroughATunnel(t *testing.T) {
	t.Parallel()
	edge := ngroktest.Start(t)
	d := doctorOn(t, t.TempDir(), ngrokEnv(t, edge, edge.Token), "--tunnel", "ngrok", "--path", "/webhooks/mine")
	assert.Zero(t, d.code, d.all)
	assert.True(t, d.end.OK)
	assert.Equal(t, checkOK, d.check(t, "proxy").State)
	ngrok := d.check(t, "ngrok")
	assert.Equal(t, checkOK, ngrok.State)
	assert.Regexp(t, `^authtoken from NGROK_AUTHTOKEN; `+edge.ConnectURL+` reached in `, ngrok.Detail)
	assert.Equal(t, "--tunnel ngrok: ngrok", d.check(t, "tunnel").Detail)
	path := d.check(t, "path")
	assert.Equal(t, checkOK, path.State, path.Detail)
	assert.NotContains(t, d.all, edge.Token)

	require.NotNil(t, d.path)
	w := *d.path
	assert.Equal(t, "https://"+ngroktest.DevDomain+"/webhooks/mine", w.URL)
	assert.True(t, w.Public)
	assert.Equal(t, "ngrok", w.Tunnel)
	assert.Equal(t, edge.ProxyURL.String(), w.Proxy)
	assert.Equal(t, len(sampleBody), w.Bytes)
	for name, ms := range map[string]float64{
		"open": w.OpenMS, "connect": w.ConnectMS, "proxy": w.ProxyMS, "tls": w.TLSMS,
		"tunnel": w.TunnelMS, "stored": w.StoredMS, "answer": w.AnswerMS,
	} {
		assert.Positive(t, ms, name)
	}
	assert.InDelta(t, w.TotalMS, w.DNSMS+w.ConnectMS+w.ProxyMS+w.TLSMS+w.TunnelMS+w.StoredMS+w.AnswerMS, 0.2*w.TotalMS+5)
	edge.WaitIdle() // the tunnel is closed
}

func TestDoctorSaysThatTheAuthtokenIsRefused(t *testing.T) {
	t.Parallel()
	edge := ngroktest.Start(t)
	wrong := rand.Text()
	for _, tunnel := range []string{"ngrok", "auto"} {
		env := append(ngrokEnv(t, edge, wrong), "PATH="+t.TempDir()) // without cloudflared
		d := doctorOn(t, t.TempDir(), env, "--tunnel", tunnel)
		assert.Equal(t, exitFailed, d.code)
		assert.Equal(t, checkFailed, d.check(t, "path").State)
		assert.NotContains(t, d.all, wrong)
		if tunnel == "ngrok" {
			assert.Regexp(t, `ngrok refused the authtoken from NGROK_AUTHTOKEN \(ERR_NGROK_10[567]\)`, d.check(t, "path").Detail)
			assert.Nil(t, d.path)
			continue
		}
		skipped := d.checks["tunnel"][1]
		assert.Equal(t, checkWarning, skipped.State)
		assert.Regexp(t, `^skipped ngrok: ngrok refused the authtoken`, skipped.Detail)
		require.NotNil(t, d.path, "the way from this machine")
		assert.False(t, d.path.Public)
	}
}

func TestDoctorTimesTheWayOfAutosChoice(t *testing.T) {
	t.Parallel()
	edge, cloudflare := ngroktest.Start(t), cloudflaredtest.Start(t)
	d := doctorOn(t, t.TempDir(), append(ngrokEnv(t, edge, rand.Text()), // is refused
		"PATH="+cloudflare.Dir, "HFHOOK_CLOUDFLARED_NAME_SERVER="+cloudflare.NameServer,
		"HTTPS_PROXY="+cloudflare.ProxyURL.String(), "SSL_CERT_FILE="+cloudflare.CAFile(t)))
	assert.Zero(t, d.code, d.all)
	assert.Regexp(t, `^.*cloudflared(\.exe)?: cloudflared version 2026\.8\.2`, d.check(t, "cloudflared").Detail)
	require.Len(t, d.checks["tunnel"], 2, d.all)
	assert.Equal(t, "--tunnel auto takes the first of these that can be opened: ngrok, cloudflared, ssh:localhost.run", d.checks["tunnel"][0].Detail)
	assert.Regexp(t, `^skipped ngrok: `, d.checks["tunnel"][1].Detail)
	assert.Equal(t, checkOK, d.check(t, "path").State)
	require.NotNil(t, d.path)
	assert.Equal(t, "cloudflared", d.path.Tunnel)
	assert.True(t, d.path.Public)
	assert.Regexp(t, `^https://.*\.trycloudflare\.com/webhooks/dev$`, d.path.URL)
}

func TestDoctorTimesTheWayThroughAnyProgram(t *testing.T) {
	t.Parallel()
	service := commandtest.Start(t)
	d := doctorOn(t, t.TempDir(), []string{"HTTPS_PROXY=" + service.ProxyURL.String(), "SSL_CERT_FILE=" + service.CAFile(t)},
		"--tunnel-cmd", service.Command, "--tunnel-url-pattern", commandtest.Pattern)
	assert.Zero(t, d.code, d.all)
	assert.Equal(t, checkOK, d.check(t, "path").State)
	require.NotNil(t, d.path)
	assert.Equal(t, "command", d.path.Tunnel)
}

func TestDoctorSeesWhoAnswersInsteadOfIt(t *testing.T) {
	t.Parallel()
	edge := ngroktest.Start(t)
	edge.AnswerRequests("727")
	d := doctorOn(t, t.TempDir(), ngrokEnv(t, edge, edge.Token), "--tunnel", "ngrok")
	assert.Equal(t, exitFailed, d.code)
	assert.Regexp(t, `^ngrok answers for you: .*\(ERR_NGROK_727\)`, d.check(t, "path").Detail)
}

// What the Hub delivers while doctor receives would be lost, if it were taken.
func TestDoctorTakesNoDeliveryOfTheHub(t *testing.T) {
	t.Parallel()
	edge := ngroktest.Start(t)
	secret := rand.Text()
	env := append(ngrokEnv(t, edge, edge.Token), "WEBHOOK_SECRET="+secret)
	status := map[int]bool{} // what hfhook answered, and not the edge
	stop := make(chan struct{})
	var posting sync.WaitGroup
	posting.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			request, err := http.NewRequest(http.MethodPost, "https://"+ngroktest.DevDomain+"/webhooks/dev", strings.NewReader(sampleBody))
			if err != nil {
				return
			}
			request.Header.Set(replay.HeaderSecret, secret)
			request.Header.Set(replay.HeaderWebhookID, rand.Text())
			answer, err := edge.Client().Do(request)
			if err != nil {
				continue
			}
			answer.Body.Close()
			if answer.Header.Get("Ngrok-Error-Code") == "" {
				status[answer.StatusCode] = true
			}
		}
	})
	d := doctorOn(t, t.TempDir(), env, "--tunnel", "ngrok")
	close(stop)
	posting.Wait()
	assert.Zero(t, d.code, d.all)
	delete(status, http.StatusServiceUnavailable) // nearly always there
	assert.Empty(t, status)

	s := &trial{id: rand.Text(), secret: rand.Text()}
	gate := s.gate(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was let in") }))
	w := httptest.NewRecorder()
	gate.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
}

func TestDoctorEndsInOrderWhenItIsTold(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never says a word
	require.NoError(t, err)
	defer silent.Close()
	home := t.TempDir()
	env := append(os.Environ(), homeEnv(home)...)
	env = append(env, "NGROK_AUTHTOKEN="+rand.Text(), "HTTPS_PROXY=http://"+silent.Addr().String())
	p, err := launch(t.Cleanup, env, home, "hfhook", "doctor", "--json", "--tunnel", "ngrok", "--listen", "127.0.0.1:0")
	require.NoError(t, err)
	_, err = p.await(&p.out, `"name":"token"`, 1) // the tunnel is next
	require.NoError(t, err)
	code, err := p.end(os.Interrupt)
	require.NoError(t, err)
	noLeftovers(t, home)
	d := decodeDiagnosis(t, p, code)
	assert.Equal(t, exitFailed, code)
	assert.Equal(t, "interrupt signal received", d.end.Reason)
	assert.NotContains(t, d.checks, "path", "what was not done is not told")
	assert.Equal(t, "hfhook: interrupted before everything was checked\n", p.err.String())
	assert.Equal(t, checkFailed, d.check(t, "ngrok").State)
	assert.Contains(t, d.check(t, "ngrok").Detail, "timed out")
}

// A proxy in front of the receiver that does something to requests.
func TestDoctorSeesWhatIsChangedOnTheWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(r *http.Request)
		want   string
	}{
		"nothing":        {func(*http.Request) {}, `leads here: \d+ bytes came unchanged`},
		"the body":       {func(r *http.Request) { replaceBody(r, strings.ReplaceAll(sampleBody, "  ", " ")) }, `^the sample delivery came changed: \d+ bytes were sent, and \d+ others came$`},
		"no JSON at all": {func(r *http.Request) { replaceBody(r, "hello") }, `^the sample delivery came and is undecodable`},
		"the secret":     {func(r *http.Request) { r.Header.Del(replay.HeaderSecret) }, `^the sample delivery came and is rejected \(no secret\)$`},
		"the id":         {func(r *http.Request) { r.Header.Del(replay.HeaderWebhookID) }, `^the sample delivery came without its Webhook-Id$`},
		"both": {func(r *http.Request) {
			r.Header.Del(replay.HeaderSecret)
			r.Header.Del(replay.HeaderWebhookID)
		}, `^the sample delivery came without Webhook-Id and X-Webhook-Secret$`},
		"the method": {func(r *http.Request) {
			if r.Method == http.MethodPost {
				r.Method = "REFUSED"
			}
		}, `^the sample delivery did not come: something else answers POST requests .* \(403 Forbidden\)$`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var receiver url.URL
			known := make(chan struct{})
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-known
				c.change(r)
				if r.Method == "REFUSED" {
					w.WriteHeader(http.StatusForbidden)
					return
				}
				(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(&receiver) }}).ServeHTTP(w, r)
			}))
			defer front.Close()
			home := t.TempDir()
			p := startHFHook(t, home, "doctor", "--json", "--public-url", front.URL, "--insecure-public-url", "--listen", "127.0.0.1:0")
			port, err := p.await(&p.out, `"name":"port".*"detail":"(\S+) is free"`, 1)
			require.NoError(t, err)
			receiver = url.URL{Scheme: "http", Host: port[1]}
			close(known)
			code, err := p.end(nil)
			require.NoError(t, err)
			noLeftovers(t, home)
			d := decodeDiagnosis(t, p, code)
			path := d.check(t, "path")
			assert.Regexp(t, c.want, path.Detail)
			assert.Equal(t, name == "nothing", path.State == checkOK)
		})
	}
}

func replaceBody(r *http.Request, text string) {
	if r.Method == http.MethodPost {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
}

func TestProxySettingsThatAreNone(t *testing.T) {
	for _, value := range []string{"http://me:s3cret@ 127.0.0.1", "%zz", "http://", "http://127.0.0.1:port"} {
		f := lookAtProxy(t.Context(), "HTTPS_PROXY", value)
		assert.Equal(t, finding{"proxy", checkFailed, "HTTPS_PROXY is not a URL", "write it as http://HOST:PORT, or unset it"}, f, value)
	}
}

func TestAProgramThatPrintsNoVersion(t *testing.T) {
	_, err := firstLine(t.Context(), filepath.Join(t.TempDir(), "nosuch"))
	require.Error(t, err)
	_, err = firstLine(t.Context(), "hfhook", "secret", "--nope")
	require.Error(t, err)
	line, err := firstLine(t.Context(), "hfhook", "--version")
	require.NoError(t, err)
	assert.Regexp(t, `^hfhook version`, line)
}
