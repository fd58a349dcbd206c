package check

import (
	"context"
	"slices"
)

// Repeats, and what comes in another order than it happened.

func repeat(ctx context.Context, r *run) outcome {
	p := r.event("discussion.comment.create", "")
	again := p
	p.what, again.what = "the first time", "the second time"
	return r.taken(ctx, p, again)
}

// outOfOrder sends two courses of events backwards.
func outOfOrder(ctx context.Context, r *run) outcome {
	var all []parcel
	for _, name := range []string{"discussion-life", "repo-life"} {
		steps, err := r.generator("", "-disorder").Scenario(name)
		if err != nil {
			panic("check: " + err.Error())
		}
		for _, step := range slices.Backward(steps) {
			if step.Event != "discussion.comment.update.hidden" { // a case of its own
				all = append(all, r.parcel(step.Event, step.Body))
			}
		}
	}
	return r.taken(ctx, all...)
}

func late(ctx context.Context, r *run) outcome {
	again := r.first
	again.what = "the first delivery"
	return r.taken(ctx, r.event("repo.content.update.branch-updated", ""), again)
}
