package payload

import (
	"slices"
	"strings"
)

// Scope is the part of a repo that an event is about, in dotted words that
// narrow it down. The set is open.
type Scope string

const (
	ScopeRepo              Scope = "repo"               // the repo as a whole
	ScopeRepoContent       Scope = "repo.content"       // commits, branches, tags, refs of pull requests; files of a bucket
	ScopeRepoConfig        Scope = "repo.config"        // settings, secrets, visibility, DOIs
	ScopeDiscussion        Scope = "discussion"         // a discussion or pull request: opened, renamed, closed, merged
	ScopeDiscussionComment Scope = "discussion.comment" // a comment: posted, edited, hidden
)

// Action is what happened to it. The set is open.
type Action string

const (
	ActionCreate Action = "create"
	ActionDelete Action = "delete"
	ActionUpdate Action = "update"
	ActionMove   Action = "move" // of a repo: renamed or transferred
	ActionAdd    Action = "add"  // of a file in a bucket only
)

// RepoType is a kind of repo. The set is open.
type RepoType string

const (
	RepoModel   RepoType = "model"
	RepoDataset RepoType = "dataset"
	RepoSpace   RepoType = "space"
	RepoBucket  RepoType = "bucket" // no git, no discussions; since August 2026
	RepoKernel  RepoType = "kernel" // can be watched; its payloads are not documented. Source: the Hub's OpenAPI document
)

// Status is the state of a discussion. The set is open.
// Source: huggingface_hub _webhooks_payload.py
type Status string

const (
	StatusOpen   Status = "open"
	StatusClosed Status = "closed"
	StatusDraft  Status = "draft"
	StatusMerged Status = "merged"
)

// Actions gives the documented actions of a scope, nil for a scope that is
// not documented.
func (s Scope) Actions() []Action {
	switch s {
	case ScopeRepo:
		return []Action{ActionCreate, ActionDelete, ActionUpdate, ActionMove}
	case ScopeRepoContent, ScopeRepoConfig:
		return []Action{ActionUpdate}
	case ScopeDiscussion:
		return []Action{ActionCreate, ActionDelete, ActionUpdate}
	case ScopeDiscussionComment:
		return []Action{ActionCreate, ActionUpdate}
	}
	return nil
}

// Known reports whether the scope is documented.
func (s Scope) Known() bool { return s.Actions() != nil }

// Known reports whether the action is documented, for whatever scope.
func (a Action) Known() bool {
	switch a {
	case ActionCreate, ActionDelete, ActionUpdate, ActionMove, ActionAdd:
		return true
	}
	return false
}

// Known reports whether the Hub is known to have repos of this type.
func (t RepoType) Known() bool {
	switch t {
	case RepoModel, RepoDataset, RepoSpace, RepoBucket, RepoKernel:
		return true
	}
	return false
}

// Known reports whether the status is known.
func (s Status) Known() bool {
	switch s {
	case StatusOpen, StatusClosed, StatusDraft, StatusMerged:
		return true
	}
	return false
}

// Within reports whether s is outer or narrower than it. The Hub may add
// scopes such as "repo.config.dois"; that one is within "repo.config" and
// within "repo", but "repository" is not within "repo".
func (s Scope) Within(outer Scope) bool {
	rest, ok := strings.CutPrefix(string(s), string(outer))
	return ok && (rest == "" || rest[0] == '.' && outer != "")
}

// Known reports whether the action is documented for the scope.
func (e Event) Known() bool { return slices.Contains(e.Scope.Actions(), e.Action) }

// Effective applies the Hub's rule for scopes that came later than a program:
// whatever happens to a narrower scope that is not known is an update of the
// narrowest known scope around it. So "delete" on "repo.config.dois" is
// "update" on "repo.config", and never a deletion. An event whose scope is
// known, or within no known one, is returned as it is.
func (e Event) Effective() Event {
	for outer := e.Scope; ; {
		if outer.Known() {
			if outer == e.Scope {
				return e
			}
			return Event{Scope: outer, Action: ActionUpdate}
		}
		dot := strings.LastIndexByte(string(outer), '.')
		if dot < 0 {
			return e
		}
		outer = outer[:dot]
	}
}
