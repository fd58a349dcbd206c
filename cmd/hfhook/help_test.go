package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// readyApp is the app as it is while it runs.
func readyApp() *cli.App {
	app := newApp(io.Discard, io.Discard)
	app.Setup()
	return app
}

// sources are the program's own files, without its tests.
func sources(t *testing.T) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var all []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		all = append(all, file)
	}
	require.NotEmpty(t, all)
	return all
}

func TestTheHelpFits80Columns(t *testing.T) {
	app := readyApp()
	for _, topic := range topics() {
		text := topic.text(app)
		assert.True(t, strings.HasSuffix(text, "\n"), topic.name)
		for line := range strings.Lines(text) {
			assert.LessOrEqual(t, columns(strings.TrimSuffix(line, "\n")), 80, "%s: %s", topic.name, line)
			assert.NotRegexp(t, `[ \t]\n$`, line, topic.name)
		}
	}
	var out strings.Builder
	for _, words := range [][]string{{"completion", "--help"}, {"man", "--help"}, {"help"}} {
		out.Reset()
		require.NoError(t, run(t.Context(), append([]string{"hfhook"}, words...), &out, io.Discard))
		for line := range strings.Lines(out.String()) {
			assert.LessOrEqual(t, columns(strings.TrimSuffix(line, "\n")), 80, line)
		}
	}
	for _, topic := range topics() {
		assert.Contains(t, out.String(), "  "+topic.name+" ")
	}
}

func TestTheHelpNamesEveryExitCode(t *testing.T) {
	codes := map[int]string{}
	for _, e := range exitCodes {
		codes[e.code] = e.text
	}
	assert.Len(t, codes, len(exitCodes))
	found := 0
	for _, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !regexp.MustCompile(`^exit[A-Z]`).MatchString(spec.Names[0].Name) || len(spec.Values) == 0 {
				return true
			}
			if value, ok := spec.Values[0].(*ast.BasicLit); ok {
				code, err := strconv.Atoi(value.Value)
				require.NoError(t, err)
				assert.Contains(t, codes, code, spec.Names[0].Name)
				found++
			}
			return true
		})
	}
	assert.Equal(t, len(exitCodes), found)
	_, section, _ := strings.Cut(readme(t), "\n## Exit codes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	section = strings.Join(strings.Fields(section), " ")
	for code, text := range codes {
		assert.Contains(t, section, strconv.Itoa(code)+" "+text)
	}
}

func TestTheHelpNamesEveryRecord(t *testing.T) {
	told := map[string]bool{}
	for _, kind := range recordKinds {
		told[reflect.TypeOf(kind.zero).Name()] = true
		assert.Contains(t, readme(t), "| `"+kind.name+"` |")
	}
	found := 0
	for _, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			body, ok := spec.Type.(*ast.StructType)
			if ok && slices.ContainsFunc(body.Fields.List, func(f *ast.Field) bool {
				name, ok := f.Type.(*ast.Ident)
				return ok && len(f.Names) == 0 && name.Name == "recordHead"
			}) {
				assert.True(t, told[spec.Name.Name], spec.Name.Name)
				found++
			}
			return true
		})
	}
	assert.Equal(t, len(recordKinds), found)
}

func TestTheHelpNamesEveryFieldOfTheRecords(t *testing.T) {
	text, known := jsonHelp(), map[string]bool{}
	for _, kind := range recordKinds {
		assert.Contains(t, text, "\n"+kind.name+": "+kind.about+"\n")
		eachField(kind.name, reflect.TypeOf(kind.zero), func(path string, _ int, f recordField) {
			known[path] = true
			about := recordFields[path]
			assert.NotEmpty(t, about, "recordFields says nothing about %s", path)
			assert.Regexp(t, `(?m)^ +`+regexp.QuoteMeta(f.name)+` +`+f.kind+` +`+regexp.QuoteMeta(about)+`$`, text)
		})
	}
	for path := range recordFields {
		assert.True(t, known[path], "there is no field %s", path)
	}
}

// What has a question mark is what may be missing.
func TestRecordFields(t *testing.T) {
	type inner struct {
		A string `json:"a"`
	}
	type record struct {
		recordHead
		Plain  string            `json:"plain"`
		Maybe  *int              `json:"maybe,omitempty"`
		Zero   bool              `json:"zero,omitzero"`
		Bytes  []byte            `json:"bytes"`
		Deep   []inner           `json:"deep,omitempty"`
		More   []attemptRecord   `json:"more"`
		Counts map[string]int    `json:"counts"`
		No     map[string]string `json:"-"`
	}
	var got []string
	eachField("r", reflect.TypeFor[record](), func(path string, depth int, f recordField) {
		got = append(got, strconv.Itoa(depth)+" "+path+" "+f.name+" "+f.kind)
	})
	assert.Equal(t, []string{
		"1 r.plain plain string", "1 r.maybe maybe? number", "1 r.zero zero? boolean", "1 r.bytes bytes bytes",
		"1 r.deep deep? array", "2 r.deep.a a string", "1 r.more more array", "1 r.counts counts object",
	}, got)
}

func TestTheHelpNamesEveryVariable(t *testing.T) {
	app := readyApp()
	text := environmentHelp(app)
	about := map[string]string{}
	for _, v := range flagVariables(app) {
		about[v.name] = v.about
		assert.Regexp(t, `(?m)^  `+v.name+` +--`, text)
	}
	eachCommand(app.Commands, "", func(name string, cmd *cli.Command) {
		for _, flag := range cmd.Flags {
			for _, v := range flag.(cli.DocGenerationFlag).GetEnvVars() {
				assert.Regexp(t, `(^|; )--`+flag.Names()[0]+` of [^;]*\b`+strings.Fields(name)[0]+`\b`, about[v], v)
			}
		}
	})
	assert.Regexp(t, `(?m)^  HFHOOK_NO_COLOR +--no-color$`, text)
	for _, v := range ownVariables {
		assert.NotContains(t, v.name, "HFHOOK_", "variables of flags are derived")
	}
}

func TestTheHelpNamesWhatFoldersMaySet(t *testing.T) {
	text := strings.Join(strings.Fields(settingsHelp()), " ")
	for name := range fromFolders {
		assert.Contains(t, text, name)
		assert.NotNil(t, findFlag(devCommand(), name), "a flag of hfhook dev")
	}
}

func TestTheHelpNamesEveryFilter(t *testing.T) {
	for _, flag := range filterFlagList() {
		if flag.Names()[0] == "filter" { // which takes them all
			continue
		}
		assert.Regexp(t, `(?m)^  (since, )?`+flag.Names()[0]+`[ ,]`, filtersHelp)
	}
}

func TestDescribeFlag(t *testing.T) {
	for _, c := range []struct {
		flag        cli.Flag
		names       string
		value, text string
	}{
		{&cli.StringFlag{Name: "to", Aliases: []string{"t"}, Usage: "send to `URL`", EnvVars: []string{"A", "B"}}, "--to -t", "URL", "send to URL [$A, $B]"},
		{&cli.StringFlag{Name: "x", Usage: "it", Value: "1"}, "-x", "VALUE", "it (default: 1)"},
		{&cli.BoolFlag{Name: "all", Usage: "of them", DisableDefaultText: true}, "--all", "", "of them"},
	} {
		require.NoError(t, c.flag.(interface{ RunAction(*cli.Context) error }).RunAction(nil))
		names, value, text := describeFlag(c.flag)
		assert.Equal(t, []any{c.names, c.value, c.text}, []any{strings.Join(names, " "), value, text})
	}
}
