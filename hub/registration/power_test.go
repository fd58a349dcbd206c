package registration_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
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
			loan := registration.Loan{Own: secret, Secret: "of-the-session"}
			before, count := s.shown(id), len(s.Webhooks())
			asFound := func(what string) {
				t.Helper()
				for _, o := range s.Repair(limited(t)) {
					assert.Contains(t, []registration.OutcomeKind{registration.Restored, registration.Deleted, registration.Gone}, o.Kind, "%s: %s", what, o.Text)
				}
				require.Equal(t, before, s.shown(id), what)
				require.Len(t, s.Webhooks(), count, what)
				require.Empty(t, s.files(), what)
				require.NoError(t, os.RemoveAll(s.folder))
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
						require.NoError(t, d.LayOut(s.folder, loss, luck))
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
