package payload

// Scope is the part of a repo that an event is about. The set is open.
type Scope string

const (
	ScopeRepo              Scope = "repo"
	ScopeRepoContent       Scope = "repo.content"
	ScopeRepoConfig        Scope = "repo.config"
	ScopeDiscussion        Scope = "discussion"
	ScopeDiscussionComment Scope = "discussion.comment"
)

// Action is what happened to it. The set is open.
type Action string

const (
	ActionCreate Action = "create"
	ActionDelete Action = "delete"
	ActionUpdate Action = "update"
	ActionMove   Action = "move"
	ActionAdd    Action = "add"
)

// RepoType is a kind of repo. The set is open.
type RepoType string

const (
	RepoModel   RepoType = "model"
	RepoDataset RepoType = "dataset"
	RepoSpace   RepoType = "space"
	RepoBucket  RepoType = "bucket"
	RepoKernel  RepoType = "kernel"
)

// Status is the state of a discussion. The set is open.
type Status string

const (
	StatusOpen   Status = "open"
	StatusClosed Status = "closed"
	StatusDraft  Status = "draft"
	StatusMerged Status = "merged"
)
