package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
	"github.com/hfhook/hfhook/hub/registration"
	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
)

var acme = hub.Watched{Type: hub.Model, Name: "acme/bert"}

// devAtHub starts hfhook dev with a token of h.
func devAtHub(t *testing.T, h *hubtest.Hub, home string, env []string, args ...string) *process {
	t.Helper()
	all := append(append(append(os.Environ(), homeEnv(home)...), h.Environ()...), env...)
	p, err := launch(t.Cleanup, all, home, "hfhook", append([]string{"dev", "--json", "--listen", "127.0.0.1:0"}, args...)...)
	require.NoError(t, err)
	return p
}

// throughServer are the flags for a tunnel through an own sshd.
func throughServer(s *sshtest.Server) []string {
	return []string{
		"--tunnel", "ssh://" + s.User + "@" + s.Addr + "?listen=" + s.Listen, "--ssh-key", s.KeyFile, "--ssh-known-hosts", s.KnownHosts,
		"--public-url", s.URL().String(), "--insecure-public-url",
	}
}

func TestTheHubPointsItselfHereAndIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	h, server := hubtest.Start(t), sshtest.StartServer(t)
	forwarded := make(chan string, 1)
	handler := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		forwarded <- r.Header.Get("Webhook-Id")
	}))
	defer handler.Close()
	p := devAtHub(t, h, t.TempDir(), nil, append(throughServer(server), "--watch", "model:acme/bert", "--forward", handler.URL)...)
	ready := p.ready(t)
	require.Len(t, h.Webhooks(), 1)
	made := h.Webhooks()[0]
	assert.Equal(t, made.ID, ready.Webhook)
	assert.Equal(t, ready.URL, made.URL)
	assert.Equal(t, []hub.Domain{hub.DomainRepo, hub.DomainDiscussion}, made.Domains)
	assert.NotEmpty(t, made.Secret, "the generated one")

	sent := h.Trigger(hubtest.Event{Repo: acme.Name})
	require.Len(t, sent, 1)
	assert.Equal(t, http.StatusOK, sent[0].Wait().Status)
	assert.Equal(t, sent[0].ID, <-forwarded)
	_, err := p.await(&p.out, `"type":"delivery".*"webhookId":"`+sent[0].ID+`"`, 1)
	require.NoError(t, err)
	endsWell(t, p, os.Interrupt)
	assert.Empty(t, h.Webhooks())
	assert.Contains(t, p.out.String(), `"type":"registration"`)
	assert.NotContains(t, p.out.String()+p.err.String(), string(made.Secret))
	assert.NotContains(t, p.out.String()+p.err.String(), h.Token)
}

func TestAKeptWebhookIsDisabled(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	p := devAtHub(t, h, t.TempDir(), nil, "--public-url", "https://hooks.example.com", "--no-probe", "--watch", "org:acme", "--domain", "discussions", "--keep-webhook")
	p.ready(t)
	endsWell(t, p, syscall.SIGTERM)
	require.Len(t, h.Webhooks(), 1)
	assert.Equal(t, hub.Disabled, h.Webhooks()[0].State)
	assert.Equal(t, []hub.Domain{hub.DomainDiscussion}, h.Webhooks()[0].Domains)
}

// asShown is a setting as the Hub has it, with its secret.
func asShown(t *testing.T, w *hub.Webhook) string {
	t.Helper()
	require.NotNil(t, w)
	b, err := json.Marshal(w)
	require.NoError(t, err)
	return string(b) + string(w.Secret)
}

