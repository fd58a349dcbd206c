package child

import "github.com/hfhook/hfhook/tunnel"

// retries are how many more times a program is started that ended before the
// tunnel was ever online.
const retries = 3

// Opening counts, for one tunnel, how often its program ended in vain. The
// zero value is ready; sessions, which follow each other, are its only callers.
type Opening struct {
	failed int
	over   bool
}

// Online says that the tunnel was online: from now on every failure passes.
func (o *Opening) Online() { o.over = true }

// Over tells whether the tunnel was ever online.
func (o *Opening) Over() bool { return o.over }

// Missing makes e, of the function Missing, pass once the tunnel was online:
// programs are updated while others use them.
func (o *Opening) Missing(e *tunnel.Error) *tunnel.Error {
	e.Permanent = !o.over
	return e
}

// Failed makes e permanent when it happened too often.
func (o *Opening) Failed(e *tunnel.Error) *tunnel.Error {
	o.failed++
	e.Permanent = e.Permanent || !o.over && o.failed > retries
	return e
}
