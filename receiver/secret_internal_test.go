package receiver

import (
	"crypto/rand"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

// The time that the comparison takes says nothing of the secrets: sums of one
// length are compared, each with each, by what takes as long for all; and of
// the secrets there are no texts any more. It is the code that is looked at,
// since clocks are not that good; BenchmarkSecret has the figures.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "secret.go", nil, 0)
	require.NoError(t, err)
	compared := 0
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "have" {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.RangeStmt:
				ast.Inspect(n.Body, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.ReturnStmt, *ast.BranchStmt, *ast.IfStmt, *ast.SwitchStmt:
						t.Errorf("%T in the loop: the place of a secret makes a difference", n)
					case *ast.SelectorExpr:
						if n.Sel.Name == "ConstantTimeCompare" {
							compared++
						}
					}
					return true
				})
			case *ast.IfStmt, *ast.SwitchStmt:
				t.Errorf("%T: some secrets are compared in another way", n)
			}
			return true
		})
	}
	assert.Equal(t, 1, compared)
	assert.IsType(t, [32]byte{}, secrets{{}}[0], "sums and no texts")
}

func newSecretRequest(given string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "/", http.NoBody)
	if err != nil {
		panic(err)
	}
	r.Header[replay.HeaderSecret] = []string{given}
	return r
}

// BenchmarkSecret takes the same time for whatever has the same length.
func BenchmarkSecret(b *testing.B) {
	var texts []string
	for range 8 {
		texts = append(texts, rand.Text())
	}
	all, err := newSecrets(Options{Secrets: texts})
	require.NoError(b, err)
	last := texts[len(texts)-1]
	for name, given := range map[string]string{
		"first":              texts[0],
		"last":               last,
		"wrong":              rand.Text(),
		"wrong in the last":  last[:len(last)-1] + "!",
		"wrong in the first": "!" + last[1:],
		"short":              "x",
		"64 KiB":             strings.Repeat("x", 64<<10),
	} {
		b.Run(fmt.Sprintf("given=%s", strings.ReplaceAll(name, " ", "-")), func(b *testing.B) {
			r := newSecretRequest(given)
			b.ReportAllocs()
			for b.Loop() {
				_ = all.check(r)
			}
		})
	}
}