// Killed at any moment, the next start puts back what was borrowed.
func TestABorrowedWebhookIsAsItWasAfterSIGKILL(t *testing.T) {
	t.Parallel()
	h, server := hubtest.Start(t), sshtest.StartServer(t)
	h.ShowSecrets(true)
	yours := h.Register("https://bot.example.com/hook", "the-bots-own", acme)
	before := asShown(t, h.Webhook(yours.ID))
	home := t.TempDir()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	flags := append(throughServer(server), "--webhook", yours.ID)

	p := devAtHub(t, h, home, nil, flags...)
	begin := time.Now()
	p.ready(t)
	whole := time.Since(begin)
	assert.Equal(t, server.URL().JoinPath("/webhooks/dev").String(), h.Webhook(yours.ID).URL)
	endsWell(t, p, os.Interrupt)
	require.Equal(t, before, asShown(t, h.Webhook(yours.ID)))

	repaired := 0
	for range 50 {
		p := devAtHub(t, h, home, nil, flags...)
		moment := time.NewTimer(time.Duration(random.Int64N(int64(whole) * 5 / 4)))
		if random.IntN(2) == 0 { // also after it is ready
			p.ready(t)
		}
		<-moment.C
		_, err := p.end(os.Kill)
		require.NoError(t, err)
		if asShown(t, h.Webhook(yours.ID)) != before {
			repaired++
		}
		next, err := launch(t.Cleanup, append(append(os.Environ(), homeEnv(home)...), h.Environ()...), home, "hfhook", "webhooks", "list")
		require.NoError(t, err)
		code, err := next.end(nil)
		require.NoError(t, err)
		require.Zero(t, code, next.err.String())
		require.Equal(t, before, asShown(t, h.Webhook(yours.ID)), next.err.String())
	}
	assert.Positive(t, repaired, "none was killed while it had the webhook")
	t.Logf("of 50 that were killed, %d had the webhook", repaired)
}

func TestAWebhookInUseIsTakenOnlyOnPurpose(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	yours := h.Register("https://bot.example.com/hook", "", acme)
	h.Edit(yours.ID, func(w *hub.Webhook) { w.LastTriggerAt = time.Now().Add(-time.Hour) })
	flags := []string{"--no-secret", "--public-url", "https://hooks.example.com", "--no-probe", "--webhook", yours.ID}
	p := devAtHub(t, h, t.TempDir(), nil, flags...)
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitFailed, code)
	assert.Regexp(t, `(?m)^hfhook: webhook \S+ is in use: bot\.example\.com `, p.err.String())
	assert.Regexp(t, `(?m)^hint: --takeover takes it over on purpose`, p.err.String())
	assert.Equal(t, yours.URL, h.Webhook(yours.ID).URL)

	p = devAtHub(t, h, t.TempDir(), nil, append(flags, "--takeover")...)
	p.ready(t)
	endsWell(t, p, os.Interrupt)
	assert.Equal(t, yours.URL, h.Webhook(yours.ID).URL)

	for answer, took := range map[string]bool{"y\n": true, "\n": false} {
		env := append(append(h.Environ(), "WEBHOOK_SECRET="), "HTTPS_PROXY=")
		p, keyboard := onTerminal(t, env, append([]string{"dev", "--listen", "127.0.0.1:0"}, flags...)...)
		_, err = p.await(&p.err, `Point it here for this session\? \[y/N\]`, 1)
		require.NoError(t, err)
		_, err = keyboard.WriteString(answer)
		require.NoError(t, err)
		if took {
			_, err = p.await(&p.err, "Waiting for deliveries", 1)
			require.NoError(t, err)
			endsWell(t, p, os.Interrupt)
			continue
		}
		code, err := p.end(nil)
		require.NoError(t, err)
		assert.Equal(t, exitFailed, code)
	}
}

// A secret that the Hub does not show could be lost, so it has to be given.
func TestAHiddenSecretHasToBeGiven(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	yours := h.Register("https://x.ngrok-free.app/hook", "hidden-one", acme)
	before := asShown(t, h.Webhook(yours.ID))
	flags := []string{"--public-url", "https://hooks.example.com", "--no-probe", "--webhook", yours.ID}
	p := devAtHub(t, h, t.TempDir(), nil, flags...)
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitUsage, code)
	assert.Regexp(t, `(?m)^hint: give its secret in WEBHOOK_SECRET`, p.err.String())
	assert.Equal(t, before, asShown(t, h.Webhook(yours.ID)))

	p = devAtHub(t, h, t.TempDir(), []string{"WEBHOOK_SECRET=hidden-one"}, flags...)
	p.ready(t)
	assert.Equal(t, hub.Secret("hidden-one"), h.Webhook(yours.ID).Secret)
	endsWell(t, p, os.Interrupt)
	assert.Equal(t, before, asShown(t, h.Webhook(yours.ID)))
}

