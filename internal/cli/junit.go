package cli

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// testCase is the outcome of one case, as a report has it.
type testCase struct {
	Suite string // what the case belongs to: a route, a file
	Name  string
	File  string
	Line  int
	// Failures say what was not as expected; none when the case passed.
	Failures []string
}

// junitFlag adds --junit.
func junitFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "junit", "", "file to write the outcome to as JUnit XML, for CI systems")
}

// junitSuite is the element of the report, in the form that CI systems agree on.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes cases to a file. An empty name writes nothing.
func writeJUnit(path, suite string, cases []testCase) error {
	if path == "" {
		return nil
	}
	out := junitSuite{Name: suite, Tests: len(cases)}
	for _, c := range cases {
		one := junitCase{Class: c.Suite, Name: c.Name, File: c.File, Line: c.Line}
		if len(c.Failures) > 0 {
			out.Failures++
			first, _, _ := strings.Cut(c.Failures[0], "\n")
			one.Failure = &junitFailure{Message: first, Text: strings.Join(c.Failures, "\n")}
		}
		out.Cases = append(out.Cases, one)
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	text = append(append([]byte(xml.Header), text...), '\n')
	if err := os.WriteFile(path, text, 0o666); err != nil { //nolint:gosec // a report is for others to read
		return fmt.Errorf("write JUnit report: %w", err)
	}
	return nil
}

// failed counts the cases that failed.
func failed(cases []testCase) (n int) {
	for i := range cases {
		if len(cases[i].Failures) > 0 {
			n++
		}
	}
	return n
}
