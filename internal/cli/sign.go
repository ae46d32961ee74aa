package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/internal/version"
	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/sigv4/explain"
)

// signOptions are those of request that a signature depends on, and how it is shown.
type signOptions struct {
	requestOptions
	at       string
	showKeys bool
	check    string
	asJSON   bool
}

func newSignCommand(a *app) *cobra.Command {
	var o signOptions
	cmd := &cobra.Command{
		Use:   "sign [METHOD] URL|PATH",
		Short: "Show the five steps of a signature, or check one that was made elsewhere",
		Long: `sign computes the signature of a request and shows each step of it with your values: the canonical request, its
hash, the string to sign, the keys that are derived from the secret, and the signature. It sends nothing.

Session tokens are masked. Derived keys are secrets and are shown for the credentials of examples (an access key
id that ends in EXAMPLE), or with --show-keys. The signature itself is valid for five minutes, for this request.

--check takes the Authorization header that another program made for the same request and names the first step in
which it differs. Give the headers that it signs with -H, and its time with --at or -H x-amz-date.

Exit codes: 0 for a right signature, 5 for one that differs. docs/signing.md has an example.`,
		Example: `  penstock sign GET '/logs-*/_search' --domain https://search-x.eu-west-1.es.amazonaws.com
  penstock sign POST /_bulk -d @b.ndjson --domain https://… --at 20151119T080000Z --check 'AWS4-HMAC-SHA256 …'`,
		GroupID: groupDomain,
		Args:    usageArgs(cobra.RangeArgs(1, 2)),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), a, args) },
	}
	f := settings.Flags{FlagSet: cmd.Flags()}
	f.Target(&o.Target)
	f.StringVarP(&o.method, "request", "X", "", "method; GET, or POST with a body, when not given")
	f.VarP(dataFlag{&o.data, dataOrFile}, "data", "d", "body: text, @file or @-; line ends in files are kept")
	f.StringArrayVarP(&o.headers, "header", "H", nil, `header, "Name: value"`)
	f.StringVar(&o.at, "at", "", "time of the signature, as 20151119T080000Z; now when not given")
	f.BoolVar(&o.showKeys, "show-keys", false, "show the derived keys, with which anybody can sign for a day")
	f.StringVar(&o.check, "check", "", "Authorization header to check")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	return cmd
}

const dateForm = "20060102T150405Z"

func (o *signOptions) run(ctx context.Context, a *app, args []string) error {
	method, full, body, err := o.asked(a, args, "sign")
	if err != nil {
		return err
	}
	req, err := o.build(ctx, method, full, body)
	if err != nil {
		return err
	}
	if o.NoSign {
		return usagef("leave --no-sign out", "a signature that is not made")
	}
	rt, err := o.Transport(ctx, nil, 1)
	if err != nil {
		return err
	}
	signer, ok := rt.(*sigv4.Transport)
	if !ok {
		return usagef("leave --collection out and write -H 'x-amz-aoss-collection-name: NAME'",
			"a request to the endpoint of an account")
	}
	creds, err := signer.Credentials.Credentials(ctx)
	if err != nil {
		return err
	}
	if signer.Host != "" {
		req.Host = signer.Host
	}
	at, err := o.time(req)
	if err != nil {
		return err
	}
	if o.check != "" {
		return o.compare(a.Out, req, body, at, signer, creds)
	}
	return o.steps(a.Out, req, body, at, signer, creds)
}

// time is that of --at, of the header x-amz-date, or now.
func (o *signOptions) time(req *http.Request) (time.Time, error) {
	text := cmp.Or(o.at, req.Header.Get("X-Amz-Date"))
	if text == "" {
		if o.check != "" {
			return time.Time{}, usagef("give the x-amz-date that it was made with: --at 20151119T080000Z",
				"a signature is checked without its time")
		}
		return time.Now(), nil
	}
	at, err := time.Parse(dateForm, text)
	if err != nil || len(text) != len(dateForm) {
		return at, usagef("write it as 20151119T080000Z", "%q is no time of a signature", text)
	}
	return at, nil
}

func (o *signOptions) steps(
	w io.Writer, req *http.Request, body []byte, at time.Time, t *sigv4.Transport, creds sigv4.Credentials,
) error {
	signer := &sigv4.Signer{Region: t.Region, Service: t.Service}
	hash := sigv4.HashPayload(body)
	if err := signer.Sign(req, creds, hash, at); err != nil {
		return err
	}
	trace, err := signer.Explain(req, creds, hash, at)
	if err != nil {
		return err
	}
	lines := strings.Split(trace.StringToSign, "\n")
	if o.asJSON {
		return printJSON(w, signed{
			CanonicalRequest: trace.CanonicalRequest, Hash: lines[len(lines)-1], StringToSign: trace.StringToSign,
			Keys: strings.Split(o.keys(creds, at, t), "\n"), Authorization: req.Header.Get("Authorization"),
		})
	}
	out := &sink{w: w}
	writeStep(out, "1 canonical request", trace.CanonicalRequest)
	writeStep(out, "2 its SHA-256", lines[len(lines)-1])
	writeStep(out, "3 string to sign", trace.StringToSign)
	writeStep(out, "4 keys", o.keys(creds, at, t))
	writeStep(out, "5 signature", "Authorization: "+req.Header.Get("Authorization"))
	if out.err != nil {
		return unwritten(out.err)
	}
	return nil
}

