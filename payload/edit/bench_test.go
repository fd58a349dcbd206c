package edit_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload/edit"
)

// BenchmarkSet sets one place of a body. The floor is encoding/json, which gives
// neither the order of keys back nor the white space.
func BenchmarkSet(b *testing.B) {
	body, err := os.ReadFile("../testdata/discussion.create.model.pr.docs.json")
	require.NoError(b, err)
	edits := edit.Edits{set(b, "discussion.status", "merged")}
	b.Run("edit", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if _, err := edits.Apply(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			var v map[string]any
			if err := json.Unmarshal(body, &v); err != nil {
				b.Fatal(err)
			}
			v["discussion"].(map[string]any)["status"] = "merged"
			if _, err := json.Marshal(v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
