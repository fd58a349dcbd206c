package licences_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/licensecheck"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/cmd/hfhook/internal/licences"
	"github.com/hfhook/hfhook/payload"
)

var update = flag.Bool("update", false, "write licences.txt anew")

// allowed are the licences that go together with Apache-2.0. MPL-2.0 would too,
// for a module that is not changed; there is none.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", publicDomain}

const publicDomain = "public domain"

// readByAPerson are files in which licensecheck does not know most of the text:
// what they are, and the sum of what was read.
var readByAPerson = map[string]struct {
	sum string
	are []string
}{
	"modernc.org/libc/LICENSE-3RD-PARTY.md": {"f597097efe3d97021f89170746bd3a0fb9a8b6fb26b82043ed68a4e0283bee6c", []string{"BSD-3-Clause", "MIT"}}, // parts of Go, musl and its authors, go-netdb, nixpkgs
	"modernc.org/sqlite/LICENSE-SQLITE":     {"8438c9c89b849131ead81d5435cb97fcf052df5b0b286dda8a2d4c29e6cb3fd0", []string{publicDomain}},
}

// leftOut are files about what does not get into the program.
var leftOut = []string{
	"modernc.org/memory/LICENSE-LOGO",         // a picture
	"modernc.org/sqlite/LICENSE-SQLITE_VEC",   // of a package that is not linked, see notLinked
	"modernc.org/sqlite/LICENSE-3RD-PARTY.md", // all modules that it knows of; those that are linked are here by themselves
}

var notLinked = []string{"modernc.org/sqlite/vec", "modernc.org/sqlite/vfs"}

const (
	own     = "github.com/hfhook/hfhook"
	program = own + "/cmd/hfhook"
	system  = "golang.org/x/sys" // the Go Authors', as Go's own library is
)

// platforms are those that make cross builds for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|unlicense|copying|copyright|notice)([.-].*)?$`)

var major = regexp.MustCompile(`/v\d+$`)

type module struct {
	path, version string
	files         map[string]string // by their paths, below that of the module
}

// modules lists the modules that packages are built from, for some platforms,
// and the packages. What it needs is in the module cache once these are built.
func modules(t *testing.T, platforms []string, arguments ...string) (found map[string]*module, packages map[string]bool) {
	found, packages = map[string]*module{}, map[string]bool{}
	for _, platform := range platforms {
		system, arch, _ := strings.Cut(platform, "/")
		list := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps", "-json=ImportPath,Dir,Module"}, arguments...)...)
		list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0")
		list.Stderr = os.Stderr
		out, err := list.Output()
		require.NoError(t, err, "%s", list)
		for d := json.NewDecoder(strings.NewReader(string(out))); ; {
			var p struct {
				ImportPath, Dir string
				Module          *struct{ Path, Version, Dir string }
			}
			err := d.Decode(&p)
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			packages[p.ImportPath] = true
			if p.Module == nil { // Go's own
				continue
			}
			m := found[p.Module.Path]
			if m == nil {
				m = &module{p.Module.Path, p.Module.Version, map[string]string{}}
				found[m.path] = m
			}
			for dir := p.Dir; len(dir) >= len(p.Module.Dir); dir = filepath.Dir(dir) {
				m.read(t, p.Module.Dir, dir)
			}
		}
	}
	return found, packages
}

// read takes the files about licences in a folder of the module.
func (m *module) read(t *testing.T, root, dir string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		below, err := filepath.Rel(root, filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		name := m.path + "/" + filepath.ToSlash(below)
		if !e.Type().IsRegular() || !licenceFile.MatchString(e.Name()) || strings.HasSuffix(name, ".go") || slices.Contains(leftOut, name) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		m.files[name] = string(text)
	}
}

