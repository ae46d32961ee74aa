package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/engine"
	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/identity"
	"github.com/seed56735111/penstock/internal/bucket"
	"github.com/seed56735111/penstock/internal/samples"
)

// The demo's domain answers as the managed service did in 2015, which named the resource that it refused.
const (
	demoAccount = "123456789012"
	demoRegion  = "eu-west-1"
	demoName    = "sandbox01"
	demoUser    = "arn:aws:iam::" + demoAccount + ":user/grace"
	demoBucket  = "sample-logs"
)

func newDemoCommand(a *app) *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole story on this machine: a bucket, a guarded domain, files shipped and found",
		Long: `demo shows everything that penstock does, on this machine: it starts a bucket and a local IAM-guarded domain,
ships sample files from one to the other, and prints each step with the command that you could type yourself. It needs
no account and no network, and leaves nothing behind. docs/demo.md tells what it shows.`,
		Example: "  penstock demo\n  penstock demo --keep",
		GroupID: groupMove,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), a, keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the bucket and the domain running until you interrupt, "+
		"and say how to reach them")
	return cmd
}

// demo is the state of one demonstration.
type demo struct {
	*app
	dir               string
	domainURL, s3URL  string
	user              identity.Credentials
	env               []string // of the commands, NAME=VALUE
	close             []func()
	step              int
	bold, dim, accent string
	reset             string
	unwritten         error // what stood in the way of the first words that could not be written
}

func runDemo(ctx context.Context, a *app, keep bool) error {
	// A reader that has seen enough, such as head, ends the demo in order: what it put on the disk goes.
	signal.Ignore(syscall.SIGPIPE)
	d := &demo{app: a}
	if isTerminal(a.Out) {
		d.bold, d.dim, d.accent, d.reset = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[0m"
	}
	defer func() {
		for _, f := range d.close {
			f()
		}
	}()
	objects, err := d.start(ctx)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		d.refused, d.banner,
		func(ctx context.Context) error { return d.ship(ctx, objects) },
		d.search, d.histogram, d.again, d.poison,
	} {
		err := step(ctx)
		if d.unwritten != nil {
			return d.stopped()
		}
		if err != nil {
			return err
		}
	}
	if !keep {
		d.say("\nThat was all of it. %spenstock demo --keep%s leaves it running.\n", d.accent, d.reset)
		return nil
	}
	return d.stay(ctx)
}

func (d *demo) say(format string, args ...any) {
	if _, err := fmt.Fprintf(d.Out, format, args...); err != nil && d.unwritten == nil {
		d.unwritten = unwritten(err)
	}
}

// stopped is how a demo ends that nobody can see.
func (d *demo) stopped() error {
	if errors.Is(d.unwritten, syscall.EPIPE) {
		return exitWith(exitInternal)
	}
	return d.unwritten
}

// title begins a step and shows the command for it.
func (d *demo) title(text, command string) {
	d.step++
	d.say("\n%s%d. %s%s\n", d.bold, d.step, text, d.reset)
	d.say("   %s$ %s%s\n", d.accent, command, d.reset)
}

// start brings up the bucket and the domain.
func (d *demo) start(ctx context.Context) ([]samples.Object, error) {
	dir, err := os.MkdirTemp("", "penstock-demo-*")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the demo: %w", err)
	}
	d.dir = dir
	d.close = append(d.close, func() { _ = os.RemoveAll(dir) })
	if d.s3URL, err = d.startBucket(ctx); err != nil {
		return nil, err
	}
	if d.domainURL, err = d.startDomain(ctx); err != nil {
		return nil, err
	}
	objects, err := samples.All()
	if err != nil {
		return nil, err
	}
	d.env = []string{
		"AWS_ACCESS_KEY_ID=" + d.user.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + string(d.user.Secret),
		"AWS_REGION=" + demoRegion, "PENSTOCK_DOMAIN=" + d.domainURL,
		"PENSTOCK_ENDPOINT_URL=" + d.s3URL, "PENSTOCK_PATH_STYLE=true",
		"PENSTOCK_DEAD_LETTERS=" + filepath.Join(dir, "dead-letters"),
	}
	d.say("%sA bucket%s of %s is at %s\n", d.bold, d.reset, plural(int64(len(objects)), "file"), d.s3URL)
	d.say("%sA domain%s that admits only %s is at %s\n", d.bold, d.reset, demoUser, d.domainURL)
	d.say("%sThe commands below find both, and the user's credentials, in variables: "+
		"AWS_ACCESS_KEY_ID, PENSTOCK_DOMAIN, …%s\n", d.dim, d.reset)
	return objects, nil
}

