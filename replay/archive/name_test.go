package archive_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/archive"
)

// Whatever a repo is called, its file is a plain one of the folder, on every
// system: no other folder, stream, device or hidden file, and no name that is
// cut or folded to another.
func TestTextNameIsPlainEverywhere(t *testing.T) {
	names := append([]string{
		"a:b", "a::$DATA", "CON", "con.txt", "NUL.txt", "AUX", "COM1", "LPT9", "CONIN$", `..\..\evil`, `\\server\share`, `\\?\C:\x`, `C:evil`, "/etc/passwd", "../../evil", "..",
		"a.", "a ", "a. . .", " ", ".hidden", "~", "a\x00b", "a\nb", "con\u200b", "ａ／ｂ", "\u202etxt.exe", "\xff", strings.Repeat("x", 300), strings.Repeat("界", 300), "-rf", "a*?<>|\"b", "PRN .txt",
	}, hostile...)
	for _, name := range names {
		for _, d := range []*replay.Delivery{
			{Verdict: replay.Accepted, Scope: "repo", Action: "update", Repo: name},
			{Verdict: replay.Accepted, Scope: payload.Scope(name), Action: payload.Action(name), Repo: name},
			{Verdict: replay.Verdict(name), Scope: payload.Scope(name)},
			{Verdict: replay.Rejected, Scope: payload.Scope(name)}, {Verdict: replay.Undecodable, Repo: name},
		} {
			for _, n := range []int{1, 12, 1_000_000} {
				assert.Regexp(t, `\A[0-9]{5,}-[A-Za-z0-9._-]{1,80}\.txt\z`, archive.TextName(n, d), "%q", name)
			}
		}
	}
}
