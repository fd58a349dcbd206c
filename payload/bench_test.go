package payload

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkDecode takes a body of about 1.2 KB. Its floor is encoding/json
// into the same struct, which does less: no problems, no exact keys.
func BenchmarkDecode(b *testing.B) {
	body, err := os.ReadFile("testdata/discussion.create.model.pr.docs.json")
	require.NoError(b, err)
	benchmarkDecode(b, body)
}

// BenchmarkDecodeFiles takes the longest list of files that the Hub sends.
func BenchmarkDecodeFiles(b *testing.B) { benchmarkDecode(b, manyFiles(10_000)) }

func benchmarkDecode(b *testing.B, body []byte) {
	b.Run("Decode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if _, err := Decode(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if err := json.Unmarshal(body, new(Payload)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDescribe has the copying of its longest line as floor.
func BenchmarkDescribe(b *testing.B) {
	body, err := os.ReadFile("testdata/discussion.create.model.pr.docs.json")
	require.NoError(b, err)
	p, err := Decode(body)
	require.NoError(b, err)
	b.Run("Describe", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.Describe()
		}
	})
	b.Run("copy", func(b *testing.B) {
		b.ReportAllocs()
		line := p.Describe()
		for b.Loop() {
			line = strings.Clone(line)
		}
	})
}

func manyFiles(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"event":{"action":"update","scope":"repo.content"},"repo":{"type":"bucket","name":"a/b","id":"6366c000a2abcdf2fd69a080","private":false,"url":{"web":"https://huggingface.co/buckets/a/b","api":"https://huggingface.co/api/buckets/a/b"},"owner":{"id":"61d2000c3c2083e1c08af22d"}},"updatedFilesTruncated":true,"webhook":{"id":"6390e855e30d9209411de93b","version":3},"updatedFiles":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"path":"checkpoints/step-%d/model.safetensors","action":"add","xetHash":"%064x","size":%d}`, i, i, i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}