// When the tunnel gets another URL, the Hub delivers there.
func TestTheHubFollowsTheTunnel(t *testing.T) {
	t.Parallel()
	service := sshtest.StartService(t, ssh.LocalhostRun)
	h := hubtest.Start(t, hubtest.Transport(service.Client().Transport))
	p := devAtHub(t, h, t.TempDir(), serviceEnv(t, service), "--watch", "model:acme/bert")
	ready := p.ready(t)
	second := "https://" + service.Rename()
	require.Equal(t, 1, service.KillSessions())
	_, err := p.await(&p.out, `"type":"registration".*"state":"pointed".*"url":"`+second+`/webhooks/dev"`, 1)
	require.NoError(t, err)
	assert.NotEqual(t, ready.URL, second+"/webhooks/dev")
	sent := h.Trigger(hubtest.Event{Repo: acme.Name})
	require.Len(t, sent, 1)
	assert.Equal(t, http.StatusOK, sent[0].Wait().Status)
	endsWell(t, p, os.Interrupt)
	assert.Empty(t, h.Webhooks())
}

// Somebody else answers under the public URL: the Hub would send him the secret.
func TestTheHubIsNotPointedAtAStranger(t *testing.T) {
	t.Parallel()
	h, server := hubtest.Start(t), sshtest.StartServer(t)
	through := httputil.NewSingleHostReverseProxy(server.URL())
	through.ErrorLog = log.New(io.Discard, "", 0)
	var stranger atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stranger.Load() {
			_, _ = io.WriteString(w, r.URL.Path) // says what he was asked
			return
		}
		through.ServeHTTP(w, r)
	}))
	defer front.Close()
	flags := append(throughServer(server), "--public-url", front.URL, "--watch", "model:acme/bert")

	stranger.Store(true)
	p := devAtHub(t, h, t.TempDir(), nil, flags...)
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitNoTunnel, code)
	assert.Contains(t, p.err.String(), "the Hub is not told to deliver where somebody else would get the secret")
	for _, r := range h.Requests() {
		assert.Equal(t, http.MethodGet, r.Method, "nothing was changed at the Hub")
	}
	server.WaitIdle()

	stranger.Store(false)
	p = devAtHub(t, h, t.TempDir(), nil, flags...)
	p.ready(t)
	stranger.Store(true)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	_, err = p.await(&p.out, `"type":"registration".*"state":"paused".*`, 1)
	require.NoError(t, err)
	require.Len(t, h.Webhooks(), 1)
	assert.Equal(t, hub.Disabled, h.Webhooks()[0].State)
	stranger.Store(false)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	_, err = p.await(&p.out, `"type":"registration".*"state":"resumed"`, 1)
	require.NoError(t, err)
	assert.Equal(t, hub.Enabled, h.Webhooks()[0].State)
	endsWell(t, p, os.Interrupt)
	assert.Empty(t, h.Webhooks())
}

// Whatever a handler does, the Hub gets its 2xx, unless somebody wants
// otherwise; then it is said before the webhook is suspended.
func TestAHandlerThatAlwaysFails(t *testing.T) {
	t.Parallel()
	handler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer handler.Close()
	for ack, suspended := range map[string]bool{"store": false, "handler": true} {
		t.Run(ack, func(t *testing.T) {
			h, server := hubtest.Start(t, hubtest.SuspendAfter(3)), sshtest.StartServer(t)
			p := devAtHub(t, h, t.TempDir(), nil, append(throughServer(server), "--watch", "model:acme/bert", "--forward", handler.URL, "--ack", ack)...)
			id := p.ready(t).Webhook
			for i := range 10 {
				sent := h.Trigger(hubtest.Event{Repo: acme.Name})
				if len(sent) == 0 {
					break // suspended
				}
				sent[0].Wait()
				if i == 0 && suspended {
					_, err := p.await(&p.out, `"type":"warning".*the Hub got a 500 from your handler; the Hub tries again, and suspends a webhook that keeps failing`, 1)
					require.NoError(t, err)
					assert.Equal(t, hub.Enabled, h.Webhook(id).State, "it is said beforehand")
				}
			}
			assert.Equal(t, suspended, h.Webhook(id).State == hub.Suspended)
			endsWell(t, p, os.Interrupt)
			assert.Empty(t, h.Webhooks())
			assert.Equal(t, suspended, strings.Contains(p.out.String(), `"type":"shield"`) && strings.Contains(p.out.String(), `"failed":{"500":`))
		})
	}
}

