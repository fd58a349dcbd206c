package sample

import (
	"strconv"
	"strings"

	"github.com/hfhook/hfhook/payload"
)

// Generator makes bodies about one repo of each type, and for each a new
// discussion, comment or commit. Commits follow each other: the old commit of
// one body is the new one of the body before. It is not for several goroutines
// at once.
type Generator struct {
	options Options
	random  random
	ids     random // for Webhook-Ids, so that asking for one changes no body
	repos   map[payload.RepoType]*repo
	buffer  []byte
}

// NewGenerator makes a generator, whose first body is that of [New].
func NewGenerator(o Options) *Generator {
	return &Generator{
		options: o,
		random:  newRandom(o.Seed, "bodies"),
		ids:     newRandom(o.Seed, "webhook ids"),
		repos:   map[payload.RepoType]*repo{},
	}
}

// Next makes the next body. The error is an *UnknownError or a *TypeError.
func (g *Generator) Next(name string) ([]byte, error) {
	e, err := find(name)
	if err != nil {
		return nil, err
	}
	kind, err := g.options.choose(name, e.Types)
	if err != nil {
		return nil, err
	}
	return g.write(e.build(g.maker(e, kind))), nil
}

// WebhookID gives the value of a Webhook-Id header, another one each time.
func (g *Generator) WebhookID() string { return g.ids.text(26) }

func (g *Generator) write(body object) []byte {
	g.buffer = appendValue(g.buffer[:0], body)
	return append([]byte(nil), g.buffer...)
}

func (g *Generator) maker(e *Event, kind payload.RepoType) *maker {
	r := g.repos[kind]
	if r == nil {
		r = newRepo(g.options, kind)
		g.repos[kind] = r
	}
	m := &maker{random: g.random, repo: r}
	if e != nil {
		m.scope, m.action = e.Scope, e.Action
	}
	return m
}

// repo is what stays the same from one body to the next.
type repo struct {
	kind    payload.RepoType
	name    string
	id      string
	owner   string
	private bool
	webhook string
	head    string // of main
	num     int64  // of the newest discussion
	people  []string
}

func newRepo(o Options, kind payload.RepoType) *repo {
	name := o.Repo
	if name == "" {
		name = "example-user/example-" + string(kind)
	}
	// The owner's id goes by the owner's name, the webhook's by neither.
	owner, _, _ := strings.Cut(name, "/")
	r := newRandom(o.Seed, "repo", string(kind), name)
	people := newRandom(o.Seed, "people")
	return &repo{
		kind: kind, name: name, id: r.oid(), head: r.sha(), num: int64(1 + r.below(40)),
		owner:   newRandom(o.Seed, "owner", owner).oid(),
		webhook: newRandom(o.Seed, "webhook").oid(),
		people:  []string{people.oid(), people.oid(), people.oid()},
	}
}

// maker makes one body.
type maker struct {
	random
	*repo
	scope  payload.Scope
	action payload.Action
}

const hubURL = "https://huggingface.co/"

// url gives where a path of the repo is found.
func (m *maker) url(path string) object {
	web, api := string(m.kind)+"s/", "api/"+string(m.kind)+"s/"
	if m.kind == payload.RepoModel {
		web = "" // models have no prefix of their own
	}
	return object{{"web", hubURL + web + m.name + path}, {"api", hubURL + api + m.name + path}}
}

// ofRepo is what stands in "repo".
func (m *maker) ofRepo() object {
	o := object{{"type", string(m.kind)}, {"name", m.name}, {"id", m.id}, {"private", m.private}}
	inside := m.scope.Within(payload.ScopeRepo)
	if m.kind == payload.RepoSpace && inside {
		o = append(o, field{"subdomain", subdomain(m.name)})
	}
	o = append(o, field{"url", m.url("")})
	if inside && m.kind != payload.RepoBucket {
		o = append(o, field{"headSha", m.head})
	}
	return append(o, field{"owner", user(m.owner)})
}

// subdomain is the app's host, which has letters, digits and hyphens only.
func subdomain(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
}

func user(id string) object { return object{{"id", id}} }

