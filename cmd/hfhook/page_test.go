package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
)

func TestPageOf(t *testing.T) {
	const sha = "575db8b7a51b6f85eb06eee540738584589f131c"
	for name, tt := range map[string]struct{ body, page string }{
		"repo":           {`{"repo":{"url":{"web":"https://huggingface.co/acme/bert"}}}`, "https://huggingface.co/acme/bert"},
		"comment":        {`{"comment":{"url":{"web":"https://huggingface.co/acme/bert/discussions/1#abc"}},"repo":{"url":{"web":"https://huggingface.co/x"}}}`, "https://huggingface.co/acme/bert/discussions/1#abc"},
		"discussion":     {`{"discussion":{"url":{"web":"https://HuggingFace.co/acme/bert/discussions/1"}}}`, "https://HuggingFace.co/acme/bert/discussions/1"},
		"commit":         {`{"repo":{"url":{"web":"https://huggingface.co/datasets/acme/d"}},"updatedRefs":[{"ref":"refs/heads/main","oldSha":null,"newSha":"` + sha + `"}]}`, "https://huggingface.co/datasets/acme/d/commit/" + sha},
		"pull request":   {`{"repo":{"url":{"web":"https://huggingface.co/acme/bert"}},"updatedRefs":[{"ref":"refs/pr/7","oldSha":null,"newSha":"` + sha + `"}]}`, "https://huggingface.co/acme/bert/discussions/7"},
		"branch deleted": {`{"repo":{"url":{"web":"https://huggingface.co/acme/bert"}},"updatedRefs":[{"ref":"refs/heads/x","oldSha":"` + sha + `","newSha":null}]}`, "https://huggingface.co/acme/bert"},
		"odd ref":        {`{"repo":{"url":{"web":"https://huggingface.co/acme/bert"}},"updatedRefs":[{"ref":"refs/pr/../../../evil","oldSha":null,"newSha":"../../evil"}]}`, "https://huggingface.co/acme/bert"},
		"query":          {`{"repo":{"url":{"web":"https://huggingface.co/acme/bert?x=$(id)&y"}}}`, "https://huggingface.co/acme/bert"},
		"odd path":       {`{"repo":{"url":{"web":"https://huggingface.co/a b;$(id)\u202e"}}}`, "https://huggingface.co/a%20b;$%28id%29%E2%80%AE"},
		"another Hub":    {`{"repo":{"url":{"web":"http://hub.test:8080/acme/bert"}}}`, "http://hub.test:8080/acme/bert"},

		"none":             {`{}`, ""},
		"stranger":         {`{"repo":{"url":{"web":"https://evil.example/acme"}}}`, ""},
		"looks like":       {`{"repo":{"url":{"web":"https://huggingface.co.evil.example/acme"}}}`, ""},
		"user":             {`{"repo":{"url":{"web":"https://huggingface.co@evil.example/acme"}}}`, ""},
		"user of the Hub":  {`{"repo":{"url":{"web":"https://a:b@huggingface.co/acme"}}}`, ""},
		"port":             {`{"repo":{"url":{"web":"https://huggingface.co:444/acme"}}}`, ""},
		"plain http":       {`{"repo":{"url":{"web":"http://huggingface.co/acme"}}}`, ""},
		"file":             {`{"repo":{"url":{"web":"file:///etc/passwd"}}}`, ""},
		"file of the Hub":  {`{"repo":{"url":{"web":"file://huggingface.co/etc/passwd"}}}`, ""},
		"script":           {`{"repo":{"url":{"web":"javascript:alert(1)"}}}`, ""},
		"flag":             {`{"repo":{"url":{"web":"--new-window"}}}`, ""},
		"without a scheme": {`{"repo":{"url":{"web":"//huggingface.co/acme"}}}`, ""},
		"control":          {`{"repo":{"url":{"web":"https://huggingface.co/a\u001b[31m"}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HF_ENDPOINT", "http://hub.test:8080/")
			p, err := payload.Decode([]byte(tt.body))
			require.NoError(t, err)
			page, ok := pageOf(p)
			assert.Equal(t, tt.page, page)
			assert.Equal(t, tt.page != "", ok)
		})
	}
}