func TestTheHubIsFailedOnPurpose(t *testing.T) {
	t.Parallel()
	h, server, home := hubtest.Start(t), sshtest.StartServer(t), t.TempDir()
	p := devAtHub(t, h, home, nil, append(throughServer(server), "--watch", "model:acme/bert", "--keep-webhook", "--fail-with", "503:2")...)
	id := p.ready(t).Webhook
	_, err := p.await(&p.out, `"type":"warning".*answered with 503:2 on purpose`, 1)
	require.NoError(t, err)
	sent := h.Trigger(hubtest.Event{Repo: acme.Name})[0]
	assert.Equal(t, http.StatusOK, sent.Wait().Status)
	var statuses []int
	for _, a := range sent.Attempts() {
		statuses = append(statuses, a.Status)
	}
	assert.Equal(t, []int{503, 503, 200}, statuses)
	_, err = p.await(&p.out, `"type":"delivery".*"repeat":"retry"`, 2)
	require.NoError(t, err)
	endsWell(t, p, os.Interrupt)

	show, err := launch(t.Cleanup, append(append(os.Environ(), homeEnv(home)...), h.Environ()...), home, "hfhook", "webhooks", "show", id)
	require.NoError(t, err)
	endsWell(t, show, nil)
	assert.Regexp(t, `(?m)^received +1 of 1000 deliveries in 24 hours, as far as they are kept here$`, show.out.String())
	assert.Regexp(t, `(?m)^failed +2× 503; the Hub tries again, and suspends a webhook that keeps failing$`, show.out.String())
}

// What goes wrong with the Hub, at the start, in between and at the end.
func TestTroubleWithTheHub(t *testing.T) {
	t.Parallel()
	flags := []string{"--public-url", "https://hooks.example.com", "--no-probe", "--watch", "model:acme/bert"}
	for name, c := range map[string]struct {
		prepare func(h *hubtest.Hub)
		env     []string
		code    int
		said    string
	}{
		"no token":                {nil, []string{"HF_TOKEN="}, exitHub, `there is no token`},
		"wrong token":             {nil, []string{"HF_TOKEN=wrong"}, exitHub, `401`},
		"a token without a right": {func(h *hubtest.Hub) { h.TokenIs(hub.TokenFineGrained, hub.RightRead) }, nil, exitHub, `the token may not change webhooks`},
		"the Hub is down":         {func(h *hubtest.Hub) { h.Down() }, nil, exitHub, `cannot be reached`},
		"offline":                 {nil, []string{"HF_HUB_OFFLINE=1"}, exitHub, `switched off`},
	} {
		t.Run(name, func(t *testing.T) {
			h := hubtest.Start(t)
			if c.prepare != nil {
				c.prepare(h)
			}
			p := devAtHub(t, h, t.TempDir(), c.env, flags...)
			code, err := p.end(nil)
			require.NoError(t, err)
			assert.Equal(t, c.code, code)
			assert.Contains(t, p.err.String(), c.said)
			assert.Contains(t, p.err.String(), "\nhint: ")
		})
	}
	t.Run("down at the end", func(t *testing.T) {
		h, home := hubtest.Start(t), t.TempDir()
		p := devAtHub(t, h, home, nil, flags...)
		p.ready(t)
		h.Down()
		code, err := p.end(os.Interrupt)
		require.NoError(t, err)
		assert.Equal(t, exitHub, code)
		assert.Contains(t, p.err.String(), "hint: the next hfhook command that talks to the Hub tries again")
		h.Up()
		require.Len(t, h.Webhooks(), 1)
		p = devAtHub(t, h, home, nil, "--tunnel", "none")
		p.ready(t)
		assert.Empty(t, h.Webhooks(), "repaired by the next start")
		assert.Contains(t, p.out.String(), "an earlier session did not end in order")
		endsWell(t, p, os.Interrupt)

		p = devAtHub(t, h, home, nil, flags...)
		p.ready(t)
		_, err = p.end(os.Kill)
		require.NoError(t, err)
		require.Len(t, h.Webhooks(), 1)
		d := doctorOn(t, home, h.Environ(), "--tunnel", "none")
		assert.Empty(t, h.Webhooks())
		assert.Equal(t, checkOK, d.check(t, "webhook").State)
	})
	t.Run("the webhook is gone", func(t *testing.T) {
		h := hubtest.Start(t)
		p := devAtHub(t, h, t.TempDir(), nil, flags...)
		h.Remove(p.ready(t).Webhook)
		endsWell(t, p, os.Interrupt)
		assert.Regexp(t, `"type":"warning".*is gone: somebody else deleted it`, p.out.String())
	})
	t.Run("somebody else changed it", func(t *testing.T) {
		h := hubtest.Start(t)
		p := devAtHub(t, h, t.TempDir(), nil, flags...)
		id := p.ready(t).Webhook
		h.Edit(id, func(w *hub.Webhook) { w.URL = "https://elsewhere.example.com" })
		endsWell(t, p, os.Interrupt)
		assert.Equal(t, "https://elsewhere.example.com", h.Webhook(id).URL)
		assert.Regexp(t, `"type":"warning".*was changed by somebody else and is left as it is`, p.out.String())
	})
	t.Run("two at once keep apart", func(t *testing.T) {
		h, home := hubtest.Start(t), t.TempDir()
		one := devAtHub(t, h, home, nil, append(flags, "--store", home+"/one.db")...)
		one.ready(t)
		two := devAtHub(t, h, home, nil, append(flags, "--store", home+"/two.db", "--public-url", "https://two.example.com")...)
		two.ready(t)
		assert.Len(t, h.Webhooks(), 2)
		endsWell(t, one, os.Interrupt)
		require.Len(t, h.Webhooks(), 1)
		assert.Equal(t, "https://two.example.com/webhooks/dev", h.Webhooks()[0].URL)
		endsWell(t, two, os.Interrupt)
		assert.Empty(t, h.Webhooks())
	})
	t.Run("no public URL", func(t *testing.T) {
		h := hubtest.Start(t)
		p := devAtHub(t, h, t.TempDir(), nil, "--tunnel", "none", "--watch", "model:acme/bert")
		code, err := p.end(nil)
		require.NoError(t, err)
		assert.Equal(t, exitNoTunnel, code)
		assert.Contains(t, p.err.String(), "there is no public URL that the Hub could deliver to")
	})
}

