package payload

import "encoding/json"

// Nullable is a field that the Hub may leave out, send as null, or send with a
// value, where each of the three means something else. Its zero value is
// "left out".
type Nullable[T any] struct {
	value T
	state nullState
}

type nullState uint8

const (
	absent nullState = iota
	null
	set
)

// Set is a field with a value.
func Set[T any](v T) Nullable[T] { return Nullable[T]{value: v, state: set} }

// Null is a field that is there and null.
func Null[T any]() Nullable[T] { return Nullable[T]{state: null} }

// Get gives the value, and whether there is one.
func (n Nullable[T]) Get() (T, bool) { return n.value, n.state == set }

// Value gives the value, or the zero value of T where there is none.
func (n Nullable[T]) Value() T { return n.value }

// IsNull reports whether the field is there and null.
func (n Nullable[T]) IsNull() bool { return n.state == null }

// IsZero reports whether the field was left out. It makes omitzero work.
func (n Nullable[T]) IsZero() bool { return n.state == absent }

// MarshalJSON writes the value, or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) {
	if n.state != set {
		return []byte("null"), nil
	}
	return json.Marshal(n.value)
}

// UnmarshalJSON reads the value, or null.
func (n *Nullable[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Null[T]()
		return nil
	}
	n.state = set
	return json.Unmarshal(b, &n.value)
}