func (d *demo) startBucket(ctx context.Context) (string, error) {
	b, err := bucket.New(demoBucket)
	if err != nil {
		return "", err
	}
	objects, err := samples.All()
	if err != nil {
		return "", err
	}
	for _, o := range objects {
		if err := b.Put(o.Key, o.Body); err != nil {
			return "", err
		}
	}
	return d.serve(ctx, b)
}

// startDomain is the embedded engine behind a guard whose policy names one user.
func (d *demo) startDomain(ctx context.Context) (string, error) {
	compat, err := guard.ParseCompat("2015-10")
	if err != nil {
		return "", err
	}
	e, err := engine.Open(engine.Config{Profile: compat.Engine, ClusterName: demoAccount + ":" + demoName})
	if err != nil {
		return "", err
	}
	d.close = append(d.close, func() { _ = e.Close() })
	identities := identity.New()
	if d.user, err = identities.CreateUser(identity.User{ARN: demoUser}); err != nil {
		return "", err
	}
	document, _, err := guard.Access("iam="+demoUser, guard.DomainARN(demoRegion, demoAccount, demoName))
	if err != nil {
		return "", err
	}
	policy, err := guard.ParseAccessPolicy(document)
	if err != nil {
		return "", err
	}
	g, err := guard.New(guard.Config{
		Backend: e, Account: demoAccount, Region: demoRegion, Name: demoName, Profile: compat.Messages,
		Identities: identities, Policy: guard.FixedPolicy(policy), MaxBody: guard.LargeMaxBody,
	})
	if err != nil {
		return "", err
	}
	return d.serve(ctx, g)
}

// serve answers on a free port of the loopback interface until the demo is over.
func (d *demo) serve(ctx context.Context, h http.Handler) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen on loopback: %w", err)
	}
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	go func() { _ = srv.Serve(l) }()
	d.close = append([]func(){func() { _ = srv.Close() }}, d.close...)
	return "http://" + l.Addr().String(), nil
}

// penstock runs a command of this program as a person would, with the demo's variables, and returns its exit code. What
// it writes to standard error is kept for the case that it fails.
func (d *demo) penstock(ctx context.Context, out io.Writer, args ...string) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return -1, fmt.Errorf("find this program: %w", err)
	}
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, self, args...) //nolint:gosec // this program itself
	cmd.Env = append(d.env, "HOME="+d.dir, "TMPDIR="+os.TempDir(), "AWS_EC2_METADATA_DISABLED=true")
	cmd.Dir = d.dir // a penstock.yaml where the demo is run has no say
	cmd.Stdout, cmd.Stderr = out, &complaint
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		first, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n")
		return exit.ExitCode(), errors.New(strings.TrimPrefix(first, "penstock: error: "))
	}
	if err != nil {
		return -1, err
	}
	return exitOK, nil
}

// expect runs a command that has to end with one of these exit codes.
func (d *demo) expect(ctx context.Context, out io.Writer, codes []int, args ...string) error {
	code, err := d.penstock(ctx, out, args...)
	switch {
	case slices.Contains(codes, code):
		return nil
	case ctx.Err() != nil:
		d.say("\nInterrupted.\n")
		return exitWith(exitIncomplete)
	case code == exitOK:
		return fmt.Errorf("demo: penstock %s ended without the dead letter that it should have", strings.Join(args, " "))
	}
	d.say("\n") // when nobody reads any more, that is why the command failed, and known now
	return fmt.Errorf("demo: penstock %s: exit code %d: %w", strings.Join(args, " "), code, err)
}