// A tunnel that is down for long costs no webhook, and one that the Hub could
// not be told of is told later.
func TestAnOutageDisablesTheWebhookAndItsEndEnablesIt(t *testing.T) {
	h := hubtest.Start(t)
	w := h.Register("https://one.example.com/webhooks/dev", "", acme)
	book := new(notebook)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	registry := registryIn(t, h)
	reg, err := registry.Borrow(ctx, w.ID, loanTo("https://two.example.com/webhooks/dev"))
	require.NoError(t, err)
	r := &registering{report: book, reg: reg, changed: make(chan struct{}, 1)}
	have := standing{url: "https://two.example.com/webhooks/dev"}
	r.wish(func(s *standing) { *s = have })
	r.worker = start(ctx, func(ctx context.Context) error { return r.work(ctx, have) })
	state := func(want hub.State) {
		t.Helper()
		require.Eventually(t, func() bool { return h.Webhook(w.ID).State == want }, 20*time.Second, 5*time.Millisecond)
	}
	r.outage(false)
	state(hub.Disabled)
	h.Interrupt(1, hubtest.HTMLError)
	r.outage(true)
	state(hub.Enabled)
	h.Edit(w.ID, func(w *hub.Webhook) { w.State = hub.Suspended })
	r.outage(true)
	state(hub.Enabled)
	require.NoError(t, r.worker.end())
	assert.Equal(t, "restored", string(reg.Release(ctx, false).Kind))
	assert.Contains(t, fmt.Sprint(book.read()), "registration paused")
}

func registryIn(t *testing.T, h *hubtest.Hub) *registration.Registry {
	t.Helper()
	return registration.New(registration.Options{Client: h.Client(), Folder: filepath.Join(t.TempDir(), "journal")})
}

func loanTo(url string) registration.Loan { return registration.Loan{URL: url} }