// signed are the five steps of a signature as --json has them.
type signed struct {
	CanonicalRequest string   `json:"canonical_request"`
	Hash             string   `json:"canonical_request_sha256"`
	StringToSign     string   `json:"string_to_sign"`
	Keys             []string `json:"keys"`
	Authorization    string   `json:"authorization"`
}

// keys shows how the signing key is derived, and the keys when they may be seen.
func (o *signOptions) keys(creds sigv4.Credentials, at time.Time, t *sigv4.Transport) string {
	scope := sigv4.Scope{Day: at.UTC().Format("20060102"), Region: t.Region, Service: t.Service}
	keys := scope.Derive(creds.SecretAccessKey)
	var b strings.Builder
	for i, k := range []struct {
		from, text string
		key        []byte
	}{
		{`"AWS4" + secret access key`, scope.Day, keys.Date},
		{"key of the day", scope.Region, keys.Region},
		{"key of the region", scope.Service, keys.Service},
		{"key of the service", "aws4_request", keys.Signing},
	} {
		if i > 0 {
			b.WriteByte('\n')
		}
		_, _ = fmt.Fprintf(&b, "HMAC(%s, %q)", k.from, k.text)
		if o.showKeys || isExample(creds.AccessKeyID) {
			_, _ = fmt.Fprintf(&b, " = %x", k.key)
		}
	}
	return b.String()
}

// isExample reports whether an access key id is one of those that stand in documentation.
func isExample(keyID string) bool { return strings.HasSuffix(keyID, "EXAMPLE") }

func writeStep(w io.Writer, name, text string) {
	_, _ = fmt.Fprintln(w, name)
	for line := range strings.SplitSeq(text, "\n") {
		_, _ = fmt.Fprintf(w, "  %s\n", printable(line))
	}
}

// compare checks a signature that another program made for the request.
func (o *signOptions) compare(
	w io.Writer, req *http.Request, body []byte, at time.Time, t *sigv4.Transport, creds sigv4.Credentials,
) error {
	// What our signature sets, the other one has signed too when it names it.
	signer := &sigv4.Signer{Region: t.Region, Service: t.Service}
	given := req.Header.Clone()
	if err := signer.Sign(req, creds, sigv4.HashPayload(body), at); err != nil {
		return err
	}
	maps.Copy(req.Header, given)
	req.Header.Set("X-Amz-Date", at.Format(dateForm))
	req.Header.Set("X-Amz-Content-Sha256", cmp.Or(given.Get("X-Amz-Content-Sha256"), sigv4.HashPayload(body)))
	req.Header.Set("Authorization", strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(o.check), "Authorization:")))
	if given.Get("User-Agent") == version.UserAgent() {
		req.Header.Del("User-Agent") // ours, and not the other program's
	}
	x := &explain.Exchange{
		Method: req.Method, Target: req.URL.RequestURI(), Host: req.Host, Header: req.Header, Body: body, HasBody: true,
	}
	id := x.KeyID()
	switch {
	case id == "":
		return usagef("give it whole: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…",
			"--check is no header of Signature Version 4")
	case id != creds.AccessKeyID:
		return usagef("name the --profile that it was made with, or set its variables",
			"--check is made with the access key %s, and the credentials here are of %s", id, creds.AccessKeyID)
	}
	finding, right := explain.Check(x, creds)
	scope := x.Scope()
	expected := sigv4.Scope{Day: at.Format("20060102"), Region: t.Region, Service: t.Service}
	isRight := right && scope == expected
	if o.asJSON {
		answer := signatureCheck{Right: isRight}
		switch {
		case !right:
			answer.Step, answer.Finding = stepOf(&finding), &finding
		case !isRight:
			answer.Step, answer.Signed, answer.Expected = stepOfScope, scope.String(), expected.String()
		default:
			answer.From, answer.Until = at.Add(-validity), at.Add(validity)
		}
		if err := printJSON(w, answer); err != nil {
			return err
		}
		return checkedExit(isRight)
	}
	out := &sink{w: w}
	switch {
	case !right:
		line(out, "step", "%s", stepOf(&finding))
		writeFinding(out, &finding)
	case scope != expected:
		line(out, "step", "%s", stepOfScope)
		line(out, "signed", "%s", scope)
		line(out, "expected", "%s", expected)
		line(out, "means", "the signature is right for its scope, and the scope is not the one of this domain and time")
	default:
		line(out, "right", "all five steps: the service accepts this signature from %s until %s",
			at.Add(-validity).Format(dateForm), at.Add(validity).Format(dateForm))
	}
	if out.err != nil {
		return unwritten(out.err)
	}
	return checkedExit(isRight)
}

func checkedExit(right bool) error {
	if right {
		return nil
	}
	return exitWith(exitRefused)
}

// validity is how far the service's clock may be from the time of a signature.
const validity = 5 * time.Minute

// stepOfScope is the step in which a signature differs that is right for another day, region or service.
const stepOfScope = "3, the string to sign"

// signatureCheck is what --check says of a signature as --json has it.
type signatureCheck struct {
	Right   bool             `json:"right"`
	Step    string           `json:"step,omitempty"`
	Finding *explain.Finding `json:"finding,omitempty"`
	// Signed and Expected are scopes.
	Signed   string `json:"signed,omitempty"`
	Expected string `json:"expected,omitempty"`
	// From and Until are when the service accepts it.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// stepOf is the step that a finding is about.
func stepOf(f *explain.Finding) string {
	switch {
	case f.Line != nil:
		return "1, the canonical request"
	case f.Evidence == explain.BySignature:
		return "4, the keys"
	}
	return "1 or 4: the canonical request or the keys"
}
