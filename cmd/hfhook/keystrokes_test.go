package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatIsTypedBecomesKeys(t *testing.T) {
	for name, tt := range map[string]struct {
		typed string
		keys  []rune
		late  []rune // when nothing follows
	}{
		"letters":          {"rq?", []rune("rq?"), nil},
		"wide":             {"é世\U0001f600", []rune("é世\U0001f600"), nil},
		"Enter":            {"\r\n", []rune{keyEnter, keyEnter}, nil},
		"erase":            {"\b\x7f", []rune{keyErase, keyErase}, nil},
		"Ctrl":             {"\x03\x04\x15\x17", []rune{keyInterrupt, keyEnd, keyEraseLine, keyEraseWord}, nil},
		"Escape":           {"\x1b", nil, []rune{keyEscape}},
		"Escape twice":     {"\x1b\x1b", []rune{keyOther}, []rune{keyEscape}},
		"arrow":            {"\x1b[A", []rune{keyOther}, nil},
		"arrow with shift": {"\x1b[1;2Cq", []rune{keyOther, 'q'}, nil},
		"arrow of old":     {"\x1bOAq", []rune{keyOther, 'q'}, nil},
		"F1 of Linux":      {"\x1b[[Aq", []rune{keyOther, 'q'}, nil},
		"Delete":           {"\x1b[3~\x1b[3~", []rune{keyOther, keyOther}, nil},
		"Alt":              {"\x1bq", []rune{keyOther}, nil},
		"Alt, wide":        {"\x1bé", []rune{keyOther}, nil},
		"Alt and arrow":    {"\x1b\x1b[A", []rune{keyOther, keyOther}, nil},
		"broken off":       {"\x1b[\rq", []rune{keyOther, keyEnter, 'q'}, nil},
		"pasted":           {"\x1b[200~q\r\x1b[201~", []rune{keyPasteBegin, 'q', keyEnter, keyPasteEnd}, nil},
		"half an arrow":    {"\x1b[", nil, []rune{keyOther}},
		"half a character": {"\xc3", nil, []rune{keyOther}},
		"no UTF-8":         {"\xffq", []rune{keyOther, 'q'}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var whole decoder
			assert.Equal(t, tt.keys, whole.decode([]byte(tt.typed)))
			assert.Equal(t, tt.late != nil, whole.pending())
			assert.Equal(t, tt.late, whole.flush())
			assert.False(t, whole.pending())

			var pieces decoder
			var keys []rune
			for i := range len(tt.typed) {
				keys = append(keys, pieces.decode([]byte{tt.typed[i]})...)
			}
			assert.Equal(t, tt.keys, keys)
			assert.Equal(t, tt.late, pieces.flush())
		})
	}
}

// However what is typed is cut, the keys are the same, and nothing is kept
// without end.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("r\x1b[1;5Aé\x1bOP\x1b"), uint8(3))
	f.Add([]byte("\x1b[200~q\x1b[201~\xf0\x9f"), uint8(1))
	f.Fuzz(func(t *testing.T, typed []byte, cut uint8) {
		var whole, pieces decoder
		keys := whole.decode(typed)
		if len(whole.rest) >= maxSequence {
			t.Fatalf("%d bytes wait", len(whole.rest))
		}
		n := min(int(cut), len(typed))
		cutKeys := append(pieces.decode(typed[:n]), pieces.decode(typed[n:])...)
		if len(typed) < maxSequence { // a longer sequence is none, wherever it is noticed
			assert.Equal(t, append(keys, whole.flush()...), append(cutKeys, pieces.flush()...))
		}
		if len(keys) > len(typed) {
			t.Fatalf("%d keys of %d bytes", len(keys), len(typed))
		}
	})
}