// body is what every body has, with more before the webhook.
func (m *maker) body(more ...field) object {
	o := make(object, 0, 5+len(more))
	o = append(o, field{"event", object{{"action", string(m.action)}, {"scope", string(m.scope)}}}, field{"repo", m.ofRepo()})
	o = append(o, more...)
	return append(o, field{"webhook", object{{"id", m.webhook}, {"version", int64(payload.Version)}}})
}

// refs is a change of refs. The head of main follows it.
func (m *maker) refs(changed ...object) object {
	var all list
	for _, ref := range changed {
		if now, ok := ref[2].value.(string); ok && ref[0].value == mainRef {
			m.head = now
		}
		all = append(all, ref)
	}
	return m.body().with("updatedRefs", all)
}

const mainRef = "refs/heads/main"

// ref is one ref that changed; an empty sha is null.
func ref(name, before, after string) object {
	o := object{{"ref", name}, {"oldSha", nil}, {"newSha", nil}}
	if before != "" {
		o[1].value = before
	}
	if after != "" {
		o[2].value = after
	}
	return o
}

func pullRef(num int64) string { return "refs/pr/" + strconv.FormatInt(num, 10) }

// config is a change of settings.
func (m *maker) config(settings ...field) object {
	return m.body().with("updatedConfig", object(settings))
}

// files is a change of the files of a bucket.
func (m *maker) files(changed ...any) object {
	return m.body(field{"updatedFiles", list(changed)})
}

func (m *maker) added(path string) object {
	size := int64(m.below(1 << 30))
	if m.below(4) == 0 {
		size += 5 << 30 // beyond 32 bits
	}
	return object{{"path", path}, {"action", string(payload.ActionAdd)}, {"xetHash", m.digits(64)}, {"size", size}}
}

func deleted(path string) object {
	return object{{"path", path}, {"action", string(payload.ActionDelete)}}
}

// move is a repo that is called otherwise now.
func (m *maker) move(to, owner string) object {
	return m.body().with("movedTo", object{{"name", to}, {"owner", user(owner)}})
}

// sibling is the name with another one behind the owner's.
func (m *maker) sibling(name string) string {
	if owner, _, ok := strings.Cut(m.name, "/"); ok {
		return owner + "/" + name
	}
	return name
}

// last is the name without the owner's.
func (m *maker) last() string { return m.name[strings.LastIndexByte(m.name, '/')+1:] }

// thread is a discussion or pull request.
type thread struct {
	id, title, author string
	num               int64
	status            payload.Status
	pull              bool
	head, merge       string // the commits that its ref is at, and that merged it
}

// newThread opens one. Every body is about another.
func (m *maker) newThread(pull bool, status payload.Status) *thread {
	m.num++
	t := &thread{id: m.oid(), author: pick(m.random, m.people), num: m.num, status: status, pull: pull}
	t.title = pick(m.random, questions)
	if pull {
		t.title = pick(m.random, proposals)
	}
	if status == payload.StatusMerged {
		t.merge = m.sha()
	}
	return t
}

func (m *maker) at(t *thread) string { return "/discussions/" + strconv.FormatInt(t.num, 10) }

// discussion is a body about t, with the field "comment" or without.
func (m *maker) discussion(t *thread, comment ...field) object {
	o := object{
		{"id", t.id}, {"title", t.title}, {"url", m.url(m.at(t))}, {"status", string(t.status)},
		{"author", user(t.author)}, {"num", t.num}, {"isPullRequest", t.pull},
	}
	if t.pull {
		changes := object{{"base", mainRef}}
		if t.merge != "" {
			changes = changes.with("mergeCommitId", t.merge)
		}
		o = append(o, field{"changes", changes})
	}
	return m.body(append([]field{{"discussion", o}}, comment...)...)
}

// remark is a comment.
type remark struct {
	id, author, text string
	hidden           bool
}

func (m *maker) newRemark(author, text string) *remark {
	return &remark{id: m.oid(), author: author, text: text}
}

// comment is the field "comment" of a body about t.
func (m *maker) comment(t *thread, r *remark) field {
	o := object{{"id", r.id}, {"author", user(r.author)}}
	if !r.hidden {
		o = append(o, field{"content", r.text})
	}
	web := m.url(m.at(t) + "#" + r.id)[:1] // comments have no other
	return field{"comment", append(o, field{"hidden", r.hidden}, field{"url", web})}
}