func (d *demo) refused(ctx context.Context) error {
	d.title("An anonymous call is refused", "curl "+d.domainURL+"/")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.domainURL+"/", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	d.say("   %s\n", body)
	if resp.StatusCode != http.StatusForbidden {
		return fmt.Errorf("demo: the anonymous call was answered with %d", resp.StatusCode)
	}
	return nil
}

func (d *demo) banner(ctx context.Context) error {
	d.title("The same call, signed, is answered", "penstock request GET /")
	return d.expect(ctx, &indented{w: d.Out}, []int{exitOK}, "request", "GET", "/")
}

func (d *demo) ship(ctx context.Context, objects []samples.Object) error {
	d.title("The bucket is shipped: every file recognised, every record accounted for",
		"penstock ship s3://"+demoBucket+"/ --all")
	want := int64(0)
	for _, o := range objects {
		want += int64(o.Records)
	}
	if err := d.expect(ctx, d.Out, []int{exitDeadLetters}, "ship", "s3://"+demoBucket+"/", "--all"); err != nil {
		return err
	}
	d.say("   %sThe samples were made with %s records, counted while they were written.%s\n", d.dim, humanCount(want),
		d.reset)
	return nil
}

func (d *demo) search(ctx context.Context) error {
	if err := d.expect(ctx, io.Discard, []int{exitOK}, "request", "POST", "/logs-*/_refresh"); err != nil {
		return err
	}
	d.title("A search finds what was shipped",
		`penstock request POST '/logs-*/_search' -d '{"query":{"match_phrase":{"request_url":"`+samples.NeedleRequest+`"}}}'`)
	return d.hits(ctx, samples.NeedleRequest, "request", "request_url", "url")
}

