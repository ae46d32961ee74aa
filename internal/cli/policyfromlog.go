package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/proxy"
)

func newPolicyFromLog(a *app) *cobra.Command {
	var domainARN string
	cmd := &cobra.Command{
		Use:   "from-log AUDIT…",
		Short: "Write the least policy that admits what an audit of the proxy says was used",
		Long: `from-log reads what penstock proxy --audit wrote, and prints the access policy that admits those requests and
no others: for each client the exact methods and paths. Requests that were refused are left out. Resources are paths,
as proxy --policy takes them, or ARNs with --domain-arn.

An audit that was written with a policy knows what each request touched. To find out what is used, run the proxy with a
policy that allows everything, then with the one that is printed. What the policy is to allow beyond that (indexes of
tomorrow, other documents) has to be written by hand: /logs-*/_doc/*.`,
		Example: `  penstock policy from-log audit.jsonl > policy.json
  penstock policy from-log audit.jsonl.1 audit.jsonl --domain-arn arn:aws:es:eu-west-1:123456789012:domain/logs`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			var u auditUses
			for _, name := range args {
				if err := u.readFile(a.In, name); err != nil {
					return err
				}
			}
			return u.print(a, domainARN)
		},
	}
	cmd.Flags().StringVar(&domainARN, "domain-arn", "", "ARN of the domain, to write resources as ARNs")
	return cmd
}

// auditUses are the requests of audits, each kind of them once.
type auditUses struct {
	list []iam.Use
	seen map[iam.Use]bool
	// refused requests are left out. Of the blind ones only the path is known, of the long ones not everything.
	lines, refused, blind, long int
	cut                         []string // files whose last line is not whole
}

// maxAuditLine is over the longest line that the proxy writes.
const maxAuditLine = 4 << 20

func (u *auditUses) readFile(stdin io.Reader, name string) error {
	const hint = "name a file that penstock proxy --audit wrote"
	f, err := openInput(stdin, name)
	if err != nil {
		return usagef(hint, "read audit: %w", err)
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewScanner(f)
	r.Buffer(nil, maxAuditLine)
	ended := true
	r.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		n, line, err := bufio.ScanLines(data, atEOF)
		if atEOF && line != nil && n == len(data) && data[n-1] != '\n' {
			ended = false
		}
		return n, line, err
	})
	for at := 1; r.Scan(); at++ {
		var l proxy.AuditLine
		d := json.NewDecoder(strings.NewReader(r.Text()))
		d.DisallowUnknownFields()
		err := d.Decode(&l)
		if err == nil && (l.Method == "" || l.Who == "" || l.Path == "") {
			err = errors.New("it has no method, path or who")
		}
		switch {
		case err != nil && !ended:
			u.cut = append(u.cut, name)
		case err != nil:
			return usagef(hint, "%s:%d: not a line of an audit: %w", name, at, err)
		default:
			u.add(&l)
		}
	}
	if err := r.Err(); err != nil {
		return usagef(hint, "read audit: %s: %w", name, err)
	}
	return nil
}

// add takes the requests that a line stands for.
func (u *auditUses) add(l *proxy.AuditLine) {
	u.lines++
	if l.Cause != "" || l.Status == 0 {
		u.refused++
		return
	}
	if u.seen == nil {
		u.seen = map[iam.Use]bool{}
	}
	use := func(method, path string) {
		if n := (iam.Use{Principal: l.Who, Method: method, Path: path}); !u.seen[n] {
			u.seen[n] = true
			u.list = append(u.list, n)
		}
	}
	for _, asked := range l.Asked {
		method, path, _ := strings.Cut(asked, " ")
		use(method, path)
	}
	if l.MoreAsked > 0 {
		u.long++
	}
	if len(l.Asked) > 0 {
		return
	}
	u.blind++
	if l.Method != http.MethodOptions { // which no action stands for
		use(l.Method, l.Path)
		if t, err := guard.ParseTarget(l.Path); err == nil && !t.OpaqueID {
			use(l.Method, t.Decoded())
		}
	}
}

// print writes the policy, and says what it does not know.
func (u *auditUses) print(a *app, domainARN string) error {
	note := func(n int, what string) {
		if n > 0 {
			_, _ = fmt.Fprintf(a.Err, "penstock: %d of %d requests %s\n", n, u.lines, what)
		}
	}
	note(u.refused, "were refused, or had no answer, and are left out")
	note(u.blind, "were written down without a policy: what they touch beside their path is not known")
	note(u.long, "touch more than a line of the audit holds, and are not admitted as a whole")
	for _, name := range u.cut {
		_, _ = fmt.Fprintf(a.Err, "penstock: the last line of %s is not whole, and is left out\n", printable(name))
	}
	if len(u.list) == 0 {
		return usagef("name an audit with requests that were let through", "the audit has no use to write a policy for")
	}
	doc, err := iam.Least(u.list, domainARN)
	if err != nil {
		return &usageError{Err: err, Hint: "--domain-arn arn:aws:es:REGION:ACCOUNT:domain/NAME"}
	}
	if _, err := iam.ParsePaths(doc, domainARN); err != nil {
		return usagef("read a shorter audit, or write the policy by hand with stars, such as /logs-*/_doc/*",
			"the policy that admits these %d uses and nothing else is none: %w", len(u.list), err)
	}
	if _, err := fmt.Fprintf(a.Out, "%s\n", doc); err != nil {
		return unwritten(err)
	}
	return nil
}
