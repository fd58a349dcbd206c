package check

import (
	"context"
	"slices"

	"github.com/hfhook/hfhook/payload"
)

// Case is one thing that a handler is checked for.
type Case struct {
	Name     string
	About    string // what is sent
	Want     string // what is expected
	Requests int    // about how many are sent

	// Basic cases look at the first delivery. They are always run, and when
	// one of them fails, no other case is.
	Basic bool

	why    string // why it matters
	mild   bool   // a failure is a warning: no failed delivery of today
	secret bool   // needs to know the secret
	direct bool   // cannot be done through a proxy
	needs  string // a case whose failure says all
	run    func(context.Context, *run) outcome
}

// outcome is what a case makes of what it saw.
type outcome struct {
	verdict Verdict
	came    string
	why     string // in place of the case's own, when not empty
}

// Cases lists the cases in the order in which they are run.
func Cases() []Case { return slices.Clone(cases) }

// The words of what is expected.
const (
	taken   = "2xx"
	refused = "4xx"
)

const (
	dataset = payload.RepoDataset
	space   = payload.RepoSpace
	bucket  = payload.RepoBucket
	kernel  = payload.RepoKernel
)

// Some reasons that several cases share.
const (
	grows = "the Hub adds to its payloads without a new version; every answer outside 2xx is a failed delivery"
	part  = "it is sent every day"
)

