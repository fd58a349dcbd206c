package payload

import "encoding/json"

// Version is the version of the payloads that this package reads, as in
// [Webhook.Version].
const Version = 3

// Payload is the body of one delivery, version 3.
//
// json.Marshal writes it as the Hub would, without the fields that this
// package does not know: decoding the result gives the same Payload, Raw aside.
// In maps and slices nil means that the field was left out (or null), empty
// that it came empty; both ways are kept apart when written.
//
// A Payload may be read by several goroutines at once.
// Source: https://huggingface.co/docs/hub/webhooks
type Payload struct {
	// Event is "event", sent always.
	Event Event `json:"event"`

	// Repo is "repo", sent always "in the current version", so an event
	// without a repo may come one day.
	Repo Repo `json:"repo"`

	// Discussion is "discussion", sent when the scope is within "discussion".
	// Nil when left out.
	Discussion *Discussion `json:"discussion,omitempty"`

	// Comment is "comment", sent on the scope "discussion.comment" and with a
	// new discussion, whose first comment it is; not when a discussion is
	// updated. Nil when left out.
	Comment *Comment `json:"comment,omitempty"`

	// MovedTo is "movedTo", sent when a repo was renamed or transferred. Nil
	// when left out. Source: huggingface_hub _webhooks_payload.py
	MovedTo *MovedTo `json:"movedTo,omitempty"`

	// UpdatedRefs is "updatedRefs", sent on the scope "repo.content" of
	// models, datasets and Spaces: the branches, tags and pull requests that
	// changed. Nil when left out.
	UpdatedRefs []UpdatedRef `json:"updatedRefs,omitzero"`

	// UpdatedConfig is "updatedConfig", sent on the scope "repo.config": the
	// settings that changed, with their new values. The set of keys is open;
	// "private" is documented, see [Payload.ConfigBool]. Empty means that a
	// setting changed which the Hub does not tell, nil that the field was left
	// out. The values are parts of Raw, not checked for valid UTF-8.
	UpdatedConfig map[string]json.RawMessage `json:"updatedConfig,omitzero"`

	// UpdatedFiles is "updatedFiles", sent on the scope "repo.content" of
	// buckets. Nil when left out.
	UpdatedFiles []UpdatedFile `json:"updatedFiles,omitzero"`

	// UpdatedFilesTruncated is "updatedFilesTruncated", sent as true when
	// more than 10,000 files changed and the list was cut there. The bucket
	// has to be listed then.
	UpdatedFilesTruncated bool `json:"updatedFilesTruncated,omitempty"`

	// Webhook is "webhook", sent always.
	Webhook Webhook `json:"webhook"`

	// Raw is the body as it came, byte for byte: the slice that was given to
	// Decode, not a copy. It must not be modified.
	Raw []byte `json:"-"`

	problems   []Problem
	oldVersion int64 // told by VersionError; 0 unless a problem is OldVersion
}

// Event says what happened, and to which part of a repo.
// Source: https://huggingface.co/docs/hub/webhooks
type Event struct {
	// Action is "action", sent always.
	Action Action `json:"action"`

	// Scope is "scope", sent always.
	Scope Scope `json:"scope"`
}

// Repo is the repo that the event is about.
// Source: https://huggingface.co/docs/hub/webhooks
type Repo struct {
	// Type is "type", sent always.
	Type RepoType `json:"type"`

	// Name is "name", sent always: "owner/name", in old bodies also one
	// segment such as "gpt2". When a repo moves it is the old name.
	Name string `json:"name"`

	// ID is "id", sent always. It should outlive a change of the name.
	ID string `json:"id"`

	// Private is "private", sent always.
	Private bool `json:"private"`

	// URL is "url", sent always.
	URL URL `json:"url"`

	// HeadSHA is "headSha", sent when the scope is within "repo", but not for
	// buckets: the head of main, also when the event is about another ref.
	// Empty when left out.
	HeadSHA string `json:"headSha,omitempty"`

	// Subdomain is "subdomain", sent for Spaces on the scopes within "repo":
	// the app's host without its domain, as in
	// "wauplin-gradio-user-history". Empty when left out.
	// Source: huggingface_hub _webhooks_payload.py
	Subdomain string `json:"subdomain,omitempty"`

	// Tags is "tags", sent for models; documented until March 2026. Nil when
	// left out. Source: huggingface_hub _webhooks_payload.py
	Tags []string `json:"tags,omitzero"`

	// Owner is "owner", sent always.
	Owner ObjectID `json:"owner"`
}

// ObjectID names a user or an organisation by its id, never by its name.
// Source: https://huggingface.co/docs/hub/webhooks
type ObjectID struct {
	// ID is "id", sent always.
	ID string `json:"id"`
}

// URL is where people (Web) and programs (API) find a thing.
// Source: https://huggingface.co/docs/hub/webhooks
type URL struct {
	// Web is "web", sent always. Its host is that of the sending Hub.
	Web string `json:"web"`

	// API is "api", sent for repos and discussions, not for comments. Empty
	// when left out.
	API string `json:"api,omitempty"`
}

