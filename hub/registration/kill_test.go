package registration_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/registration"
)

// The test binary is also the other process: with childMode set it does that
// with the journal and the webhook in its arguments.
const childMode = "HFHOOK_TEST_CHILD"

func child(mode string) int {
	endpoint, _ := hub.FindEndpoint(os.Getenv)
	token, err := hub.FindToken(os.Getenv, "")
	if err != nil {
		return 1
	}
	client, err := hub.New(hub.Options{Endpoint: endpoint, Token: token})
	if err != nil {
		return 1
	}
	r := registration.New(registration.Options{Client: client, Folder: os.Args[1], Settle: time.Millisecond})
	fmt.Println("ready")
	switch mode {
	case "sessions":
		for n := 0; ; n++ {
			if err := workAndEnd(r, os.Args[2], hub.Secret(os.Args[3]), n); err != nil {
				fmt.Println("error:", err)
				return 1
			}
		}
	case "hold":
		reg, err := r.Borrow(context.Background(), os.Args[2], registration.Loan{URL: tunnelA, Own: hub.Secret(os.Args[3])})
		fmt.Println(reg, err)
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		if err == nil {
			fmt.Println(reg.Release(context.Background(), false).Kind)
		}
	case "repair":
		for _, o := range r.Repair(context.Background()) {
			fmt.Println(o.Kind, o.Text)
		}
	}
	return 0
}

// workAndEnd is all of a session.
func workAndEnd(r *registration.Registry, id string, secret hub.Secret, n int) error {
	ctx := context.Background()
	reg, err := r.Borrow(ctx, id, registration.Loan{URL: tunnelA, Own: secret, Secret: "of-the-session"})
	if n%2 == 1 {
		s := newSettings()
		s.URL = fmt.Sprintf("https://%d-%d.trycloudflare.com/", os.Getpid(), n)
		if err == nil {
			reg.Release(ctx, false)
		}
		reg, err = r.Create(ctx, s)
	}
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return reg.Point(ctx, tunnelB) },
		func() error { return reg.Pause(ctx) },
		func() error { return reg.Resume(ctx) },
		func() error { return reg.Release(ctx, false).Err },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) child(mode string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(limited(s.t), os.Args[0], append([]string{s.folder}, args...)...)
	cmd.Env = append(os.Environ(), append(s.Environ(), childMode+"="+mode)...)
	return cmd
}

// killed starts a child and kills it some time after it is ready. It gives what
// it said after that.
func (s *stage) killed(after time.Duration, mode string, args ...string) string {
	s.t.Helper()
	cmd := s.child(mode, args...)
	out, err := cmd.StdoutPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(s.t, lines.Scan())
	require.Equal(s.t, "ready", lines.Text())
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	var said strings.Builder
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
	}
	_ = cmd.Wait()
	// What was on its way has arrived after this, or never will.
	s.Down()
	s.Up()
	return said.String()
}

// TestKilled kills a program at random moments of its sessions, and every other
// time the one that repairs too, until enough of them had something to undo. In
// the end the Hub is as it was found.
func TestKilled(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s, secret := newStage(t), "hush-hush"
	id := s.Register(production, hub.Secret(secret), acme).ID
	s.Extra(id, "priority", 7)
	before, found := s.shown(id), 0
	for round := 0; round < 50 || found <= 10; round++ {
		require.Less(t, round, 500, "sessions were killed while they had something to undo")
		within := time.Duration(1+round/50) * 120 * time.Millisecond // on a slow machine it needs longer to get there
		said := s.killed(time.Duration(random.Int64N(int64(within))), "sessions", id, secret)
		require.NotContains(t, said, "error", "round %d", round)
		if len(s.files()) > 0 {
			found++
		}
		if round%2 == 1 {
			s.killed(time.Duration(random.Int64N(int64(20*time.Millisecond))), "repair")
		}
		for _, o := range s.Repair(limited(t)) {
			assert.Contains(t, []registration.OutcomeKind{registration.Restored, registration.Deleted, registration.Gone}, o.Kind, "round %d: %s", round, o.Text)
		}
		require.Equal(t, before, s.shown(id), "round %d, seed %d", round, seed)
		require.Equal(t, hub.Secret(secret), s.Webhook(id).Secret, "round %d, seed %d", round, seed)
		require.Len(t, s.Webhooks(), 1, "round %d, seed %d", round, seed)
		require.Empty(t, s.files(), "round %d, seed %d", round, seed)
	}
}