var cases = slices.Concat(basics, []Case{
	{Name: "no-secret", About: "a delivery without the secret", Want: refused, Requests: 1, secret: true,
		why: "everybody who finds the URL can post to it", run: noSecret},
	{Name: "wrong-secret", About: "a wrong secret, an empty one, the right one with more behind it, a wrong one in the URL", Want: refused, Requests: 4, secret: true,
		why: "everybody who finds the URL can post to it", run: wrongSecret},
	{Name: "secret-in-url", About: "the secret as ?secret=, in place of the header", Want: "2xx, or 4xx if only the header counts", Requests: 1, secret: true,
		why: "the Hub's documentation names it as another way; neither a crash nor silence is an answer", run: secretInURL},

	events("scopes", "each scope with each of its actions", part,
		on("", "repo.create", "repo.update", "repo.move", "repo.delete", "repo.content.update", "repo.config.update",
			"discussion.create", "discussion.update", "discussion.delete", "discussion.comment.create", "discussion.comment.update")),
	events("types", "a dataset and a Space", part,
		on(dataset, "repo.content.update", "discussion.create"), on(space, "repo.content.update", "discussion.create")),
	events("pull-requests", "pull requests: opened, as a draft, with a comment, closed, merged, and their refs", "discussions and pull requests share scopes and numbers",
		on("", "discussion.create.pr", "discussion.create.draft", "discussion.comment.create.pr", "discussion.update.pr-closed", "discussion.update.merged", "repo.content.update.pr-ref")),
	events("hidden-comment", "a comment that was hidden, so that comment.content is not there", "whoever hides a comment anywhere would stop the webhook",
		on("", "discussion.comment.update.hidden")),
	events("refs", "branches and tags made and deleted, where oldSha or newSha is null, and several refs at once", "null is what a new or deleted ref has",
		on("", "repo.content.update.branch-created", "repo.content.update.branch-deleted", "repo.content.update.tag-created", "repo.content.update.several"),
		on(dataset, "repo.content.update.parquet")),
	events("transfer", "a repo that has another owner", "movedTo comes with it",
		on("", "repo.move.transfer")),
	events("config", "made private, made public, another key", "updatedConfig is an open map",
		on("", "repo.config.update", "repo.config.update.private", "repo.config.update.other-key")),
	events("empty-config", "a changed setting that is not told: updatedConfig is {}", "secrets of Spaces send it again and again",
		on("", "repo.config.update.empty")),
	events("bucket", "a bucket: made, files added, deleted, both", "buckets are a type of repo since August 2026, with updatedFiles and without headSha",
		on(bucket, "repo.create", "repo.content.update", "repo.content.update.files-deleted", "repo.content.update.files-mixed")),
	events("kernel", "a kernel", "kernels can be watched; their payload is not published",
		on(kernel, "repo.content.update")),
	events("unknown-type", "a type of repo that there is not yet", grows, on("", "trap.unknown-type")),
	events("new-fields", "fields that there are not yet, on every level", grows, on("", "trap.new-fields")),
	events("unknown-scope", "a scope that there is not yet", grows, on("", "trap.unknown-scope")),
	events("narrower-scope", "scopes within known ones", "the Hub's documentation says that they will come, and count as an update of the wider scope",
		on("", "trap.narrower-scope", "trap.narrower-comment")),
	events("unknown-action", "an action that there is not yet", grows, on("", "trap.unknown-action")),
	events("unknown-status", "a discussion with a status that there is not yet", grows, on("", "trap.unknown-status")),
	mildly(events("version-4", "webhook.version is 4", "another version means a breaking change; to refuse it is a choice, and a failed delivery",
		on("", "trap.version-4"))),
	mildly(events("one-word-name", "a repo without an owner in its name, such as gpt2", "old repos had such names",
		on("", "trap.one-word-name"))),
	events("hostile-text", "a title, a comment and a ref with control characters, markup and shell commands", "everybody may write a title",
		on("", "trap.hostile-text", "trap.hostile-ref")),
	needing("bucket", events("hostile-path", "a file of a bucket whose path leads out of the folder", "everybody with a bucket may choose paths",
		on(bucket, "trap.hostile-path"))),
	events("large-comment", "a comment of 200 KB", "comments have no limit that is known; some frameworks take 100 KB unless told otherwise",
		on("", "trap.large-comment")),
	{Name: "large", About: "a bucket with 10,000 files at long paths: 8 MB", Want: taken, Requests: 1, needs: "bucket",
		why: "a body may list 10,000 files: limit it at 16 MB, not at 1", run: large},
	{Name: "content-type", About: "Content-Type: application/json; charset=utf-8", Want: taken, Requests: 1, mild: true,
		why: "what exactly the Hub sends is not documented", run: contentType},
	{Name: "chunked", About: "a body in chunks, without Content-Length", Want: taken, Requests: 1, mild: true, direct: true,
		why: "tunnels and proxies may send bodies so, and who waits for Content-Length reads nothing", run: chunked},

	{Name: "cut", About: "half a body, then the end of the connection", Want: "no 2xx, and 2xx for the next delivery", Requests: 3, direct: true,
		why: "a 2xx says that it has arrived: the Hub does not send it again", run: cut},
	{Name: "slow-client", About: "a body that comes slowly, and three other deliveries meanwhile", Want: "2xx for all, the others first", Requests: 4, direct: true,
		why: "one slow connection holds up all others until they fail; serve several at a time", run: slowClient},
	{Name: "parallel", About: "16 deliveries at the same time", Want: taken, Requests: 16,
		why: "one push can be several deliveries at once", run: parallel},

	{Name: "repeat", About: "the same delivery twice, with the same Webhook-Id", Want: taken, Requests: 2,
		why: "what was done already needs a 2xx too, or it comes again and again", run: repeat},
	{Name: "idempotent", About: "deliveries, and each of them again", Want: "to be acted on once", Requests: 7,
		why: "retries and replays repeat the Webhook-Id: keep those that are done, and answer 2xx", run: idempotent},
	{Name: "out-of-order", About: "a comment before its discussion, an update before the creation, what was deleted before", Want: taken, Requests: 11,
		why: "the Hub keeps no order", run: outOfOrder},
	{Name: "late", About: "a push to a branch that nobody knows, and the very first delivery once more", Want: taken, Requests: 2,
		why: "retries come minutes later, after others", run: late},

	{Name: "not-json", About: "bodies that are no JSON, no object, or an empty one", Want: "4xx or 2xx", Requests: 5, mild: true,
		why: "the Hub does not send them, others will; a crash is no answer", run: notJSON},
	{Name: "methods", About: "GET and HEAD", Want: "an answer below 500", Requests: 2, mild: true,
		why: "the Hub does not send them, browsers and scanners do", run: methods},
	{Name: "afterwards", About: "an ordinary delivery, after all this", Want: taken, Requests: 1,
		why: "something before has broken the handler", run: afterwards},
})

// group is events on a type of repo, "" for the first that has them.
type group struct {
	kind   payload.RepoType
	events []string
}

func on(kind payload.RepoType, events ...string) group { return group{kind, events} }

// events is a case that sends events one after the other.
func events(name, about, why string, groups ...group) Case {
	c := Case{Name: name, About: about, Want: taken, why: why}
	for _, g := range groups {
		c.Requests += len(g.events)
	}
	c.run = func(ctx context.Context, r *run) outcome {
		var all []parcel
		for _, g := range groups {
			for _, event := range g.events {
				all = append(all, r.event(event, g.kind))
			}
		}
		return r.taken(ctx, all...)
	}
	return c
}

// mildly makes failures of a case warnings.
func mildly(c Case) Case {
	c.mild = true
	return c
}

// needing is a case that says nothing when another one failed.
func needing(other string, c Case) Case {
	c.needs = other
	return c
}
