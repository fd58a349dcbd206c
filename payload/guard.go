package payload

import (
	"slices"
	"strings"
)

// A handler that changes what it watches hears of its own change, and may
// answer it again, for ever. The Hub does not say who caused an event, so each
// predicate here cuts one kind of loop; a handler returns early when it holds.

// ByAuthor holds for events about what one of the users (by id, never by
// name) wrote: on comment events the author of the comment, on other
// discussion events the author of the discussion. It cuts the loop of a bot
// that answers its own comments.
//
// The payload does not name who closes, merges or deletes a discussion. So it
// holds as well when somebody else merges the bot's pull request; a bot that
// waits for that looks at the action first.
func ByAuthor(ids ...string) func(*Payload) bool {
	ids = slices.Clone(ids)
	return func(p *Payload) bool {
		switch scope := p.Event.Scope; {
		case scope.Within(ScopeDiscussionComment):
			return p.Comment != nil && slices.Contains(ids, p.Comment.Author.ID)
		case scope.Within(ScopeDiscussion):
			return p.Discussion != nil && slices.Contains(ids, p.Discussion.Author.ID)
		}
		return false
	}
}

// OnlyRefs holds when refs changed and each of them begins with one of the
// prefixes. OnlyRefs("refs/convert/") cuts the loop with the dataset viewer's
// bot, which pushes Parquet files after every change of a dataset;
// OnlyRefs("refs/pr/") that of a bot that opens pull requests.
func OnlyRefs(prefixes ...string) func(*Payload) bool {
	prefixes = slices.Clone(prefixes)
	return func(p *Payload) bool {
		for _, ref := range p.UpdatedRefs {
			if !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(ref.Ref, prefix) }) {
				return false
			}
		}
		return len(p.UpdatedRefs) > 0
	}
}

// EmptyConfig holds when a setting changed which the Hub does not tell:
// "updatedConfig" is empty or left out. Such events come again and again, and
// a handler that answers them by changing a setting never ends.
func EmptyConfig(p *Payload) bool {
	return p.Event.Scope.Within(ScopeRepoConfig) && len(p.UpdatedConfig) == 0
}
