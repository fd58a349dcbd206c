package payload

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRefCreatedAndDeleted(t *testing.T) {
	for _, c := range []struct {
		ref              UpdatedRef
		created, deleted bool
	}{
		{UpdatedRef{OldSHA: Null[string](), NewSHA: Set("1")}, true, false},
		{UpdatedRef{OldSHA: Set("1"), NewSHA: Null[string]()}, false, true},
		{UpdatedRef{OldSHA: Set("1"), NewSHA: Set("2")}, false, false},
		{UpdatedRef{OldSHA: Null[string](), NewSHA: Null[string]()}, false, false},
		{UpdatedRef{NewSHA: Set("1")}, false, false}, // left out is not null
		{UpdatedRef{OldSHA: Set("1")}, false, false},
	} {
		assert.Equal(t, c.created, c.ref.Created(), "%+v", c.ref)
		assert.Equal(t, c.deleted, c.ref.Deleted(), "%+v", c.ref)
	}
}

func TestRefNames(t *testing.T) {
	for _, c := range []struct{ ref, branch, tag, converted string }{
		{"refs/heads/main", "main", "", ""},
		{"refs/heads/feature/x", "feature/x", "", ""},
		{"refs/tags/v1.0", "", "v1.0", ""},
		{"refs/convert/parquet", "", "", "parquet"},
		{"refs/heads/", "", "", ""},
		{"refs/headsmain", "", "", ""},
		{"heads/main", "", "", ""},
		{"refs/heads/refs/tags/x", "refs/tags/x", "", ""},
		{"", "", "", ""},
	} {
		r := UpdatedRef{Ref: c.ref}
		branch, isBranch := r.Branch()
		tag, isTag := r.Tag()
		converted, isConverted := r.Converted()
		assert.Equal(t, []string{c.branch, c.tag, c.converted}, []string{branch, tag, converted}, c.ref)
		assert.Equal(t, []bool{c.branch != "", c.tag != "", c.converted != ""}, []bool{isBranch, isTag, isConverted}, c.ref)
	}
}

func TestRefOfPullRequest(t *testing.T) {
	num, ok := UpdatedRef{Ref: "refs/pr/19"}.PullRequest()
	assert.True(t, ok)
	assert.EqualValues(t, 19, num)
	for _, ref := range []string{"refs/pr/", "refs/pr/x", "refs/pr/-1", "refs/pr/+1", "refs/pr/1/2", "refs/pr/9223372036854775808", "refs/heads/1"} {
		num, ok := UpdatedRef{Ref: ref}.PullRequest()
		assert.False(t, ok, ref)
		assert.Zero(t, num, ref)
	}
}

func TestShort(t *testing.T) {
	assert.Equal(t, "575db8b", Short("575db8b7a51b6f85eb06eee540738584589f131c"))
	assert.Equal(t, "575", Short("575"))
	assert.Empty(t, Short(""))
}

func TestRefsOfAPayload(t *testing.T) {
	for body, want := range map[string][]string{
		`{}`: nil,
		`{"updatedRefs":[{"ref":"refs/heads/main"},{"ref":"refs/pr/2"}]}`: {"refs/heads/main", "refs/pr/2"},
		`{"discussion":{"num":19,"isPullRequest":true}}`:                  {"refs/pr/19"},
		`{"discussion":{"num":19,"isPullRequest":false}}`:                 nil,
		`{"discussion":{"isPullRequest":true}}`:                           nil,
	} {
		p, err := Decode([]byte(body))
		require.NoError(t, err)
		assert.Equal(t, want, p.Refs(), body)
	}
}
