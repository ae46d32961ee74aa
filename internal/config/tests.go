package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/shape"
)

// choices are the settings that have one of a few words.
var choices = map[string]words{
	"service":       {"es", "aoss"},
	"binary":        {"letter", "skip"},
	"fields":        {pipeline.FieldsOwn, pipeline.FieldsECS, pipeline.FieldsECSAlias, pipeline.FieldsOCSF},
	"order":         {pipeline.OrderName, pipeline.OrderNewest},
	"conflicts":     {"rename", "stringify", "deadletter"},
	"logs_numbers":  {"compat", "safe"},
	"logs_json":     {"compat", "anywhere", "off"},
	"logs_messages": {"compat", "recognise"},
}

// Choices are the words of the settings that have one of a few, by the names of their flags.
func Choices() map[string][]string {
	all := map[string][]string{}
	for key, words := range choices {
		all[strings.ReplaceAll(key, "_", "-")] = words
	}
	return all
}

// tests are what else can be said about the value of a key, in the words of those who use it.
var tests = map[string]func(string) error{
	"domain":      testDomain,
	"region":      func(v string) error { return (&pipeline.AWS{Region: v}).Check() },
	"s3_region":   func(v string) error { return (&pipeline.AWS{Region: v}).Check() },
	"role_arn":    func(v string) error { return (&pipeline.AWS{RoleARN: v}).Check() },
	"s3_role_arn": func(v string) error { return (&pipeline.AWS{RoleARN: v}).Check() },
	"index":       testIndex,
	"encoding":    func(v string) error { return testRead(&pipeline.Read{Encoding: v}) },
	"logs_index":  func(v string) error { return testRead(&pipeline.Read{Logs: pipeline.Logs{Index: v}}) },
	"since":       testDate,
	"until":       testDate,
	"sample": func(v string) error {
		_, err := pipeline.ParseShare(v)
		return err
	},
	"rate": func(v string) error {
		_, err := pipeline.ParseRate(v)
		return err
	},
	"drop": func(v string) error {
		_, err := shape.ParseRules([]string{v})
		return err
	},
}

func testDomain(v string) error {
	if v == "" {
		return nil
	}
	_, err := domain.ParseURL(v)
	return err
}

func testDate(v string) error {
	_, err := pipeline.ParseDate(v, time.Now())
	return err
}

func (f *finder) testFormat(v string) error {
	name, _, _ := strings.Cut(v, "(")
	if known := f.formats(); v != "" && !slices.Contains(known, name) {
		if near := settings.Nearest(name, known); near != "" {
			return fmt.Errorf("no format is called %s; did you mean %q?", quoted(name), near)
		}
		return fmt.Errorf("no format is called %s; penstock formats lists them", quoted(name))
	}
	return f.testRead(&pipeline.Read{Format: v})
}

// formats are the names of those that the file defines, and of those that are built in.
func (f *finder) formats() []string { return append(slices.Clone(f.own), formats()...) }

// testRead is the function of this name, for settings that may name a format of the file's.
func (f *finder) testRead(o *pipeline.Read) error {
	o.Definitions = f.defined
	for _, name := range f.own {
		d := pipeline.Definition{Name: name, Dissect: "as named: %{field}"}
		known := func(one pipeline.Definition) bool { return one.Name == name }
		if wrong, _ := d.Check(); len(wrong) == 0 && !slices.ContainsFunc(f.defined, known) {
			o.Definitions = append(slices.Clone(o.Definitions), d) // its own mistakes are told where it stands
		}
	}
	return testRead(o)
}

// formats are the names of those that are recognised. A file may ask for them at each of its routes.
var formats = sync.OnceValue(func() []string {
	var all []string
	for _, one := range pipeline.Formats() {
		all = append(all, one.Name)
	}
	return all
})

func testIndex(v string) error {
	if v == "" {
		return nil
	}
	_, err := shape.ParsePattern(v)
	return err
}

func testRead(o *pipeline.Read) error {
	_, _, err := o.Stages()
	return err
}

// credential is what a secret looks like.
type credential struct {
	what    string
	pattern *regexp.Regexp
}

// credentials are secrets of which none belongs into a file that is copied and kept in version control. They are
// compiled for the first file.
var credentials = sync.OnceValue(func() []credential {
	return []credential{
		{"an AWS access key", regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`)},
		{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)},
		{"a password in a URL", regexp.MustCompile(`[a-z]://[^/\s:@]*:[^/\s@]+@`)},
		{"a token of GitHub", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40})`)},
		{"a token of Slack", regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{10}`)},
		{"a web token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.`)},
	}
})

// secrets reports values that are secrets, without showing them.
func (n *node) secrets(f *finder) {
	if n.kind == scalar && strings.ContainsAny(n.text, "-:_AeE") {
		for _, c := range credentials() {
			if c.pattern.MatchString(n.text) {
				f.wrong(n.place, "%s stands here; credentials come from the AWS chain, never from this file", c.what)
				return
			}
		}
	}
	for _, item := range n.items {
		item.secrets(f)
	}
	for _, m := range n.members {
		m.value.secrets(f)
	}
}