// hits searches for a text and shows the first document that has it.
func (d *demo) hits(ctx context.Context, text string, fields ...string) error {
	var answer struct {
		Hits struct {
			Hits []struct {
				Index  string                     `json:"_index"`
				ID     string                     `json:"_id"`
				Source map[string]json.RawMessage `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	query := fmt.Sprintf(
		`{"size":1,"query":{"multi_match":{"query":%q,"type":"phrase","fields":["request","request_url"]}}}`, text)
	if err := d.ask(ctx, "/logs-*/_search", query, &answer); err != nil {
		return err
	}
	if len(answer.Hits.Hits) == 0 {
		return fmt.Errorf("demo: no document has %q in %s", text, strings.Join(fields, ", "))
	}
	h := answer.Hits.Hits[0]
	d.say("   %s/%s\n", h.Index, h.ID)
	for _, name := range []string{"@timestamp", "client_ip", "request", "elb_status_code", "aws", "penstock"} {
		if v, ok := h.Source[name]; ok {
			d.say("     %-16s %s\n", name, printable(shorten(string(v), 110)))
		}
	}
	return nil
}

// ask posts a body with the demo's credentials and decodes the answer.
func (d *demo) ask(ctx context.Context, path, body string, into any) error {
	var out strings.Builder
	if err := d.expect(ctx, &out, []int{exitOK}, "request", "POST", path, "-d", body); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out.String()), into); err != nil {
		return fmt.Errorf("demo: read answer of %s: %w", path, err)
	}
	return nil
}

func (d *demo) histogram(ctx context.Context) error {
	const query = `{"size":0,"aggs":{"hours":{"date_histogram":{"field":"@timestamp","interval":"hour"}}}}`
	d.title("A histogram shows when it happened", `penstock request POST '/logs-*/_search' -d '`+query+`'`)
	var answer struct {
		Aggregations struct {
			Hours struct {
				Buckets []struct {
					Key   int64 `json:"key"`
					Count int64 `json:"doc_count"`
				} `json:"buckets"`
			} `json:"hours"`
		} `json:"aggregations"`
	}
	if err := d.ask(ctx, "/logs-*/_search", query, &answer); err != nil {
		return err
	}
	most := int64(1)
	for _, b := range answer.Aggregations.Hours.Buckets {
		most = max(most, b.Count)
	}
	for _, b := range answer.Aggregations.Hours.Buckets {
		bar := strings.Repeat("█", int(b.Count*50/most))
		if d.bold == "" {
			bar = strings.Repeat("#", int(b.Count*50/most))
		}
		d.say("   %s  %s%-50s%s %5s\n", time.UnixMilli(b.Key).UTC().Format("2006-01-02 15h"), d.accent, bar, d.reset,
			humanCount(b.Count))
	}
	if len(answer.Aggregations.Hours.Buckets) == 0 {
		return errors.New("demo: the histogram is empty")
	}
	return nil
}

func (d *demo) again(ctx context.Context) error {
	before, err := d.count(ctx)
	if err != nil {
		return err
	}
	d.title("Shipping again adds no document", "penstock ship s3://"+demoBucket+"/")
	var out strings.Builder
	if err := d.expect(ctx, &out, []int{exitDeadLetters}, "ship", "s3://"+demoBucket+"/", "--json"); err != nil {
		return err
	}
	var r result
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		return fmt.Errorf("demo: read summary: %w", err)
	}
	after, err := d.count(ctx)
	if err != nil {
		return err
	}
	d.say("   %s\n   %s documents before, %s after\n", equation(r.Counts), humanCount(before), humanCount(after))
	if before != after || r.Delivered != 0 {
		return fmt.Errorf("demo: shipping again added %d documents", after-before)
	}
	return nil
}

func (d *demo) count(ctx context.Context) (int64, error) {
	if err := d.expect(ctx, io.Discard, []int{exitOK}, "request", "POST", "/logs-*/_refresh"); err != nil {
		return 0, err
	}
	var n struct {
		Count int64 `json:"count"`
	}
	err := d.ask(ctx, "/logs-*/_count", `{"query":{"match_all":{}}}`, &n)
	return n.Count, err
}

func (d *demo) poison(ctx context.Context) error {
	d.title("The one record that no mapping takes rests in the dead letters, with its reason", "penstock deadletter list")
	return d.expect(ctx, d.Out, []int{exitOK}, "deadletter", "list")
}

// stay keeps everything running and says how to reach it.
func (d *demo) stay(ctx context.Context) error {
	d.say("\n%sIt stays running until you interrupt.%s In another terminal:\n\n", d.bold, d.reset)
	if dir := missingFromPath(); dir != "" {
		d.say("  export PATH=%s:\"$PATH\"\n", shellQuoted(dir))
	}
	for _, kv := range d.env {
		name, value, _ := strings.Cut(kv, "=")
		d.say("  export %s=%s\n", name, shellQuoted(value))
	}
	d.say("\n  penstock request GET '/_cat/indices?v'\n  penstock ship 's3://%s/' --dry-run | head\n", demoBucket)
	<-ctx.Done()
	return nil
}

// missingFromPath is the directory of this program, when a shell would not find it under its name.
func missingFromPath() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	if _, err := exec.LookPath("penstock"); err == nil || filepath.Base(self) != "penstock" {
		return ""
	}
	return filepath.Dir(self)
}

// indented puts three spaces before every line.
type indented struct {
	w   io.Writer
	mid bool
}

func (i *indented) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if !i.mid {
			if _, err := io.WriteString(i.w, "   "); err != nil {
				return 0, err
			}
		}
		if _, err := io.WriteString(i.w, line); err != nil {
			return 0, err
		}
		i.mid = !strings.HasSuffix(line, "\n")
	}
	return len(p), nil
}
