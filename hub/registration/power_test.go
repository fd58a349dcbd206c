package registration_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/registration"
)

// unplugged is the way to the Hub of a computer that may be off.
type unplugged struct {
	diary *registration.Diary
	via   *http.Transport
}

func (u unplugged) RoundTrip(r *http.Request) (*http.Response, error) {
	if u.diary.Off() {
		return nil, errCut
	}
	return u.via.RoundTrip(r)
}

func (s *stage) unplugged(d *registration.Diary) *registration.Registry {
	via := &http.Transport{}
	s.t.Cleanup(via.CloseIdleConnections)
	return d.On(s.registry(s.client(func(o *hub.Options) { o.Transport = unplugged{d, via} })))
}

// TestTorturePowerLoss cuts the power after each operation of the journal, with
// and without what was asked of the Hub until the next one, and loses what was
// not synced in each way. Another has each operation fail, once. The next start
// leaves the Hub as it was found.
func TestTorturePowerLoss(t *testing.T) {
	seed, long := rand.Uint64(), false
	if text := os.Getenv("TORTURE_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "TORTURE_SEED is a number")
		long = os.Getenv("TORTURE_SHORT") == ""
	}
	t.Logf("TORTURE_SEED=%d", seed)
	whose := map[string]func(*stage, hub.Secret) string{"created": func(*stage, hub.Secret) string { return "" }}
	for name, register := range formers {
		if long || len(whose) < 2 {
			whose["borrowed "+name] = register
		}
	}
	faults := 0
	for name, register := range whose {
		t.Run(name, func(t *testing.T) {
			luck := rand.New(rand.NewPCG(seed, 0))
			s, secret := newStage(t), hub.Secret("hush-hush")
			id := register(s, secret)
			loan, state := registration.Loan{Own: secret, Secret: "of-the-session"}, filepath.Dir(s.folder)
			before, count := s.shown(id), len(s.Webhooks())
			asFound := func(what string) {
				t.Helper()
				for _, o := range s.Repair(limited(t)) {
					assert.Contains(t, []registration.OutcomeKind{registration.Restored, registration.Deleted, registration.Gone}, o.Kind, "%s: %s", what, o.Text)
				}
				require.Equal(t, before, s.shown(id), what)
				require.Len(t, s.Webhooks(), count, what)
				require.Empty(t, s.files(), what)
				require.NoError(t, os.RemoveAll(state))
			}
			for at, more := 0, true; more; at++ {
				losses := registration.Losses
				if !long {
					losses = []registration.Loss{losses[luck.IntN(len(losses))]}
					at += luck.IntN(4)
				}
				for _, early := range []bool{false, true} {
					for _, loss := range losses {
						d := &registration.Diary{StopAt: at, Early: early}
						session(limited(t), s.unplugged(d), id, loan)
						more = more && (early || d.Reached())
						require.NoError(t, d.LayOut(state, loss, luck))
						asFound(fmt.Sprintf("off before operation %d, early %t, %s of it lost", at, early, loss))
						faults++
					}
				}
				d := &registration.Diary{StopAt: at, Once: true}
				session(limited(t), s.unplugged(d), id, loan)
				asFound(fmt.Sprintf("operation %d fails", at))
				faults++
			}
		})
	}
	t.Logf("torture: power loss and errors of the journal: faults=%d", faults)
}

// TestPowerLossAfterAnError has one of the first operations of a session fail,
// and cuts the power in the next session. What of the first one was not synced
// is lost too.
func TestPowerLossAfterAnError(t *testing.T) {
	s := newStage(t)
	state := filepath.Dir(s.folder)
	for first := range 6 { // all that make the folders, and some
		for at, more := 0, true; more; at += 3 {
			d := &registration.Diary{StopAt: first, Once: true}
			session(limited(t), s.unplugged(d), "", registration.Loan{})
			require.True(t, d.Reached())
			d.OffLater(at)
			session(limited(t), s.unplugged(d), "", registration.Loan{})
			more = d.Reached()
			require.NoError(t, d.LayOut(state, "everything", nil))
			s.Repair(limited(t))
			require.Empty(t, s.Webhooks(), "operation %d fails, off before operation %d of the next session", first, at)
			require.Empty(t, s.files())
			require.NoError(t, os.RemoveAll(state))
		}
	}
}

// A folder of others that may not be read, or cannot be synced, is no reason to
// keep no journal below it.
func TestFoldersOfOthersNeedNotBeSynced(t *testing.T) {
	for _, err := range []error{fs.ErrPermission, errors.ErrUnsupported, syscall.EINVAL} {
		s := newStage(t)
		d := &registration.Diary{Once: true, Err: err}
		reg, err := s.unplugged(d).Create(limited(t), newSettings())
		require.NoError(t, err)
		require.True(t, d.Reached())
		reg.Release(limited(t), false)
	}
}
