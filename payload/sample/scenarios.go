package sample

import (
	"fmt"
	"time"

	"github.com/hfhook/hfhook/payload"
)

var scenarios = []ScenarioInfo{
	{"pr-opened", "a pull request: the discussion and its ref refs/pr/N, in either order", withGit, prOpened},
	{"pr-merged", "it is merged: the discussion and main, which moves to the merge commit, in either order", withGit, prMerged},
	{"pr-life", "a pull request opened, commented, one commit more, merged", withGit, prLife},
	{"discussion", "a discussion with comments: one edited, one hidden, then closed", withGit, discussionLife},
	{"repo-life", "created, content, settings, renamed, content, deleted; the id stays the same", anyType, repoLife},
	{"retry", "a delivery that got an error, and once more with the same Webhook-Id", anyType, retry},
	{"burst", "20 commits at once, each on top of the one before, which arrive in disorder", anyType, burst},
	{"bot-loop", "a bot answers a commit with one of its own, and the dataset viewer's bot each with Parquet files", datasets, botLoop},
	{"config-loop", "settings that are not told, again and again: who answers by a setting never ends", anyType, configLoop},
	{"bucket-sync", "a folder is copied into a bucket: 10,000 files and a list that is cut, the rest, old files deleted", buckets, bucketSync},
}

// What lies between things that happen together, and between those that people
// do, at most.
const (
	moment = 50 * time.Millisecond
	pause  = 300 * time.Millisecond
)

func prOpened(p *play) {
	p.openPR()
	p.overtake()
	p.pace(moment)
}

func prMerged(p *play) {
	p.mergePR(p.maker.newThread(true, payload.StatusOpen))
	p.overtake()
	p.pace(moment)
}

func prLife(p *play) {
	t := p.openPR()
	p.comment("discussion.comment.create.pr", t, p.remark())
	p.add("repo.content.update.pr-ref-updated", func(m *maker) object {
		before := t.head
		t.head = m.sha()
		return m.refs(ref(pullRef(t.num), before, t.head))
	})
	p.mergePR(t)
	p.overtake()
	p.pace(pause)
}

func discussionLife(p *play) {
	t := p.maker.newThread(false, payload.StatusOpen)
	p.comment("discussion.create", t, p.maker.newRemark(t.author, pick(p.maker.random, remarks)))
	first, second := p.remark(), p.remark()
	p.comment("discussion.comment.create", t, first)
	p.comment("discussion.comment.create", t, second)
	first.text += "\n\nEdit: with the newest version too."
	p.comment("discussion.comment.update", t, first)
	second.hidden = true
	p.comment("discussion.comment.update.hidden", t, second)
	t.status = payload.StatusClosed
	p.thread("discussion.update.closed", t)
	p.overtake()
	p.pace(pause)
}

func repoLife(p *play) {
	r := p.maker.repo
	p.add("repo.create", nil)
	p.add("repo.content.update", nil)
	p.add("repo.config.update.private", nil)
	r.private = true
	renamed := p.maker.sibling("renamed-" + p.maker.last())
	p.add("repo.move", nil)
	name := r.name
	r.name = renamed
	p.add("repo.content.update", nil)
	p.add("repo.delete", nil)
	r.name, r.private = name, false
	p.overtake()
	p.pace(pause)
}

func retry(p *play) {
	p.add("repo.content.update", nil)
	p.again()
	p.steps[1].Delay = time.Second // how long the Hub waits is not published
}

func burst(p *play) {
	for range 20 {
		p.add("repo.content.update", nil)
	}
	p.overtake()
}

func botLoop(p *play) {
	converted := p.maker.sha()
	for range 3 {
		p.add("repo.content.update", nil)
		p.add("repo.content.update.parquet", func(m *maker) object {
			before := converted
			converted = m.sha()
			return m.refs(ref("refs/convert/parquet", before, converted))
		})
	}
	p.overtake()
	p.pace(pause)
}

func configLoop(p *play) {
	for range 5 {
		p.add("repo.config.update.empty", nil)
	}
	p.pace(pause)
}

func bucketSync(p *play) {
	const rest = 2_500
	run := p.maker.below(1000)
	p.add("repo.content.update.files-truncated", func(m *maker) object {
		return m.files(m.shards(run, 0, MaxFiles)...).with("updatedFilesTruncated", true)
	})
	p.add("repo.content.update", func(m *maker) object { return m.files(m.shards(run, MaxFiles, MaxFiles+rest)...) })
	p.add("repo.content.update.files-deleted", func(m *maker) object {
		var old []any
		for i := range 3 {
			old = append(old, deleted(fmt.Sprintf("runs/old/shard-%05d.bin", i)))
		}
		return m.files(old...)
	})
	p.overtake()
	p.pace(pause)
}

// openPR opens a pull request.
func (p *play) openPR() *thread {
	t := p.maker.newThread(true, payload.StatusOpen)
	t.head = p.maker.sha()
	p.comment("discussion.create.pr", t, p.maker.newRemark(t.author, pick(p.maker.random, remarks)))
	p.add("repo.content.update.pr-ref", func(m *maker) object { return m.refs(ref(pullRef(t.num), "", t.head)) })
	return t
}

// mergePR merges t into main.
func (p *play) mergePR(t *thread) {
	t.status, t.merge = payload.StatusMerged, p.maker.sha()
	p.thread("discussion.update.merged", t)
	p.add("repo.content.update", func(m *maker) object { return m.refs(ref(mainRef, m.head, t.merge)) })
}

// thread is an event about t without a comment.
func (p *play) thread(event string, t *thread) {
	p.add(event, func(m *maker) object { return m.discussion(t) })
}

// comment is an event about t with a comment.
func (p *play) comment(event string, t *thread, r *remark) {
	p.add(event, func(m *maker) object { return m.discussion(t, m.comment(t, r)) })
}

// remark is a comment by anybody.
func (p *play) remark() *remark {
	return p.maker.newRemark(pick(p.maker.random, p.maker.people), pick(p.maker.random, remarks))
}
