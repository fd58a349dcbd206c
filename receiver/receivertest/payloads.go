package receivertest

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/hfhook/hfhook/payload"
)

// Ids and shas of the samples. They name nothing at the Hub.
const (
	repoID       = "6366c000a2abcdf2fd69a080"
	ownerID      = "61d2000c3c2083e1c08af22d"
	newOwnerID   = "628b753283ef59b5be89e937"
	discussionID = "639885d811ae2bad2b7ba461"
	commentID    = "6398872887bfcfb93a306f18"
	webhookID    = "6390e855e30d9209411de93b"
	oldSHA       = "ce9a4674fa833a68d5a73ec355f0ea95eedd60b7"
	newSHA       = "575db8b7a51b6f85eb06eee540738584589f131c"
	xetHash      = "3f1b2c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809"
)

// Option changes a sample payload before it is put together: one of this
// package, or any function. URLs follow the name and type of the repo.
type Option func(*payload.Payload)

// Repo names the repo, "owner/name". Default: "some-user/some-repo".
func Repo(name string) Option { return func(p *payload.Payload) { p.Repo.Name = name } }

// Type is the type of the repo. Default: a model, and a bucket for FilesAdded
// and FilesDeleted.
func Type(t payload.RepoType) Option { return func(p *payload.Payload) { p.Repo.Type = t } }

// Private makes the repo private.
func Private() Option { return func(p *payload.Payload) { p.Repo.Private = true } }

// Author is the id of who opened the discussion and wrote the comment.
func Author(id string) Option {
	return func(p *payload.Payload) {
		if p.Discussion != nil {
			p.Discussion.Author.ID = id
		}
		if p.Comment != nil {
			p.Comment.Author.ID = id
		}
	}
}

// CommitPushed is a commit on main.
func CommitPushed(opts ...Option) *payload.Payload {
	p := event(payload.ScopeRepoContent, payload.ActionUpdate)
	p.UpdatedRefs = []payload.UpdatedRef{{Ref: "refs/heads/main", OldSHA: payload.Set(oldSHA), NewSHA: payload.Set(newSHA)}}
	return finish(p, opts)
}

// BranchCreated is a new branch, which stands at the head of main.
func BranchCreated(name string, opts ...Option) *payload.Payload {
	p := event(payload.ScopeRepoContent, payload.ActionUpdate)
	p.UpdatedRefs = []payload.UpdatedRef{{Ref: "refs/heads/" + name, OldSHA: payload.Null[string](), NewSHA: payload.Set(newSHA)}}
	return finish(p, opts)
}

// FilesAdded is files that were added to a bucket, or overwritten there.
func FilesAdded(paths []string, opts ...Option) *payload.Payload {
	p := bucket()
	for _, path := range paths {
		p.UpdatedFiles = append(p.UpdatedFiles, payload.UpdatedFile{Path: path, Action: payload.ActionAdd, XetHash: xetHash, Size: 5 << 30})
	}
	return finish(p, opts)
}

// FilesDeleted is files that were deleted from a bucket.
func FilesDeleted(paths []string, opts ...Option) *payload.Payload {
	p := bucket()
	for _, path := range paths {
		p.UpdatedFiles = append(p.UpdatedFiles, payload.UpdatedFile{Path: path, Action: payload.ActionDelete})
	}
	return finish(p, opts)
}

// DiscussionOpened is a new discussion with its first comment.
func DiscussionOpened(opts ...Option) *payload.Payload {
	p := event(payload.ScopeDiscussion, payload.ActionCreate)
	p.Discussion = discussion(payload.StatusOpen)
	p.Comment = comment("The card does not say.")
	return finish(p, opts)
}

// PullRequestOpened is a new pull request with its first comment.
func PullRequestOpened(opts ...Option) *payload.Payload {
	p := event(payload.ScopeDiscussion, payload.ActionCreate)
	p.Discussion = pullRequest(payload.StatusOpen)
	p.Comment = comment("Add co2 emissions information to the model card")
	return finish(p, opts)
}

// PullRequestMerged is a pull request that was merged.
func PullRequestMerged(opts ...Option) *payload.Payload {
	p := event(payload.ScopeDiscussion, payload.ActionUpdate)
	p.Discussion = pullRequest(payload.StatusMerged)
	p.Discussion.Changes.MergeCommitID = newSHA
	return finish(p, opts)
}

// CommentPosted is a new comment on a discussion.
func CommentPosted(text string, opts ...Option) *payload.Payload {
	p := event(payload.ScopeDiscussionComment, payload.ActionCreate)
	p.Discussion = discussion(payload.StatusOpen)
	p.Comment = comment(text)
	return finish(p, opts)
}

