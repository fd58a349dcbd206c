package check

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestJudgeAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answers [7]string
		want    Tristate
		why     string
	}{
		"a count of requests":         {[7]string{"n=1", "n=2", "n=3", "n=4", "n=5", "n=6", "n=7"}, No, "count repeats"},
		"a count among other numbers": {[7]string{"8 of 9 a4", "8 of 10 a4", "8 of 11 a4", "8 of 12 a4", "8 of 13 a4", "8 of 14 a4", "8 of 15 a4"}, No, "count repeats"},
		"a count of deliveries":       {[7]string{"n=4", "n=4", "n=5", "n=5", "n=5", "n=6", "n=6"}, Yes, "no repeats"},
		"it says so":                  {[7]string{"new", "known", "new", "known", "known", "new", "known"}, Yes, `it knows a repeat: "new", then "known"`},
		"a count for each delivery":   {[7]string{"seen 1", "seen 2", "seen 1", "seen 2", "seen 3", "seen 1", "seen 2"}, Unknown, "differ"},
		"always the same":             {[7]string{"ok", "ok", "ok", "ok", "ok", "ok", "ok"}, Unknown, "nothing can be seen"},
		"two servers that take turns": {[7]string{"a", "b", "a", "b", "a", "b", "a"}, Unknown, "differ"},
		"a clock that is slow":        {[7]string{"t=5", "t=5", "t=6", "t=6", "t=6", "t=6", "t=6"}, Unknown, "differ"},
		"a clock that is quick":       {[7]string{"t=1", "t=2", "t=53", "t=54", "t=55", "t=106", "t=107"}, Unknown, "differ"},
		"seconds since 1970":          {[7]string{"1700000001", "1700000002", "1700000003", "1700000004", "1700000005", "1700000006", "1700000007"}, Unknown, "differ"},
		"random ids":                  {[7]string{"x7", "1b", "c", "d9", "e", "f", "g"}, Unknown, "differ"},
		"sometimes a sign":            {[7]string{"1", "#", "3", "4", "5", "6", "7"}, Unknown, "differ"},
		"sometimes a number":          {[7]string{"1", "2", "three", "4", "5", "6", "7"}, Unknown, "differ"},
		"nothing":                     {[7]string{}, Unknown, "nothing can be seen"},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := judgeAnswers(c.answers)
			assert.Equal(t, c.want, got, why)
			assert.Contains(t, why, c.why)
		})
	}
}

func FuzzJudgeAnswers(f *testing.F) {
	f.Add("n=1", "n=2", "n=3")
	f.Add("1", "#", "1 #")
	f.Fuzz(func(t *testing.T, first, again, other string) {
		got, why := judgeAnswers([7]string{first, again, other, again, again, other, again})
		assert.NotEmpty(t, why)
		if first != other && got == Yes {
			assert.Contains(t, why, "its answers count deliveries")
		}
		got, _ = judgeAnswers([7]string{first, first, first, first, first, first, first})
		assert.Equal(t, Unknown, got)
	})
}

func TestShorten(t *testing.T) {
	assert.Equal(t, "", shorten(""))
	long := ""
	for range 300 {
		long += "ü"
	}
	assert.Equal(t, long[:202]+"…", shorten(long))
}
