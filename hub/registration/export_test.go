package registration

import "github.com/hfhook/hfhook/hub"

// Die ends a session as the death of its program does: the entry stays, and
// nobody holds its lock.
func (r *Registration) Die() { _ = r.s.lock.Close() }

// Foreign is an error when others can have written or read a file.
var Foreign = foreign

// ReadEntry and ReadKept report whether the bytes of a file can be used, and
// what they encode to again.
func ReadEntry(b []byte) ([]byte, error) {
	e, err := decodeEntry(b)
	if err != nil {
		return nil, err
	}
	return seal(e)
}

func ReadKept(b []byte) ([]byte, error) {
	k, err := decodeKept(b)
	if err != nil {
		return nil, err
	}
	return k.encode()
}

// Sealed is a file with that content and the right sum.
func Sealed(content []byte) []byte { return sealed(content) }

// Through makes r, and its registrations, talk to the Hub with another client.
func (r *Registry) Through(c *hub.Client) { r.client = c }
