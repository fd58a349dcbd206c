package sqlite

import (
	"database/sql/driver"

	"modernc.org/sqlite"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// engine is SQLite with what our filters need, and nobody else's connections
// have.
var engine = newEngine()

// refsFunc is called with a body and globs, and tells whether one of the refs in
// the body is what one of the globs describes.
const refsFunc = "hfhook_refs"

// repoFunc and scopeFunc are called with the bytes of a value and a glob, and tell whether
// the one is what the other describes.
const repoFunc, scopeFunc = "hfhook_repo", "hfhook_scope"

func newEngine() *sqlite.Driver {
	d := new(sqlite.Driver)
	d.MustRegisterDeterministicScalarFunction(refsFunc, -1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		f := replay.Filter{Refs: make([]string, 0, len(args))}
		for _, glob := range args[1:] {
			f.Refs = append(f.Refs, text(glob))
		}
		return f.Match(&replay.Delivery{Verdict: replay.Accepted, Body: blob(args[0])}), nil
	})
	d.MustRegisterDeterministicScalarFunction(repoFunc, 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		f := replay.Filter{Repos: []string{text(args[1])}}
		return f.Match(&replay.Delivery{Repo: string(blob(args[0]))}), nil
	})
	d.MustRegisterDeterministicScalarFunction(scopeFunc, 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		f := replay.Filter{Scopes: []payload.Scope{payload.Scope(text(args[1]))}}
		return f.Match(&replay.Delivery{Scope: payload.Scope(blob(args[0]))}), nil
	})
	return d
}
