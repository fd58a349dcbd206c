package sample_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
)

// made is a sample of one event for one type of repo.
type made struct {
	sample.Event
	payload *payload.Payload
}

func (m made) String() string { return m.Name + " of a " + string(m.payload.Repo.Type) }

// everything is a sample of every event for every type that has it.
func everything(t testing.TB) (all []made) {
	for _, e := range sample.All() {
		for _, kind := range e.Types {
			all = append(all, made{e, make1(t, e.Name, kind)})
		}
	}
	return all
}

func make1(t testing.TB, name string, kind payload.RepoType) *payload.Payload {
	t.Helper()
	body, err := sample.New(name, sample.Options{Type: kind, Seed: 7})
	require.NoError(t, err)
	return decoded(t, body)
}

func decoded(t testing.TB, body []byte) *payload.Payload {
	t.Helper()
	p, err := payload.Decode(body)
	require.NoError(t, err, string(body[:min(len(body), 2000)]))
	return p
}
