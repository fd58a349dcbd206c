package sample

import (
	"fmt"
	"strings"

	"github.com/hfhook/hfhook/payload"
)

var (
	anyType = []payload.RepoType{payload.RepoModel, payload.RepoDataset, payload.RepoSpace, payload.RepoBucket, payload.RepoKernel}
	// Buckets have neither git nor discussions.
	withGit  = []payload.RepoType{payload.RepoModel, payload.RepoDataset, payload.RepoSpace, payload.RepoKernel}
	models   = []payload.RepoType{payload.RepoModel}
	datasets = []payload.RepoType{payload.RepoDataset}
	buckets  = []payload.RepoType{payload.RepoBucket}
)

// events are all that can be made; byName finds them.
var events = slicesOf(
	repoEvents, contentEvents, configEvents, discussionEvents, commentEvents, trapEvents,
)

var byName = func() map[string]*Event {
	m := make(map[string]*Event, len(events))
	for i := range events {
		m[events[i].Name] = &events[i]
	}
	return m
}()

func slicesOf(groups ...func() []Event) (all []Event) {
	for _, group := range groups {
		all = append(all, group()...)
	}
	return all
}

func find(name string) (*Event, error) {
	if e := byName[name]; e != nil {
		return e, nil
	}
	return nil, &UnknownError{Name: name}
}

func repoEvents() []Event {
	event := func(variant string, action payload.Action, about string, build func(*maker) object) Event {
		return Event{named(payload.ScopeRepo, action, variant), about, payload.ScopeRepo, action, anyType, build}
	}
	return []Event{
		event("", payload.ActionCreate, "a new repo", func(m *maker) object { return m.body() }),
		event("private", payload.ActionCreate, "a new private repo: who may hear of it?", func(m *maker) object {
			m.private = true
			defer func() { m.private = false }()
			return m.body()
		}),
		event("", payload.ActionUpdate, "something about the repo as a whole changed", func(m *maker) object { return m.body() }),
		event("", payload.ActionMove, "renamed: repo.name is still the old name, movedTo has the new one", func(m *maker) object {
			return m.move(m.sibling("renamed-"+m.last()), m.owner)
		}),
		event("transfer", payload.ActionMove, "given to another owner, whose id is in movedTo.owner", func(m *maker) object {
			return m.move("example-org/"+m.last(), m.oid())
		}),
		event("", payload.ActionDelete, "the repo is gone, and headSha with it", func(m *maker) object {
			o := m.body()
			return o.set("repo", o.at("repo").without("headSha"))
		}),
	}
}

func contentEvents() []Event {
	event := func(variant, about string, types []payload.RepoType, build func(*maker) object) Event {
		return Event{named(payload.ScopeRepoContent, payload.ActionUpdate, variant), about, payload.ScopeRepoContent, payload.ActionUpdate, types, build}
	}
	return []Event{
		event("", "a commit on main; in a bucket, a file that was added", anyType, func(m *maker) object {
			if m.kind == payload.RepoBucket {
				return m.files(m.added(pick(m.random, paths)))
			}
			return m.refs(ref(mainRef, m.head, m.sha()))
		}),
		event("branch-created", "a new branch: oldSha is null, headSha is that of main", withGit, func(m *maker) object {
			return m.refs(ref("refs/heads/"+pick(m.random, branches), "", m.head))
		}),
		event("branch-updated", "a commit on another branch than main, which is often taken for one on main", withGit, func(m *maker) object {
			return m.refs(ref("refs/heads/"+pick(m.random, branches), m.sha(), m.sha()))
		}),
		event("branch-deleted", "a branch is gone: newSha is null", withGit, func(m *maker) object {
			return m.refs(ref("refs/heads/"+pick(m.random, branches), m.sha(), ""))
		}),
		event("tag-created", "a new tag", withGit, func(m *maker) object {
			return m.refs(ref("refs/tags/"+pick(m.random, versions), "", m.head))
		}),
		event("tag-deleted", "a tag is gone: newSha is null", withGit, func(m *maker) object {
			return m.refs(ref("refs/tags/"+pick(m.random, versions), m.sha(), ""))
		}),
		event("several", "main and a tag in one event: more than one entry in updatedRefs", withGit, func(m *maker) object {
			before, after := m.head, m.sha()
			return m.refs(ref(mainRef, before, after), ref("refs/tags/"+pick(m.random, versions), "", after))
		}),
		event("pr-ref", "the new ref of a pull request, refs/pr/N; main has not moved", withGit, func(m *maker) object {
			m.num++
			return m.refs(ref(pullRef(m.num), "", m.sha()))
		}),
		event("pr-ref-updated", "a commit in a pull request; main has not moved", withGit, func(m *maker) object {
			return m.refs(ref(pullRef(m.num), m.sha(), m.sha()))
		}),
		event("parquet", "refs/convert/parquet, pushed by the dataset viewer's bot after each commit", datasets, func(m *maker) object {
			return m.refs(ref("refs/convert/parquet", m.sha(), m.sha()))
		}),
		event("repo-tags", "with repo.tags, which models had until March 2026", models, func(m *maker) object {
			o := m.refs(ref(mainRef, m.head, m.sha()))
			return o.set("repo", o.at("repo").with("tags", list{"license:apache-2.0", "language:de", "region:eu"}))
		}),
		event("files-deleted", "a file of a bucket is gone: no xetHash, no size", buckets, func(m *maker) object {
			return m.files(deleted(pick(m.random, paths)))
		}),
		event("files-mixed", "files of a bucket added, overwritten and deleted in one event", buckets, func(m *maker) object {
			return m.files(m.added(paths[0]), m.added(paths[1]), deleted(paths[2]), m.added("empty.txt").set("size", int64(0)), deleted(paths[3]))
		}),
		event("files-truncated", "10,000 files of a bucket, where the list is cut: a body of 1.5 MB, and the bucket has to be listed", buckets, func(m *maker) object {
			return m.files(append(m.shards(m.below(1000), 0, MaxFiles-1), deleted("runs/old.bin"))...).with("updatedFilesTruncated", true)
		}),
	}
}

