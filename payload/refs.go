package payload

import (
	"strconv"
	"strings"
)

// Created reports whether the ref is new.
func (r UpdatedRef) Created() bool { return r.OldSHA.IsNull() && !r.NewSHA.IsNull() }

// Deleted reports whether the ref is gone.
func (r UpdatedRef) Deleted() bool { return r.NewSHA.IsNull() && !r.OldSHA.IsNull() }

// Branch gives the name of the branch, as in "main" or "feature/x", and
// whether the ref is one.
func (r UpdatedRef) Branch() (string, bool) { return within(r.Ref, "refs/heads/") }

// Tag gives the name of the tag, and whether the ref is one.
func (r UpdatedRef) Tag() (string, bool) { return within(r.Ref, "refs/tags/") }

// PullRequest gives the number of the pull request, and whether the ref is
// the branch of one.
func (r UpdatedRef) PullRequest() (int64, bool) {
	digits, ok := within(r.Ref, "refs/pr/")
	if !ok {
		return 0, false
	}
	num, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0, false
	}
	return int64(num), true
}

// Converted gives the format, as in "parquet", and whether the ref holds what
// the dataset viewer's bot made of a dataset.
func (r UpdatedRef) Converted() (string, bool) { return within(r.Ref, "refs/convert/") }

func within(ref, prefix string) (string, bool) {
	name, ok := strings.CutPrefix(ref, prefix)
	if !ok || name == "" {
		return "", false
	}
	return name, true
}

// Refs gives the refs that the event is about: those of UpdatedRefs, and of a
// pull request its own, as in "refs/pr/19".
func (p *Payload) Refs() []string {
	var refs []string
	for _, r := range p.UpdatedRefs {
		refs = append(refs, r.Ref)
	}
	if d := p.Discussion; d != nil && d.IsPullRequest && d.Num > 0 {
		refs = append(refs, "refs/pr/"+strconv.FormatInt(d.Num, 10))
	}
	return refs
}

// Short gives the first seven digits of a commit's sha.
func Short(sha string) string { return sha[:min(len(sha), 7)] }