// Discussion is a discussion or, when IsPullRequest, a pull request.
// Source: https://huggingface.co/docs/hub/webhooks
type Discussion struct {
	// ID is "id", sent always.
	ID string `json:"id"`

	// Num is "num", sent always: the number that people use, as in #19.
	// Discussions and pull requests of a repo share one count.
	Num int64 `json:"num"`

	// Title is "title", sent always. Anybody may have written it.
	Title string `json:"title"`

	// URL is "url", sent always.
	URL URL `json:"url"`

	// Status is "status", sent always.
	Status Status `json:"status"`

	// Author is "author", sent always: who opened it, which is not always who
	// caused the event.
	Author ObjectID `json:"author"`

	// IsPullRequest is "isPullRequest", sent always.
	IsPullRequest bool `json:"isPullRequest"`

	// Changes is "changes", sent for pull requests. Nil when left out.
	Changes *DiscussionChanges `json:"changes,omitempty"`

	// Pinned is "pinned"; when it is sent is not known. False when left out.
	// Source: huggingface_hub _webhooks_payload.py
	Pinned bool `json:"pinned,omitempty"`
}

// DiscussionChanges is what a pull request would change, or has changed.
// Source: https://huggingface.co/docs/hub/webhooks
type DiscussionChanges struct {
	// Base is "base", sent always: the ref to merge into, as in
	// "refs/heads/main".
	Base string `json:"base"`

	// MergeCommitID is "mergeCommitId", sent for merged pull requests. Empty
	// when left out. Source: huggingface_hub _webhooks_payload.py
	MergeCommitID string `json:"mergeCommitId,omitempty"`
}

// Comment is a comment on a discussion or pull request.
// Source: https://huggingface.co/docs/hub/webhooks
type Comment struct {
	// ID is "id", sent always.
	ID string `json:"id"`

	// Author is "author", sent always.
	Author ObjectID `json:"author"`

	// Content is "content", sent unless the comment is hidden: Markdown of
	// any length that anybody may have written. Empty differs from left out.
	Content Nullable[string] `json:"content,omitzero"`

	// Hidden is "hidden", sent always.
	Hidden bool `json:"hidden"`

	// URL is "url", sent always.
	URL URL `json:"url"`
}

// MovedTo is where a moved repo went.
// Source: huggingface_hub _webhooks_payload.py
type MovedTo struct {
	// Name is "name", sent always: the new full name.
	Name string `json:"name"`

	// Owner is "owner", sent always. It differs from the owner of the repo
	// when the repo was transferred rather than renamed.
	Owner ObjectID `json:"owner"`
}

// UpdatedRef is one ref of a git repo that changed.
// Source: https://huggingface.co/docs/hub/webhooks
type UpdatedRef struct {
	// Ref is "ref", sent always: "refs/heads/*", "refs/tags/*", "refs/pr/N"
	// or "refs/convert/*".
	Ref string `json:"ref"`

	// OldSHA is "oldSha", sent always; null when the ref was created.
	OldSHA Nullable[string] `json:"oldSha,omitzero"`

	// NewSHA is "newSha", sent always; null when the ref was deleted.
	NewSHA Nullable[string] `json:"newSha,omitzero"`
}

// UpdatedFile is one file of a bucket that changed.
// Source: https://huggingface.co/docs/hub/webhooks (hub-docs #2741)
type UpdatedFile struct {
	// Path is "path", sent always.
	Path string `json:"path"`

	// Action is "action", sent always: ActionAdd, also for a file that was
	// overwritten, or ActionDelete.
	Action Action `json:"action"`

	// XetHash is "xetHash", sent for added files. Empty when left out.
	XetHash string `json:"xetHash,omitempty"`

	// Size is "size" in bytes, sent for added files. 0 when left out.
	Size int64 `json:"size,omitempty"`
}

// MarshalJSON writes the size of every added file, also of an empty one.
func (f UpdatedFile) MarshalJSON() ([]byte, error) {
	type plain UpdatedFile
	if f.Action != ActionAdd {
		return json.Marshal(plain(f))
	}
	return json.Marshal(struct {
		plain
		Size int64 `json:"size"`
	}{plain(f), f.Size})
}

// Webhook is the setting at the Hub that the delivery belongs to.
// Source: https://huggingface.co/docs/hub/webhooks
type Webhook struct {
	// ID is "id", sent always: of the setting, not of the delivery.
	ID string `json:"id"`

	// Version is "version", sent always: 3. It rises on breaking changes
	// only, never for a new field.
	Version int64 `json:"version"`
}

// ConfigBool gives the new value of a setting in UpdatedConfig, as in
// ConfigBool("private"), and tells false from null and from left out. A value
// that is no boolean counts as left out.
func (p *Payload) ConfigBool(key string) Nullable[bool] {
	switch string(p.UpdatedConfig[key]) {
	case "true":
		return Set(true)
	case "false":
		return Set(false)
	case "null":
		return Null[bool]()
	}
	return Nullable[bool]{}
}
