package main

import (
	"crypto/rand"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
)

func TestDeleteAsks(t *testing.T) {
	for typed, deleted := range map[string]bool{"y\n": true, "YES\n": true, "\n": false, "n\n": false, "ja\n": false, "\x04": false, "\x03": false} {
		t.Run(typed, func(t *testing.T) {
			h := hubtest.Start(t)
			one := h.Register("https://hooks.example.com/?secret=hush", hub.Secret(rand.Text()), hub.Watched{Type: hub.Org, Name: "acme"})
			two := h.Register("https://two.example.com", "", hub.Watched{Type: hub.Org, Name: "acme"})
			p, keyboard := onTerminal(t, h.Environ(), "webhooks", "delete", one.ID, two.ID)
			_, err := p.await(&p.err, `^Delete these 2 webhooks\? \[y/N\] `, 1)
			require.NoError(t, err)
			assert.Contains(t, p.err.String(), "https://hooks.example.com/?secret=[redacted]")
			assert.Contains(t, p.err.String(), "org:acme")
			_, err = keyboard.WriteString(typed)
			require.NoError(t, err)
			code, err := p.end(nil)
			require.NoError(t, err)
			if deleted {
				assert.Zero(t, code)
				assert.Empty(t, h.Webhooks())
				return
			}
			assert.Equal(t, exitFailed, code)
			assert.Len(t, h.Webhooks(), 2)
		})
	}
}

func TestDeleteAsksAboutNothingThatIsNotThere(t *testing.T) {
	h := hubtest.Start(t)
	one := h.Register("https://hooks.example.com", "", hub.Watched{Type: hub.Org, Name: "acme"})
	p, _ := onTerminal(t, h.Environ(), "webhooks", "delete", one.ID, "0123456789abcdef01234567")
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitNotFound, code)
	assert.Len(t, h.Webhooks(), 1)
}

func TestASecretIsTypedUnseen(t *testing.T) {
	h := hubtest.Start(t)
	w := h.Register("https://hooks.example.com", "", hub.Watched{Type: hub.Org, Name: "acme"})
	secret := rand.Text()
	p, keyboard := onTerminal(t, h.Environ(), "webhooks", "update", "--ask-secret", w.ID)
	_, err := p.await(&p.err, `secret \(not shown\): `, 1)
	require.NoError(t, err)
	assert.False(t, echoes(t, keyboard))
	_, err = keyboard.WriteString(secret + "x\x7f\n") // a mistake is taken back
	require.NoError(t, err)
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Zero(t, code, p.err.String())
	assert.Equal(t, secret, string(h.Webhook(w.ID).Secret))
	assert.NotContains(t, p.err.String()+p.out.String(), secret)
	assert.True(t, echoes(t, keyboard), "the terminal is as it was")
}

func TestCtrlCAtAHiddenQuestion(t *testing.T) {
	h := hubtest.Start(t)
	for name, end := range map[string]func(*process, func(string)) error{
		"by key":    func(_ *process, press func(string)) error { press("half\x03"); return nil },
		"by signal": func(p *process, _ func(string)) error { return p.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			p, keyboard := onTerminal(t, h.Environ(), "webhooks", "create", "--ask-secret", "--url", "https://hooks.example.com", "--watch", "org:acme")
			_, err := p.await(&p.err, `secret \(not shown\): `, 1)
			require.NoError(t, err)
			require.NoError(t, end(p, func(keys string) {
				_, err := keyboard.WriteString(keys)
				require.NoError(t, err)
			}))
			code, err := p.end(nil)
			require.NoError(t, err)
			assert.Equal(t, exitFailed, code)
			assert.Contains(t, p.err.String(), "hfhook: interrupted")
			assert.True(t, echoes(t, keyboard), "the terminal is as it was")
			assert.Empty(t, h.Requests())
		})
	}
}

func TestANewSecretIsShownOnce(t *testing.T) {
	h := hubtest.Start(t)
	p, _ := onTerminal(t, h.Environ(), "webhooks", "create", "--new-secret", "--url", "https://hooks.example.com", "--watch", "org:acme", "--json")
	shown, err := p.await(&p.err, `^secret +(\S+)  new; it is shown this once`, 1)
	require.NoError(t, err)
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Zero(t, code)
	require.Len(t, h.Webhooks(), 1)
	assert.Equal(t, shown[1], string(h.Webhooks()[0].Secret))
	assert.Contains(t, p.out.String(), `"secretFrom":"new"`)
	assert.NotContains(t, p.out.String(), shown[1])
}

func TestStdinIsNoPlaceToTypeASecret(t *testing.T) {
	h := hubtest.Start(t)
	p, _ := onTerminal(t, h.Environ(), "webhooks", "update", "--secret-file", "-", "0123")
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, p.err.String(), "pass --ask-secret")
}
