// Package payload knows what the Hugging Face Hub sends to a webhook: it
// decodes a body, says what is odd about it, and tells in one line what
// happened.
package payload

import "encoding/json"

// Payload is the body of one delivery, version 3.
type Payload struct {
	Event                 Event                      `json:"event"`
	Repo                  Repo                       `json:"repo"`
	Discussion            *Discussion                `json:"discussion,omitempty"`
	Comment               *Comment                   `json:"comment,omitempty"`
	MovedTo               *MovedTo                   `json:"movedTo,omitempty"`
	UpdatedRefs           []UpdatedRef               `json:"updatedRefs,omitempty"`
	UpdatedConfig         map[string]json.RawMessage `json:"updatedConfig,omitempty"`
	UpdatedFiles          []UpdatedFile              `json:"updatedFiles,omitempty"`
	UpdatedFilesTruncated bool                       `json:"updatedFilesTruncated,omitempty"`
	Webhook               Webhook                    `json:"webhook"`

	// Raw is the body as it came, byte for byte.
	Raw []byte `json:"-"`
}

// Event says what happened, and to which part of a repo.
type Event struct {
	Action Action `json:"action"`
	Scope  Scope  `json:"scope"`
}

// Repo is the repo that the event is about.
type Repo struct {
	Type      RepoType `json:"type"`
	Name      string   `json:"name"`
	ID        string   `json:"id"`
	Private   bool     `json:"private"`
	URL       URL      `json:"url"`
	HeadSHA   string   `json:"headSha,omitempty"`
	Subdomain string   `json:"subdomain,omitempty"`
	Tags      []string `json:"tags,omitempty"`
	Owner     ObjectID `json:"owner"`
}

// ObjectID names a user or an organisation by its id, never by its name.
type ObjectID struct {
	ID string `json:"id"`
}

// URL is where people (Web) and programs (API) find a thing.
type URL struct {
	Web string `json:"web"`
	API string `json:"api,omitempty"`
}

// Discussion is a discussion or, when IsPullRequest, a pull request.
type Discussion struct {
	ID            string             `json:"id"`
	Num           int64              `json:"num"`
	Title         string             `json:"title"`
	URL           URL                `json:"url"`
	Status        Status             `json:"status"`
	Author        ObjectID           `json:"author"`
	IsPullRequest bool               `json:"isPullRequest"`
	Changes       *DiscussionChanges `json:"changes,omitempty"`
	Pinned        bool               `json:"pinned,omitempty"`
}

// DiscussionChanges is what a pull request would change.
type DiscussionChanges struct {
	Base          string `json:"base"`
	MergeCommitID string `json:"mergeCommitId,omitempty"`
}

// Comment is a comment on a discussion.
type Comment struct {
	ID      string           `json:"id"`
	Author  ObjectID         `json:"author"`
	Content Nullable[string] `json:"content,omitzero"`
	Hidden  bool             `json:"hidden"`
	URL     URL              `json:"url"`
}

// MovedTo is where a moved repo went.
type MovedTo struct {
	Name  string   `json:"name"`
	Owner ObjectID `json:"owner"`
}

// UpdatedRef is one ref of a git repo that changed.
type UpdatedRef struct {
	Ref    string           `json:"ref"`
	OldSHA Nullable[string] `json:"oldSha,omitzero"`
	NewSHA Nullable[string] `json:"newSha,omitzero"`
}

// UpdatedFile is one file of a bucket that changed.
type UpdatedFile struct {
	Path    string `json:"path"`
	Action  Action `json:"action"`
	XetHash string `json:"xetHash,omitempty"`
	Size    int64  `json:"size,omitempty"`
}

// Webhook is the setting at the Hub that the delivery belongs to.
type Webhook struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
}
