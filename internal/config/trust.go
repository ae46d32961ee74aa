package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock/internal/settings"
)

// reach are the keys that say where records go and by whose rights. A file that was only found in the directory at
// hand does not set them.
var reach = []string{
	"domain", "targets", "target", "profile", "role_arn", "external_id", "sign_for", "ca_file", "endpoint_url",
	"s3_profile", "s3_role_arn", "s3_external_id", "dead_letters", "continue_queue",
}

// WithoutReach returns the file without what says where records go and by whose rights, and the keys that it leaves
// out.
func (f *File) WithoutReach() (*File, []string) {
	out := *f
	var left []string
	out.Values = map[string]settings.Value{}
	for key, v := range f.Values {
		if slices.Contains(reach, key) {
			left = append(left, key)
		} else {
			out.Values[key] = v
		}
	}
	if f.Targets != nil {
		left, out.Targets = append(left, "targets"), nil
	}
	slices.Sort(left)
	return &out, left
}

// VariableMayName is the variable with the domains, profiles and roles that a file from S3 or SSM may name.
const VariableMayName = "PENSTOCK_CONFIG_MAY_NAME"

// Confine reports domains, profiles and roles that a file names and the environment does not: in the variable of the
// same setting, or in VariableMayName, with spaces or commas between them. Who may write the file does not choose by
// whose rights records are sent, nor to whom.
func (f *File) Confine(lookup func(string) (string, bool)) error {
	list, _ := lookup(VariableMayName)
	listed := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
	var found []Mistake
	look := func(values map[string]settings.Value) {
		for _, key := range []string{"domain", "profile", "role_arn", "s3_profile", "s3_role_arn"} {
			v, ok := values[key]
			own, _ := lookup("PENSTOCK_" + strings.ToUpper(key))
			if !ok || v.Text == "" || v.Text == own || slices.Contains(listed, v.Text) {
				continue
			}
			found = append(found, Mistake{Line: v.Line, Column: v.Column, Text: fmt.Sprintf(
				"%s is %s, which the environment does not list; put it into %s", key, quoted(v.Text), VariableMayName)})
		}
	}
	look(f.Values)
	for _, values := range f.Targets {
		look(values)
	}
	if found == nil {
		return nil
	}
	return &MistakesError{Path: f.Path, Mistakes: (&finder{found: found}).sorted()}
}

// TargetOf is the name of the target that the command line or the environment chooses.
func TargetOf(flags *pflag.FlagSet, lookup func(string) (string, bool)) string {
	f := flags.Lookup("target")
	if f == nil {
		return ""
	}
	if f.Changed {
		return f.Value.String()
	}
	name, _ := lookup(settings.Lookup("target").Variable())
	return name
}
