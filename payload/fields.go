package payload

import (
	"encoding/json"
	"strconv"
)

// The shapes of the objects of a payload, and how each is read. The order of
// names is the order in which missing ones are reported.
var (
	payloadShape    = shape{3, []string{"event", "repo", "webhook", "discussion", "comment", "movedTo", "updatedRefs", "updatedConfig", "updatedFiles", "updatedFilesTruncated"}}
	eventShape      = shape{2, []string{"action", "scope"}}
	repoShape       = shape{6, []string{"type", "name", "id", "private", "url", "owner", "headSha", "subdomain", "tags"}}
	idShape         = shape{1, []string{"id"}}
	urlShape        = shape{1, []string{"web", "api"}}
	discussionShape = shape{7, []string{"id", "num", "title", "url", "status", "author", "isPullRequest", "changes", "pinned"}}
	changesShape    = shape{1, []string{"base", "mergeCommitId"}}
	commentShape    = shape{4, []string{"id", "author", "hidden", "url", "content"}}
	movedToShape    = shape{2, []string{"name", "owner"}}
	refShape        = shape{3, []string{"ref", "oldSha", "newSha"}}
	fileShape       = shape{2, []string{"path", "action", "xetHash", "size"}}
	webhookShape    = shape{2, []string{"id", "version"}}
)

func (d *decoder) payload(p *Payload) {
	d.object(&payloadShape, func(name string) {
		switch name {
		case "event":
			d.event(&p.Event)
		case "repo":
			d.repo(&p.Repo)
		case "discussion":
			p.Discussion = pointer(d, d.discussion)
		case "comment":
			p.Comment = pointer(d, d.comment)
		case "movedTo":
			p.MovedTo = pointer(d, d.movedTo)
		case "updatedRefs":
			p.UpdatedRefs = list(d, d.ref)
		case "updatedConfig":
			p.UpdatedConfig = d.config()
		case "updatedFiles":
			p.UpdatedFiles = list(d, d.file)
		case "updatedFilesTruncated":
			p.UpdatedFilesTruncated = !d.null() && d.boolean()
		case "webhook":
			d.webhook(&p.Webhook)
		}
	})
}

// pointer reads an object that may be left out or null.
func pointer[T any](d *decoder, read func(*T) bool) *T {
	if d.null() {
		return nil
	}
	v := new(T)
	if !read(v) {
		return nil
	}
	return v
}

// maxElements is how many elements of a list, and keys of updatedConfig, are
// taken out of a body; the Hub's longest list has 10,000. "{}," is 3 bytes of a
// body and 64 as an UpdatedRef, so that a hostile one would cost a multiple of
// its size in memory.
const maxElements = 100_000

// list reads an array that may be left out or null. An element of the wrong
// type is there with its zero value, so that the others keep their index.
func list[T any](d *decoder, read func(*T) bool) []T {
	if d.null() {
		return nil
	}
	var element, zero T
	all, left := []T{}, 0
	if !d.array(func() {
		element = zero
		read(&element)
		if len(all) < maxElements {
			all = append(all, element)
		} else {
			left++
		}
	}) {
		return nil
	}
	d.leftOut(left)
	return all
}

// leftOut reports how many elements were not taken out of the body.
func (d *decoder) leftOut(n int) {
	if n > 0 {
		d.report(TooMany, "", strconv.Itoa(n)+" left out after "+strconv.Itoa(maxElements))
	}
}

func (d *decoder) event(e *Event) {
	*e = Event{}
	d.object(&eventShape, func(name string) {
		switch name {
		case "action":
			e.Action = oneOf(d, Action.Known)
		case "scope":
			e.Scope = oneOf(d, Scope.Known)
		}
	})
	if e.Scope.Known() && e.Action.Known() && !e.Known() {
		d.report(UnknownValue, "action", quoted(string(e.Action), wordRunes)+" on scope "+string(e.Scope))
	}
}

func (d *decoder) repo(r *Repo) {
	*r = Repo{}
	d.object(&repoShape, func(name string) {
		switch name {
		case "type":
			r.Type = oneOf(d, RepoType.Known)
		case "name":
			r.Name = d.text()
		case "id":
			r.ID = d.text()
		case "private":
			r.Private = d.boolean()
		case "url":
			d.url(&r.URL)
		case "owner":
			d.id(&r.Owner)
		case "headSha":
			r.HeadSHA = d.optional()
		case "subdomain":
			r.Subdomain = d.optional()
		case "tags":
			r.Tags = list(d, d.tag)
		}
	})
}

