package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	return string(text)
}

func TestTheREADMEsProgramBuilds(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		file := filepath.Join(t.TempDir(), "main.go")
		require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
		out, err := exec.Command("go", "build", "-o", filepath.Join(t.TempDir(), "program"), file).CombinedOutput()
		assert.NoError(t, err, string(out))
	}
}

func TestTheREADMENamesEveryFlag(t *testing.T) {
	text := readme(t)
	for _, command := range append(webhooksCommand().Subcommands, devCommand(), inspectCommand(), replayCommand(), triggerCommand(), checkCommand(), exportCommand(), importCommand(), secretCommand(), doctorCommand()) {
		for _, flag := range command.Flags {
			name := flag.Names()[0]
			// Not as the beginning of a longer one.
			named := regexp.MustCompile("--" + regexp.QuoteMeta(name) + `(?:[^a-z0-9-]|$)`)
			assert.True(t, named.MatchString(text), "--%s of %s", name, command.Name)
		}
	}
}

func TestTheREADMENamesEveryFieldOfTheRecords(t *testing.T) {
	text := readme(t)
	for _, record := range []any{
		readyRecord{}, routeRecord{}, deliveryRecord{}, arrivalRecord{}, attemptRecord{}, tunnelRecord{}, gapRecord{}, holdRecord{}, warningRecord{}, stoppedRecord{},
		caseRecord{}, verdictRecord{}, checkRecord{}, pathRecord{}, diagnosisRecord{}, registrationRecord{}, shieldRecord{},
		webhookRecord{}, watchedRecord{}, jobRecord{}, outputRecord{}, deletedRecord{}, replayedRecord{}, importedRecord{},
		plannedRecord{}, summaryRecord{}, comparisonRecord{}, changeRecord{}, triggeredRecord{}, sampleRecord{},
	} {
		fields(reflect.TypeOf(record), func(name string) {
			assert.True(t, strings.Contains(text, "`"+name), "`%s of %T", name, record)
		})
	}
}

// fields gives the names that a record's fields have in JSON, with a question
// mark where they may be missing.
func fields(record reflect.Type, f func(string)) {
	for i := range record.NumField() {
		field := record.Field(i)
		if field.Anonymous {
			fields(field.Type, f)
			continue
		}
		name, rest, _ := strings.Cut(field.Tag.Get("json"), ",")
		if rest == "omitempty" {
			name += "?"
		}
		f(name + "`")
	}
}
