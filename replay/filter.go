package replay

import (
	"time"

	"github.com/hfhook/hfhook/payload"
)

// Filter chooses deliveries. Fields that are zero choose all; all that are set
// have to match. Within a list one match is enough.
type Filter struct {
	FromID, ToID int64 // both inclusive; 0: open
	WebhookID    string

	Since, Until time.Time // first arrival; Until is exclusive

	Endpoints []string
	Scopes    []payload.Scope // with their narrower ones
	Actions   []payload.Action
	Repos     []string // globs over owner/name: * and ? match any character, case is ignored
	RepoTypes []payload.RepoType
	Verdicts  []Verdict

	// Attempts chooses by the delivery's last attempt.
	Attempts []AttemptStatus
	// Queued chooses what is in this target's queue.
	Queued string

	Text string // in the body, case is ignored for ASCII letters

	Limit  int  // 0: no limit
	Newest bool // with Limit: the newest ones instead of the oldest
}

// AttemptStatus chooses deliveries by their last attempt: "ok", "failed",
// "none", a status such as "404", or a class such as "5xx".
type AttemptStatus string
