package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/sigv4/explain"
)

type doctorExplainOptions struct {
	profile string
	json    bool
}

func newDoctorExplainCommand(a *app) *cobra.Command {
	var o doctorExplainOptions
	cmd := &cobra.Command{
		Use:   "explain [FILE|-]",
		Short: "Name the signing mistake in a refused request",
		Long: `explain reads a refused request and says which mistake it has: the first line in which what was signed differs
from what the domain expected, the usual reason, and the programs that are known for it. It says so when it does not
know. It sends nothing and keeps nothing; tokens and signatures are masked.

The input is a FILE or standard input: the output of curl -v (curl -v … 2>&1 | penstock doctor explain), an HTTP
archive or one entry of it, or the body of the refusal together with the request line and headers of the request.

When AWS_ACCESS_KEY_ID is the key of the request, or --profile names it, the signature is computed again with its
secret. What was signed is then proved; without the secret some mistakes cannot be told from a wrong secret.
docs/explain-signature.md explains the output.`,
		Example: `  curl -v --aws-sigv4 aws:amz:eu-west-1:es … 2>&1 | penstock doctor explain
  penstock doctor explain refused.har --profile logs
  penstock doctor explain refused.txt --json`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), a, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "", "take the client's credentials from this profile of the AWS configuration")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

func (o *doctorExplainOptions) run(ctx context.Context, a *app, args []string) error {
	if f, ok := a.In.(*os.File); ok && len(args) == 0 && term.IsTerminal(int(f.Fd())) {
		a.note("paste the refusal, and the request with its headers, then end with Ctrl-D on a line of its own")
	}
	input, name, err := refusedInput(a.In, args)
	if err != nil {
		return err
	}
	x, err := explain.Parse(input)
	if err != nil {
		return usagef("give the output of curl -v, an HTTP archive, or the refusal with the request's headers",
			"read %s: %w", name, err)
	}
	creds, err := o.credentials(ctx)
	if err != nil {
		return err
	}
	if o.profile != "" && x.KeyID() != "" && creds.AccessKeyID != x.KeyID() {
		a.note("the request is signed with another access key than the one of profile %s, so its secret says nothing",
			o.profile)
	}
	finding := explain.Explain(x, explain.Options{Credentials: creds})
	if o.json {
		return printJSON(a.Out, finding)
	}
	out := &sink{w: a.Out}
	writeFinding(out, &finding)
	if out.err != nil {
		return unwritten(out.err)
	}
	return nil
}

// refusedInput reads the file or standard input, within the bound of the parser.
func refusedInput(stdin io.Reader, args []string) (input []byte, name string, err error) {
	path := "-"
	if len(args) == 1 {
		path = args[0]
	}
	name = path
	if path == "-" {
		name = "standard input"
	}
	input, err = readBounded(stdin, path, explain.MaxInput+1)
	if err != nil {
		return nil, name, usagef("name a file, or - for standard input", "%w", err)
	}
	return input, name, nil
}

// credentials are those of the profile, or of the variables. Without a profile nobody is asked for them.
func (o *doctorExplainOptions) credentials(ctx context.Context) (sigv4.Credentials, error) {
	if o.profile == "" {
		return sigv4.Credentials{
			AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
		}, nil
	}
	identity := pipeline.AWS{Profile: o.profile}
	cfg, err := identity.Load(ctx)
	if err != nil {
		return sigv4.Credentials{}, err
	}
	return pipeline.Chain{Provider: cfg.Credentials}.Credentials(ctx)
}

// evidenceWords say what a claim rests on.
var evidenceWords = map[explain.Evidence]string{
	explain.BySignature:  "proved by the signature",
	explain.ByDifference: "seen in what was sent and what arrived",
	explain.ByDomain:     "said by the domain",
	explain.ByClient:     "known of this client",
	explain.None:         "not known",
}

func writeFinding(w io.Writer, f *explain.Finding) {
	line(w, "cause", "%s (%s)", f.Cause, evidenceWords[f.Evidence])
	if len(f.Candidates) > 0 {
		line(w, "perhaps", "%s", strings.Join(f.Candidates, ", "))
	}
	if l := f.Line; l != nil {
		where := l.Name
		if l.Number > 0 {
			where = fmt.Sprintf("%d, %s", l.Number, l.Name)
		}
		line(w, "line", "%s", where)
		line(w, "signed", "%s", l.Client)
		line(w, "expected", "%s", l.Domain)
	}
	line(w, "seen", "%s", f.Seen)
	line(w, "means", "%s", f.Means)
	line(w, "fix", "%s", f.Fix)
	for _, c := range f.Clients {
		line(w, "known of", "%s", c)
	}
	for _, n := range f.Notes {
		line(w, "note", "%s", n)
	}
}
