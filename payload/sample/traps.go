package sample

import (
	"strings"

	"github.com/hfhook/hfhook/payload"
)

// largeComment is more than the 100 KB that some frameworks take by default.
const largeComment = 200_000

// trapEvents are what a handler meets one day: words and fields that are newer
// than it is, and text that is out to harm.
func trapEvents() []Event {
	event := func(name string, scope payload.Scope, action payload.Action, about string, types []payload.RepoType, build func(*maker) object) Event {
		return Event{"trap." + name, about, scope, action, types, build}
	}
	commit := func(m *maker) object { return m.refs(ref(mainRef, m.head, m.sha())) }
	return []Event{
		event("narrower-scope", "repo.config.dois", payload.ActionDelete, "a scope that came later: by the Hub's rule an update of repo.config, never a deletion", anyType, func(m *maker) object {
			return m.config()
		}),
		event("narrower-comment", "discussion.comment.reaction", payload.ActionCreate, "a scope that came later: by the Hub's rule an update of discussion.comment, not a new one", withGit, func(m *maker) object {
			t := m.newThread(false, payload.StatusOpen)
			o := m.discussion(t, m.comment(t, m.newRemark(t.author, pick(m.random, remarks))))
			return o.with("reaction", object{{"emoji", "👍"}, {"author", user(pick(m.random, m.people))}})
		}),
		event("unknown-scope", "collection", payload.ActionCreate, "a scope within none that is known", anyType, func(m *maker) object {
			return m.body(field{"collection", object{{"slug", m.sibling("reading-list-" + m.digits(24))}, {"position", int64(m.below(9))}}})
		}),
		event("unknown-action", payload.ScopeRepo, "archive", "an action that came later", anyType, func(m *maker) object {
			return m.body()
		}),
		event("unknown-type", payload.ScopeRepoContent, payload.ActionUpdate, "a repo of a type that came later", withGit, func(m *maker) object {
			kind := m.kind
			m.kind = "notebook"
			defer func() { m.kind = kind }()
			return commit(m)
		}),
		event("unknown-status", payload.ScopeDiscussion, payload.ActionUpdate, "a discussion with a status that came later", withGit, func(m *maker) object {
			return m.discussion(m.newThread(false, "locked"))
		}),
		event("new-fields", payload.ScopeRepoContent, payload.ActionUpdate, "fields that came later, on every level", withGit, func(m *maker) object {
			before, after := m.head, m.sha()
			o := m.refs(ref(mainRef, before, after).with("forced", true).with("commits", list{object{{"id", after}, {"message", "Fix a typo"}}}))
			o = o.set("repo", o.at("repo").with("visibility", "protected").with("likes", int64(42)))
			o = o.set("event", o.at("event").with("id", m.oid()))
			o = o.set("webhook", o.at("webhook").with("name", "ci"))
			return o.with("sender", object{{"id", m.owner}, {"name", "example-user"}}).with("createdAt", "2027-03-01T12:00:00.000Z").with("extra", nil)
		}),
		event("version-4", payload.ScopeRepoContent, payload.ActionUpdate, "a body of the next version, of the same shape", withGit, func(m *maker) object {
			o := commit(m)
			return o.set("webhook", o.at("webhook").set("version", int64(4)))
		}),
		event("hostile-text", payload.ScopeDiscussion, payload.ActionCreate, "title and comment with control characters, bidi overrides, markup and commands", withGit, func(m *maker) object {
			t := m.newThread(false, payload.StatusOpen)
			t.title = hostileTitle
			return m.discussion(t, m.comment(t, m.newRemark(t.author, hostileComment)))
		}),
		event("hostile-ref", payload.ScopeRepoContent, payload.ActionUpdate, "a branch with a name that a shell would run", withGit, func(m *maker) object {
			return m.refs(ref("refs/heads/"+hostileBranch, "", m.sha()))
		}),
		event("hostile-path", payload.ScopeRepoContent, payload.ActionUpdate, "a file of a bucket whose path leads out of the folder", buckets, func(m *maker) object {
			return m.files(m.added(hostilePath))
		}),
		event("large-comment", payload.ScopeDiscussionComment, payload.ActionCreate, "a comment of 200 KB, where some frameworks take 100", withGit, func(m *maker) object {
			t := m.newThread(false, payload.StatusOpen)
			const line = "The quick brown fox jumps over the lazy dog, and over the next one too.\n"
			text := strings.Repeat(line, largeComment/len(line)+1)[:largeComment]
			return m.discussion(t, m.comment(t, m.newRemark(pick(m.random, m.people), text)))
		}),
		event("one-word-name", payload.ScopeRepoContent, payload.ActionUpdate, "a repo without an owner in its name, as the oldest ones were", withGit, func(m *maker) object {
			name := m.name
			m.name = m.last()
			defer func() { m.name = name }()
			return commit(m)
		}),
	}
}
