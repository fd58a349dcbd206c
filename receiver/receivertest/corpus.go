package receivertest

import (
	"iter"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
)

// Corpus gives everything that the Hub sends, and what handlers stumble over:
// each event of package sample for each type of repo that has it, by a name such
// as "discussion.create.pr/dataset". The payloads are the same in every run.
//
//	for name, p := range receivertest.Corpus() {
//		t.Run(name, func(t *testing.T) {
//			resp := receivertest.Post(t, s, "my_hook", p)
//			...
func Corpus() iter.Seq2[string, *payload.Payload] {
	return func(yield func(string, *payload.Payload) bool) {
		for _, event := range sample.All() {
			for _, kind := range event.Types {
				body, err := sample.New(event.Name, sample.Options{Type: kind})
				if err != nil {
					panic("receivertest: " + err.Error())
				}
				p, err := payload.Decode(body)
				if err != nil {
					panic("receivertest: " + event.Name + ": " + err.Error())
				}
				if !yield(event.Name+"/"+string(kind), p) {
					return
				}
			}
		}
	}
}
