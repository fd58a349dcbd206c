package main

import (
	"net/url"
	"os"
	"strings"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/payload"
)

// pageOf gives the address of the page on the Hub that p is about: a comment, a
// discussion, a commit or a repo. It is made of what a stranger sent, so it is
// none unless it leads to the Hub itself.
func pageOf(p *payload.Payload) (string, bool) {
	page, ok := hubAddress(webLink(p))
	if !ok {
		return "", false
	}
	if p.Comment == nil && p.Discussion == nil && len(p.UpdatedRefs) > 0 {
		page = refPage(page, p.UpdatedRefs[0])
	}
	return page.String(), true
}

// refPage is the page of what happened to a ref, below the page of its repo.
func refPage(repo *url.URL, r payload.UpdatedRef) *url.URL {
	sha, there := r.NewSHA.Get()
	pull, isPull := strings.CutPrefix(r.Ref, "refs/pr/")
	switch {
	case isPull && madeOf(pull, "0123456789", 1, 9):
		return repo.JoinPath("discussions", pull)
	case there && madeOf(sha, "0123456789abcdef", 40, 64):
		return repo.JoinPath("commit", sha)
	}
	return repo
}

// madeOf reports whether s is least to most of these characters.
func madeOf(s, characters string, least, most int) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, characters) == ""
}

// hubAddress reads the address of a page, if it is one on the Hub.
func hubAddress(text string) (*url.URL, bool) {
	page, err := url.Parse(text)
	if err != nil || page.User != nil || page.Opaque != "" || page.Host == "" || page.Scheme != "https" && page.Scheme != "http" {
		return nil, false
	}
	endpoint, _ := hub.FindEndpoint(os.Getenv)
	for _, address := range []string{endpoint, hub.DefaultEndpoint} {
		at, err := url.Parse(address)
		if err == nil && strings.EqualFold(page.Host, at.Host) && (page.Scheme == at.Scheme || page.Scheme == "https") {
			page.RawQuery, page.ForceQuery = "", false // no page of the Hub needs one
			return page, true
		}
	}
	return nil, false
}
