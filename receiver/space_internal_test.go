package receiver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhereRunListens(t *testing.T) {
	for _, tt := range []struct {
		space space
		want  string
	}{
		{space{}, "127.0.0.1:7860"},
		{space{port: "8080"}, "127.0.0.1:7860"}, // PORT counts on a Space only
		{space{id: "a/b"}, "0.0.0.0:7860"},
		{space{id: "a/b", port: "8080"}, "0.0.0.0:8080"},
	} {
		got, err := tt.space.listen()
		require.NoError(t, err)
		assert.Equal(t, tt.want, got)
	}
}