// names gives the licences of the module, which have to be allowed.
func (m *module) names(t *testing.T) []string {
	var all []string
	for name, text := range m.files {
		var are []string
		cover := licensecheck.Scan([]byte(text))
		for _, match := range cover.Match {
			are = append(are, match.ID)
		}
		if known, ok := readByAPerson[name]; ok {
			sum := sha256.Sum256([]byte(text))
			assert.Equal(t, known.sum, hex.EncodeToString(sum[:]), "%s is another text than the one that was read", name)
			are = append(are, known.are...)
		} else {
			assert.Greater(t, cover.Percent, 80.0, "%s is no licence that is known", name)
		}
		for _, one := range are {
			assert.Contains(t, allowed, one, "%s", name)
		}
		all = append(all, are...)
	}
	require.NotEmpty(t, all, "%s has no licence", m.path)
	slices.Sort(all)
	return slices.Compact(all)
}

// Every module that is linked is listed with its licence, which is an allowed
// one, and its notices are here.
func TestLicences(t *testing.T) {
	linked, packages := modules(t, platforms, program)
	for _, name := range notLinked {
		assert.NotContains(t, packages, name)
	}
	sorted := slices.SortedFunc(maps.Values(linked), func(a, b *module) int {
		return cmp.Or(cmp.Compare(b2i(b.path == own), b2i(a.path == own)), cmp.Compare(a.path, b.path))
	})
	type notice struct {
		of   []string
		text string
	}
	readme, err := os.ReadFile("../../../../README.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(readme), "\n## Licence\n")
	under, notices := map[string][]string{}, []*notice{}
	for _, m := range sorted {
		names := []string{strings.TrimSpace(m.path + " " + m.version)}
		if m.path == own {
			names[0] = "hfhook"
		} else {
			licence := strings.Join(m.names(t), ", ")
			if m.path == system {
				names = append(names, "Go, its runtime and library")
			}
			under[licence] = append(under[licence], names...)
			assert.Regexp(t, "[`/]"+path.Base(major.ReplaceAllString(m.path, ""))+"`", section, "the README's section Licence")
		}
		for _, file := range slices.Sorted(maps.Keys(m.files)) {
			text := plain(m.files[file])
			i := slices.IndexFunc(notices, func(n *notice) bool { return n.text == text })
			if i < 0 {
				i, notices = len(notices), append(notices, &notice{text: text})
			}
			notices[i].of = append(notices[i].of, names...)
		}
	}

	var b strings.Builder
	b.WriteString("hfhook is under the Apache License 2.0. The program is also made of what others\nwrote, which is under\n")
	for _, licence := range slices.Sorted(maps.Keys(under)) {
		fmt.Fprintf(&b, "\n%s:\n  %s\n", licence, strings.Join(under[licence], "\n  "))
	}
	b.WriteString("\nThese are the licences and notices of them all.\n")
	for _, n := range notices {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(slices.Compact(n.of), "\n"), n.text)
	}
	if *update {
		require.NoError(t, os.WriteFile("licences.txt", []byte(b.String()), 0o644))
		return
	}
	assert.Equal(t, b.String(), licences.Text, "run make licences")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// What the tests are made of stays out of the program, but not out of the
// module that others import.
func TestLicencesOfTests(t *testing.T) {
	all, _ := modules(t, []string{"linux/amd64", "windows/amd64"}, "-test", own+"/...")
	assert.Contains(t, all, "github.com/stretchr/testify")
	for _, m := range all {
		m.names(t)
	}
}

// The Go Authors' modules have the licence of Go itself.
func TestGoHasTheLicenceOfItsModules(t *testing.T) {
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "LICENSE"))
	if errors.Is(err, fs.ErrNotExist) {
		return // a distribution has it elsewhere
	}
	require.NoError(t, err)
	assert.Contains(t, licences.Text, plain(string(text)))
}

// plain gives a text whole, in lines of at most 80 columns and without what
// steers a terminal.
func plain(text string) string {
	text = payload.PrintableLines(strings.ReplaceAll(text, "\f", ""))
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		for line = strings.TrimRight(line, " "); len([]rune(line)) > 80; {
			cut := strings.LastIndexByte(string([]rune(line)[:81]), ' ')
			if strings.TrimSpace(line[:max(cut, 0)]) == "" {
				break // one word
			}
			lines, line = append(lines, strings.TrimRight(line[:cut], " ")), strings.TrimLeft(line[cut:], " ")
		}
		lines = append(lines, line)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
