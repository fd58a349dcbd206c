package payload_test

import (
	"fmt"

	"github.com/hfhook/hfhook/payload"
)

const body = `{
	"event": {"action": "create", "scope": "discussion"},
	"repo": {"type": "model", "name": "openai-community/gpt2", "id": "621ffdc036468d709f17434d", "private": false,
		"url": {"web": "https://huggingface.co/openai-community/gpt2"}, "owner": {"id": "628b753283ef59b5be89e937"}},
	"discussion": {"id": "6399f58518721fdd27fc9ca9", "num": 19, "title": "Update co2 emissions", "status": "open", "isPullRequest": true,
		"url": {"web": "https://huggingface.co/openai-community/gpt2/discussions/19"}, "author": {"id": "61d2f90c3c2083e1c08af22d"}},
	"webhook": {"id": "6390e855e30d9209411de93b", "version": 3}
}`

func ExampleDecode() {
	p, err := payload.Decode([]byte(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Describe())
	fmt.Println(p.Event.Scope.Within(payload.ScopeDiscussion), p.Discussion.Num)
	// Output:
	// PR #19 "Update co2 emissions" opened on model openai-community/gpt2
	// true 19
}

func ExampleByAuthor() {
	ownWork := payload.ByAuthor("61d2f90c3c2083e1c08af22d")
	p, err := payload.Decode([]byte(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ownWork(p))
	// Output: true
}

func ExamplePayload_ConfigBool() {
	p, err := payload.Decode([]byte(`{"updatedConfig": {"private": false}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if private, ok := p.ConfigBool("private").Get(); ok {
		fmt.Println("private is now", private)
	}
	// Output: private is now false
}