// MaxFiles is how many files a body lists at most.
const MaxFiles = 10_000

// shards are files that were added, numbered in a folder.
func (m *maker) shards(run, from, to int) []any {
	var all []any
	for i := from; i < to; i++ {
		all = append(all, m.added(fmt.Sprintf("runs/%03d/shard-%05d.bin", run, i)))
	}
	return all
}

func configEvents() []Event {
	event := func(variant, about string, build func(*maker) object) Event {
		return Event{named(payload.ScopeRepoConfig, payload.ActionUpdate, variant), about, payload.ScopeRepoConfig, payload.ActionUpdate, anyType, build}
	}
	return []Event{
		event("", "made public: updatedConfig.private is false, which is not the same as left out", func(m *maker) object {
			return m.config(field{"private", false})
		}),
		event("private", "made private", func(m *maker) object {
			m.private = true
			defer func() { m.private = false }()
			return m.config(field{"private", true})
		}),
		event("empty", "a setting that is not told, such as a secret: updatedConfig is {}, again and again", func(m *maker) object {
			return m.config()
		}),
		event("other-key", "another key than private: updatedConfig is an open map", func(m *maker) object {
			return m.config(field{"xetEnabled", true})
		}),
	}
}

func discussionEvents() []Event {
	event := func(variant string, action payload.Action, about string, build func(*maker) object) Event {
		return Event{named(payload.ScopeDiscussion, action, variant), about, payload.ScopeDiscussion, action, withGit, build}
	}
	open := func(pull bool, status payload.Status, text func(*maker) string) func(*maker) object {
		return func(m *maker) object {
			t := m.newThread(pull, status)
			return m.discussion(t, m.comment(t, m.newRemark(t.author, text(m))))
		}
	}
	later := func(pull bool, status payload.Status) func(*maker) object {
		return func(m *maker) object {
			t := m.newThread(pull, status)
			if t.merge != "" {
				m.head = t.merge
			}
			return m.discussion(t)
		}
	}
	something := func(m *maker) string { return pick(m.random, remarks) }
	return []Event{
		event("", payload.ActionCreate, "a discussion with its first comment", open(false, payload.StatusOpen, something)),
		event("pr", payload.ActionCreate, "a pull request: a discussion with isPullRequest and changes", open(true, payload.StatusOpen, something)),
		event("draft", payload.ActionCreate, "a draft of a pull request; its comment is empty, not left out", open(true, payload.StatusDraft, func(*maker) string { return "" })),
		event("", payload.ActionUpdate, "a discussion got another title, or was opened again; without a comment", later(false, payload.StatusOpen)),
		event("closed", payload.ActionUpdate, "a discussion was closed", later(false, payload.StatusClosed)),
		event("pr", payload.ActionUpdate, "a pull request got another title, or is no draft any more", later(true, payload.StatusOpen)),
		event("pr-closed", payload.ActionUpdate, "a pull request was closed without merging", later(true, payload.StatusClosed)),
		event("merged", payload.ActionUpdate, "a pull request was merged, by changes.mergeCommitId", later(true, payload.StatusMerged)),
		event("", payload.ActionDelete, "a discussion is gone", later(false, payload.StatusOpen)),
		event("pr", payload.ActionDelete, "a pull request is gone", later(true, payload.StatusOpen)),
	}
}

func commentEvents() []Event {
	event := func(variant string, action payload.Action, about string, build func(*maker) object) Event {
		return Event{named(payload.ScopeDiscussionComment, action, variant), about, payload.ScopeDiscussionComment, action, withGit, build}
	}
	comment := func(pull, hidden bool) func(*maker) object {
		return func(m *maker) object {
			t := m.newThread(pull, payload.StatusOpen)
			r := m.newRemark(pick(m.random, m.people), pick(m.random, remarks))
			r.hidden = hidden
			return m.discussion(t, m.comment(t, r))
		}
	}
	return []Event{
		event("", payload.ActionCreate, "a comment on a discussion", comment(false, false)),
		event("pr", payload.ActionCreate, "a comment on a pull request", comment(true, false)),
		event("", payload.ActionUpdate, "a comment was edited", comment(false, false)),
		event("pr", payload.ActionUpdate, "a comment on a pull request was edited", comment(true, false)),
		event("hidden", payload.ActionUpdate, "a comment was hidden: it has no content", comment(false, true)),
	}
}

// named puts a name together.
func named(scope payload.Scope, action payload.Action, variant string) string {
	return strings.TrimSuffix(string(scope)+"."+string(action)+"."+variant, ".")
}