// CommentHidden is a comment that was hidden, so that its text is gone.
func CommentHidden(opts ...Option) *payload.Payload {
	p := event(payload.ScopeDiscussionComment, payload.ActionUpdate)
	p.Discussion = discussion(payload.StatusOpen)
	p.Comment = comment("")
	p.Comment.Content = payload.Nullable[string]{}
	p.Comment.Hidden = true
	return finish(p, opts)
}

// RepoCreated is a new repo.
func RepoCreated(opts ...Option) *payload.Payload {
	return finish(event(payload.ScopeRepo, payload.ActionCreate), opts)
}

// RepoDeleted is a repo that is gone.
func RepoDeleted(opts ...Option) *payload.Payload {
	p := event(payload.ScopeRepo, payload.ActionDelete)
	p.Repo.HeadSHA = ""
	return finish(p, opts)
}

// RepoMoved is a repo that has a new name, or a new owner when the part before
// the slash is another. The repo still has its old name.
func RepoMoved(to string, opts ...Option) *payload.Payload {
	p := event(payload.ScopeRepo, payload.ActionMove)
	p.MovedTo = &payload.MovedTo{Name: to}
	return finish(p, append(opts[:len(opts):len(opts)], func(p *payload.Payload) {
		if p.MovedTo.Owner = p.Repo.Owner; owner(to) != owner(p.Repo.Name) {
			p.MovedTo.Owner.ID = newOwnerID
		}
	}))
}

// ConfigChanged is a setting that has a new value, as "private" has. The Hub
// reports few of them: with an empty key, it is a change that it does not name.
// It panics when the value has no JSON form.
func ConfigChanged(key string, value any, opts ...Option) *payload.Payload {
	p := event(payload.ScopeRepoConfig, payload.ActionUpdate)
	p.UpdatedConfig = map[string]json.RawMessage{}
	if key != "" {
		p.UpdatedConfig[key] = mustJSON(value)
	}
	return finish(p, opts)
}

func event(scope payload.Scope, action payload.Action) *payload.Payload {
	p := &payload.Payload{
		Event: payload.Event{Action: action, Scope: scope},
		Repo: payload.Repo{
			Type:  payload.RepoModel,
			Name:  "some-user/some-repo",
			ID:    repoID,
			Owner: payload.ObjectID{ID: ownerID},
		},
		Webhook: payload.Webhook{ID: webhookID, Version: 3},
	}
	if scope.Within(payload.ScopeRepo) {
		p.Repo.HeadSHA = newSHA
	}
	return p
}

func bucket() *payload.Payload {
	p := event(payload.ScopeRepoContent, payload.ActionUpdate)
	p.Repo.Type = payload.RepoBucket
	p.Repo.HeadSHA = ""
	return p
}

func discussion(status payload.Status) *payload.Discussion {
	return &payload.Discussion{
		ID:     discussionID,
		Num:    12,
		Title:  "Which tokenizer was used?",
		Status: status,
		Author: payload.ObjectID{ID: ownerID},
	}
}

func pullRequest(status payload.Status) *payload.Discussion {
	d := discussion(status)
	d.Title, d.IsPullRequest = "Update co2 emissions", true
	d.Changes = &payload.DiscussionChanges{Base: "refs/heads/main"}
	return d
}

func comment(text string) *payload.Comment {
	return &payload.Comment{ID: commentID, Author: payload.ObjectID{ID: ownerID}, Content: payload.Set(text)}
}

// finish applies the options, lets the URLs follow, and decodes the result, so
// that a sample is what a handler would be given.
func finish(p *payload.Payload, opts []Option) *payload.Payload {
	for _, opt := range opts {
		opt(p)
	}
	const hub = "https://huggingface.co/"
	api := string(p.Repo.Type) + "s/"
	web := api
	if p.Repo.Type == payload.RepoModel {
		web = "" // models have no prefix of their own
	}
	p.Repo.URL = payload.URL{Web: hub + web + p.Repo.Name, API: hub + "api/" + api + p.Repo.Name}
	if p.Repo.Type == payload.RepoSpace && p.Event.Scope.Within(payload.ScopeRepo) {
		p.Repo.Subdomain = strings.ToLower(strings.NewReplacer("/", "-", "_", "-", ".", "-").Replace(p.Repo.Name))
	}
	if d := p.Discussion; d != nil {
		at := "/discussions/" + strconv.FormatInt(d.Num, 10)
		d.URL = payload.URL{Web: p.Repo.URL.Web + at, API: p.Repo.URL.API + at}
		if p.Comment != nil {
			p.Comment.URL.Web = d.URL.Web + "#" + p.Comment.ID
		}
	}
	decoded, err := payload.Decode(mustJSON(p))
	if err != nil {
		panic("receivertest: " + err.Error())
	}
	return decoded
}

func owner(name string) string {
	owner, _, _ := strings.Cut(name, "/")
	return owner
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("receivertest: no JSON form: " + err.Error())
	}
	return b
}
