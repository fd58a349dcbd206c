package sample

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// random is a stream of numbers that a seed and a purpose decide. ChaCha8 is
// specified, so the stream is the same with every version of Go; the rest is
// done here, because the methods of rand.Rand promise no such thing.
type random struct{ source *rand.ChaCha8 }

func newRandom(seed uint64, purpose ...string) random {
	h := sha256.New()
	_ = binary.Write(h, binary.BigEndian, seed)
	for _, word := range purpose {
		h.Write([]byte(word))
		h.Write([]byte{0})
	}
	return random{rand.NewChaCha8([32]byte(h.Sum(nil)))}
}

// below gives a number from 0 to n-1. That some are more likely than others by
// a trillionth does not matter here.
func (r random) below(n int) int { return int(r.source.Uint64() % uint64(n)) }

// digits gives hexadecimal digits, an even number of at most 64.
func (r random) digits(n int) string {
	var raw [32]byte
	for i := 0; i < n/2; i += 8 {
		binary.LittleEndian.PutUint64(raw[i:], r.source.Uint64())
	}
	return hex.EncodeToString(raw[:n/2])
}

// oid is an id as MongoDB makes them, with a time of the last years in front.
func (r random) oid() string {
	var raw [12]byte
	binary.BigEndian.PutUint32(raw[:], 0x63000000+uint32(r.below(0x06000000)))
	binary.LittleEndian.PutUint64(raw[4:], r.source.Uint64())
	return hex.EncodeToString(raw[:])
}

// sha is the name of a commit.
func (r random) sha() string { return r.digits(40) }

// text is a word that is unlikely to come twice, of n letters and digits.
func (r random) text(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	word := make([]byte, n)
	for i := range word {
		word[i] = alphabet[r.below(len(alphabet))]
	}
	return string(word)
}

func pick[T any](r random, list []T) T { return list[r.below(len(list))] }
