package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hfhook/hfhook/replay"
)

func TestWordsForTheRest(t *testing.T) {
	word := func(word string, from, to int64) chosen {
		return chosen{word, replay.Filter{FromID: from, ToID: to}}
	}
	many := []int64{}
	for id := int64(2); id < 2+2*(maxWords+1); id += 2 {
		many = append(many, id)
	}
	for name, c := range map[string]struct {
		r     rest
		at    int
		words []chosen
		want  []string
	}{
		"nothing was sent":          {rest{given: 1, unsent: []int64{1}}, 0, []chosen{word("1..9", 1, 9)}, []string{"1..9"}},
		"some were":                 {rest{given: 6, sent: 3, unsent: []int64{6, 5, 4}}, 0, []chosen{word("1..9", 1, 9)}, []string{"4..9"}},
		"all that was given":        {rest{given: 3, sent: 3}, 0, []chosen{word("1..9", 1, 9)}, []string{"4..9"}},
		"out of order":              {rest{given: 6, sent: 5, unsent: []int64{2, 4, 6}}, 0, []chosen{word("1..9", 1, 9)}, []string{"2", "4", "6..9"}},
		"all were given":            {rest{all: true, given: 9, sent: 5, unsent: []int64{2, 8, 7}}, 0, []chosen{word("1..9", 1, 9)}, []string{"2", "7..8"}},
		"one is left":               {rest{given: 8, sent: 8}, 0, []chosen{word("1..9", 1, 9)}, []string{"9"}},
		"none is":                   {rest{all: true, given: 9, sent: 9}, 0, []chosen{word("1..9", 1, 9)}, nil},
		"to one of its targets":     {rest{given: 3, sent: 3, unsent: []int64{3}}, 0, []chosen{word("1..9", 1, 9)}, []string{"3", "4..9"}},
		"words that follow":         {rest{given: 3, sent: 3}, 0, []chosen{word("1..4", 1, 4), word("last", 9, 9)}, []string{"4", "last"}},
		"words before are done":     {rest{given: 3, sent: 3}, 1, []chosen{word("9", 9, 9), word("1..4", 1, 4)}, []string{"4"}},
		"a word of lower IDs":       {rest{given: 1, sent: 2, unsent: []int64{4, 5, 6, 1}}, 2, []chosen{word("2", 2, 2), word("4..6", 4, 6), word("1", 1, 1)}, []string{"1", "4..6"}},
		"a range of lower IDs":      {rest{given: 1, sent: 7, unsent: []int64{8, 9, 1}}, 1, []chosen{word("7..9", 7, 9), word("1..3", 1, 3)}, []string{"1", "2..3", "8..9"}},
		"the end of a Webhook-Id":   {rest{given: 3, sent: 3}, 0, []chosen{word("wh", 0, 0)}, []string{"wh"}},
		"too many by themselves":    {rest{given: 100, sent: 99, unsent: many}, 0, []chosen{word("1..200", 1, 200)}, []string{"2..200"}},
		"nothing is kept":           {rest{}, 0, nil, nil},
		"one word, nothing left":    {rest{given: 9, sent: 9}, 0, []chosen{word("1..9", 1, 9)}, nil},
		"and nothing left but more": {rest{given: 9, sent: 9}, 0, []chosen{word("1..9", 1, 9), word("12", 12, 12)}, []string{"12"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, c.r.words(&choice{words: c.words, at: c.at}))
		})
	}
}
