package archive_test

import "strings"

// hostile are words of strangers that are out to be more than a word.
var hostile = []string{
	"$(touch evil)", "`touch evil`", "; touch evil #", "' ; touch evil ; '", `\'; touch evil; \'`, `\\'; touch evil; \\'`, `'\''; touch evil; '`,
	"a\ntouch evil\n", "a\r\ntouch evil", "--output=evil", "-o evil", "@evil", "%s%n", "!!", "!touch", "a!b'c", "\x1b!!touch evil", "~", "*", "{a,b}",
	"$HOME ${IFS}", "\x1b]52;c;ZXZpbA==\a", "\u202e\u200b", "\xff\xfe", "\\x41\\101\\", `"\\"`, "\u2018; touch evil", "(touch evil)", "<evil >evil", "a&touch evil&",
	"\\\ntouch evil", "'\\\n'", `\`, `'`, `"`, "", strings.Repeat(`'\`, 2000),
}
