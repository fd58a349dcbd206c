package check

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

// The form of JUnit that Jenkins, GitLab, Azure and the actions of GitHub read.
// https://github.com/testmoapp/junitxml

type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	junitCounts
	Suite junitSuite `xml:"testsuite"`
}

type junitCounts struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     string `xml:"time,attr"` // in seconds
}

type junitSuite struct {
	junitCounts
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitReason `xml:"failure,omitempty"`
	Error   *junitReason `xml:"error,omitempty"`
	Skipped *junitReason `xml:"skipped,omitempty"`
	Out     string       `xml:"system-out,omitempty"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML. A case that was not run because
// the handler is gone is an error there; warnings are in the case's output.
func (r *Report) WriteJUnit(w io.Writer) error {
	suite := junitSuite{Properties: []junitProperty{
		{"url", r.URL},
		{"idempotent", string(r.Idempotent)},
		{"slowest", seconds(r.Slowest)},
		{"patience", seconds(r.Patience)},
	}}
	var total time.Duration
	for _, result := range r.Results {
		total += result.Duration
		c := junitCase{Class: "hfhook.check", Name: result.Name, Time: seconds(result.Duration)}
		text := fmt.Sprintf("sent: %s\nwant: %s\ncame: %s\n%s", result.About, result.Want, result.Came, result.Why)
		switch result.Verdict {
		case Fail:
			suite.Failures++
			c.Failure = &junitReason{"want " + result.Want + ", came " + result.Came, result.Name, text}
		case Skipped:
			if r.Stopped != "" && result.Why == r.Stopped {
				suite.Errors++
				c.Error = &junitReason{Message: result.Why}
				break
			}
			suite.Skipped++
			c.Skipped = &junitReason{Message: result.Why}
		case Warn:
			c.Out = "warning\n" + text
		default:
			c.Out = result.Came
		}
		suite.Cases = append(suite.Cases, c)
	}
	suite.Name, suite.Tests, suite.Time = "hfhook check", len(suite.Cases), seconds(total)
	all := junitSuites{junitCounts: suite.junitCounts, Suite: suite}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