func (d *decoder) tag(t *string) bool {
	*t = d.text()
	return true
}

func (d *decoder) id(o *ObjectID) {
	*o = ObjectID{}
	d.object(&idShape, func(string) { o.ID = d.text() })
}

func (d *decoder) url(u *URL) {
	*u = URL{}
	d.object(&urlShape, func(name string) {
		switch name {
		case "web":
			u.Web = d.text()
		case "api":
			u.API = d.optional()
		}
	})
}

func (d *decoder) discussion(v *Discussion) bool {
	return d.object(&discussionShape, func(name string) {
		switch name {
		case "id":
			v.ID = d.text()
		case "num":
			v.Num, _ = d.integer()
		case "title":
			v.Title = d.text()
		case "url":
			d.url(&v.URL)
		case "status":
			v.Status = oneOf(d, Status.Known)
		case "author":
			d.id(&v.Author)
		case "isPullRequest":
			v.IsPullRequest = d.boolean()
		case "changes":
			v.Changes = pointer(d, d.changes)
		case "pinned":
			v.Pinned = !d.null() && d.boolean()
		}
	})
}

func (d *decoder) changes(c *DiscussionChanges) bool {
	return d.object(&changesShape, func(name string) {
		switch name {
		case "base":
			c.Base = d.text()
		case "mergeCommitId":
			c.MergeCommitID = d.optional()
		}
	})
}

func (d *decoder) comment(c *Comment) bool {
	content := false
	ok := d.object(&commentShape, func(name string) {
		switch name {
		case "id":
			c.ID = d.text()
		case "author":
			d.id(&c.Author)
		case "content":
			c.Content = d.nullable()
			content = true
		case "hidden":
			c.Hidden = d.boolean()
		case "url":
			d.url(&c.URL)
		}
	})
	if ok && !content && !c.Hidden {
		d.report(Missing, "content", "the comment is not hidden")
	}
	return ok
}

func (d *decoder) movedTo(m *MovedTo) bool {
	return d.object(&movedToShape, func(name string) {
		switch name {
		case "name":
			m.Name = d.text()
		case "owner":
			d.id(&m.Owner)
		}
	})
}

func (d *decoder) ref(r *UpdatedRef) bool {
	return d.object(&refShape, func(name string) {
		switch name {
		case "ref":
			r.Ref = d.text()
		case "oldSha":
			r.OldSHA = d.nullable()
		case "newSha":
			r.NewSHA = d.nullable()
		}
	})
}

func (d *decoder) file(f *UpdatedFile) bool {
	var hash, size bool
	ok := d.object(&fileShape, func(name string) {
		switch name {
		case "path":
			f.Path = d.text()
		case "action":
			f.Action = oneOf(d, fileAction)
		case "xetHash":
			f.XetHash = d.optional()
			hash = true
		case "size":
			if !d.null() {
				f.Size, _ = d.integer()
			}
			size = true
		}
	})
	if ok && f.Action == ActionAdd {
		if !hash {
			d.report(Missing, "xetHash", "the file was added")
		}
		if !size {
			d.report(Missing, "size", "the file was added")
		}
	}
	return ok
}

func fileAction(a Action) bool { return a == ActionAdd || a == ActionDelete }

func (d *decoder) webhook(w *Webhook) {
	*w = Webhook{}
	d.object(&webhookShape, func(name string) {
		switch name {
		case "id":
			w.ID = d.text()
		case "version":
			w.Version = d.version()
		}
	})
}

func (d *decoder) version() int64 {
	n, ok := d.integer()
	switch {
	case ok && n < Version:
		d.old = n
		d.report(OldVersion, "", strconv.FormatInt(n, 10))
	case n > Version:
		d.report(UnknownValue, "", strconv.FormatInt(n, 10))
	}
	return n
}

func (d *decoder) config() map[string]json.RawMessage {
	if d.null() {
		return nil
	}
	if d.peek() != '{' {
		d.wrongType("an object")
		return nil
	}
	config, left := make(map[string]json.RawMessage), 0
	d.members(func(key []byte, bad bool) {
		k := string(key)
		if bad {
			d.report(BadText, clip(k, nameRunes), "")
		}
		if _, ok := config[k]; ok {
			d.report(Duplicate, clip(k, nameRunes), "")
		}
		start := d.i
		d.skip()
		if _, ok := config[k]; ok || len(config) < maxElements {
			config[k] = d.b[start:d.i:d.i]
		} else {
			left++
		}
	})
	d.leftOut(left)
	return config
}
