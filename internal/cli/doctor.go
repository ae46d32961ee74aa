package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/internal/advice"
	"github.com/seed56735111/penstock/internal/lazyregexp"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/source"
)

// doctorOptions say which way to walk.
type doctorOptions struct {
	pipeline.Target
	letters         letterOptions
	bucket, index   string
	inPath, write   bool
	queue, function string
	domainARN       string
	asJSON, mask    bool
}

func newDoctorCommand(a *app) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor --domain URL",
		Short: "Say why a domain does not take requests, and what mends it",
		Long: `doctor walks the way of a request to the domain: endpoint, name, connection, TLS, is it a domain, clock,
credentials, signature, identity, policies, fine-grained access control, blocks, disk, shards and fields. Each check
says what was seen, what it means and what mends it. The bucket, the dead letters, the function and the queue are ways
of their own.

It only reads, unless --write is given: then it stores one document in an index penstock-doctor-RANDOM and removes both,
and writes and removes a dead letter. A check that may not look is skipped, and says what would allow it.

Exit codes: 0 nothing failed; 2 a wrong endpoint, region, service, queue or function; 4 the network, TLS, throttling,
blocks, disk; 5 credentials, signature, policies, roles, buckets. docs/doctor.md has every cause.`,
		Example: `  penstock doctor --domain https://search-x.eu-west-1.es.amazonaws.com
  penstock doctor --domain https://search-x.eu-west-1.es.amazonaws.com --s3 s3://my-logs/AWSLogs/ --json
  penstock doctor --domain https://search-x.eu-west-1.es.amazonaws.com --index 'logs-*' --write
  penstock doctor explain refused.txt`,
		GroupID: groupLook,
		Args:    rejectUnknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd, a) },
	}
	f := settings.Flags{FlagSet: cmd.Flags()}
	f.Target(&o.Target)
	o.letters.flags(f)
	f.Text(&o.index, "index")
	f.Boolean(&o.inPath, "index-in-path")
	f.StringVar(&o.bucket, "s3", "", "s3://bucket/prefix to list, and to read an object of")
	f.StringVar(&o.queue, "queue", "", "URL of the queue that calls the function")
	f.StringVar(&o.function, "function", "", "name or ARN of the Lambda function")
	f.StringVar(&o.domainARN, "domain-arn", "", "ARN of the domain, when its endpoint does not tell the name")
	f.BoolVar(&o.write, "write", false, "store a document in an index of its own, and remove both")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	f.BoolVar(&o.mask, "mask-accounts", false, "hide the ids of accounts")
	cmd.AddCommand(newDoctorExplainCommand(a))
	return cmd
}

func (o *doctorOptions) run(cmd *cobra.Command, a *app) error {
	ctx := cmd.Context()
	cfg, err := o.config(ctx, cmd)
	if err != nil {
		return err
	}
	report := doctor.Walk(ctx, cfg)
	if o.mask {
		report.MaskAccounts()
	}
	if o.asJSON {
		err = printJSON(a.Out, report)
	} else if _, err = io.WriteString(a.Out, reportText(report)); err != nil {
		err = unwritten(err)
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil && report.OK {
		return exitWith(exitIncomplete)
	}
	return exitWith(report.Exit())
}

// functionName is what the Lambda API takes for a function: its name, its ARN or parts of that, with a version.
var functionName = lazyregexp.New(`^[\w:$-]+$`)

// config puts the walk together.
func (o *doctorOptions) config(ctx context.Context, cmd *cobra.Command) (doctor.Config, error) {
	if o.URL == "" {
		return doctor.Config{}, &pipeline.OptionError{Problem: pipeline.NoDomain, Err: errors.New("no domain is given")}
	}
	if o.domainARN != "" {
		if _, err := iam.ParseDomain(o.domainARN); err != nil {
			return doctor.Config{}, &usageError{Err: err, Hint: "--domain-arn arn:aws:es:REGION:ACCOUNT:domain/NAME"}
		}
	}
	if u, err := url.Parse(o.queue); o.queue != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" ||
		u.Host == "" || strings.Trim(u.Path, "/") == "") {
		return doctor.Config{}, usagef("write it as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
			"--queue: %q is not the URL of a queue", o.queue)
	}
	if o.function != "" && !functionName.MatchString(o.function) {
		return doctor.Config{}, usagef("write its name, or arn:aws:lambda:REGION:ACCOUNT:function:NAME",
			"--function: %q names no function", o.function)
	}
	roots, err := o.Authorities()
	if err != nil {
		return doctor.Config{}, err
	}
	aws, err := o.AWS.Load(ctx)
	if err != nil {
		return doctor.Config{}, err
	}
	chain := pipeline.Chain{Provider: aws.Credentials}
	cfg := doctor.Config{
		URL: o.URL, SignFor: o.SignFor, Service: o.Service, Collection: o.Collection, NoSign: o.NoSign,
		Region:      cmp.Or(o.AWS.Region, o.inferred(), aws.Region),
		Credentials: chain, Provider: chain.Origin, DomainARN: o.domainARN, InPath: o.inPath, Write: o.write,
		Queue: o.queue, Function: o.function, Explain: advice.Explain, Roots: roots, Endpoint: endpointOf,
		Metadata: metadataAddress(), UserAgent: o.UserAgent,
	}
	if cmd.Flags().Changed("index") {
		if cfg.Index, err = globOf(o.index); err != nil {
			return cfg, err
		}
	}
	if o.bucket != "" {
		loc, err := source.ParseLocation(o.bucket)
		if err != nil {
			return cfg, &pipeline.OptionError{Problem: pipeline.BadLocation, Err: fmt.Errorf("--s3: %w", err)}
		}
		cfg.Bucket = func(ctx context.Context) (string, error) { return o.lookAtBucket(ctx, loc) }
	}
	if o.letters.named(cmd) {
		if strings.HasPrefix(o.letters.dir, "s3://") {
			loc, err := source.ParseLocation(o.letters.dir)
			if err != nil {
				return cfg, &pipeline.OptionError{Problem: pipeline.BadLocation, Err: fmt.Errorf("--dead-letters: %w", err)}
			}
			cfg.DeadLetters = func(ctx context.Context, write bool) (string, error) { return o.tryPrefix(ctx, loc, write) }
		} else {
			cfg.DeadLetters = func(_ context.Context, write bool) (string, error) { return tryDirectory(o.letters.dir, write) }
		}
	}
	return cfg, nil
}

// inferred is the region that the endpoint tells.
func (o *doctorOptions) inferred() string {
	host := o.SignFor
	if u, err := url.Parse(o.URL); err == nil && host == "" {
		host = u.Host
	}
	region, _, _ := sigv4.Infer(host)
	return region
}

// endpointOf is where the environment says that a service of AWS answers.
func endpointOf(service string) string {
	if strings.EqualFold(os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		return ""
	}
	return cmp.Or(os.Getenv("AWS_ENDPOINT_URL_"+service), os.Getenv("AWS_ENDPOINT_URL"))
}

// metadataAddress is where the SDK asks an instance for its role; empty when it is told not to.
func metadataAddress() string {
	if strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") {
		return ""
	}
	return cmp.Or(os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"), "http://"+net.IPv4(169, 254, 169, 254).String())
}

// globOf is the names of indexes that --index stands for.
func globOf(index string) (string, error) {
	name := index
	if !strings.Contains(index, "*") {
		names, err := namesOf([]string{index})
		if err != nil {
			return "", err
		}
		name = strings.Join(names, ",")
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-*,") != "" || name == "" {
		return "", usagef("write it as logs-* or as the pattern that ship has", "%q is no name of an index", index)
	}
	return name, nil
}

// lookAtBucket lists the location and reads the beginning of one object.
func (o *doctorOptions) lookAtBucket(ctx context.Context, loc source.Location) (string, error) {
	s3, err := o.letters.s3.Open(ctx, &o.AWS, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	if err := s3.Check(ctx, loc); err != nil {
		return "", err
	}
	seen := loc.String() + " can be listed, and no object is there"
	for item, err := range s3.List(loc, source.ListOptions{}).Items(ctx) {
		if err == nil && len(item.Objects) > 0 {
			object := item.Objects[0]
			seen, err = object.Name+" is listed and can be read", readable(ctx, object)
		}
		return seen, err
	}
	return seen, nil
}

func readable(ctx context.Context, o penstock.Object) error {
	stream, err := o.Open(ctx)
	if err != nil {
		return err
	}
	_, err = io.CopyN(io.Discard, stream, 1)
	_ = stream.Close()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

const notWritten = "nothing is written there without --write"

// tryPrefix writes an object where dead letters rest, and removes it.
func (o *doctorOptions) tryPrefix(ctx context.Context, loc source.Location, write bool) (string, error) {
	if !write {
		return notWritten, nil
	}
	s3, err := o.letters.s3.Open(ctx, &o.AWS, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	bucket, key := s3.Bucket(loc.Bucket), loc.Prefix+"penstock-doctor-"+strings.ToLower(rand.Text())
	if err := bucket.Put(ctx, key, []byte("{}\n")); err != nil {
		return "", err
	}
	seen := "an object was written and removed"
	if bucket.Delete(context.WithoutCancel(ctx), key) != nil { // which only a replay has to be allowed
		seen = "an object was written, and stays: " + key + " could not be removed"
	}
	return seen, nil
}

// tryDirectory does the same in a directory, or where it would be made.
func tryDirectory(dir string, write bool) (string, error) {
	if !write {
		return notWritten, nil
	}
	for {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no directory", dir)
		}
		if parent := filepath.Dir(dir); errors.Is(err, os.ErrNotExist) && parent != dir {
			dir = parent
			continue
		}
		var f *os.File
		if err == nil {
			f, err = os.CreateTemp(dir, "penstock-doctor-")
		}
		if err != nil {
			return "", &lettersDenied{err}
		}
		return "a file was written and removed in " + dir, errors.Join(f.Close(), os.Remove(f.Name()))
	}
}

// lettersDenied is a directory that takes no dead letters.
type lettersDenied struct{ err error }

func (e *lettersDenied) Error() string { return e.err.Error() }
func (e *lettersDenied) Unwrap() error { return e.err }

// Cause is part of doctor.Causer.
func (e *lettersDenied) Cause() string { return string(doctor.DeadLettersDenied) }

var _ doctor.Causer = (*lettersDenied)(nil)

// reportText is a report for people.
func reportText(r *doctor.Report) string {
	var b strings.Builder
	for i := 0; i < len(r.Checks); i++ {
		c := r.Checks[i]
		if c.Cause == doctor.Earlier {
			names := []string{c.Name}
			for ; i+1 < len(r.Checks) && r.Checks[i+1].Seen == c.Seen; i++ {
				names = append(names, r.Checks[i+1].Name)
			}
			_, _ = fmt.Fprintf(&b, "%-8s %s: %s\n", c.Status, printable(c.Seen), strings.Join(names, ", "))
			continue
		}
		_, _ = fmt.Fprintf(&b, "%-8s %-15s %s\n", c.Status, c.Name, printable(c.Seen))
		if c.Status == doctor.OK {
			continue
		}
		for _, line := range [...]struct{ name, text string }{
			{"cause", string(c.Cause)}, {"means", c.Means}, {"fix", c.Fix},
		} {
			if line.text != "" {
				_, _ = fmt.Fprintf(&b, "%24s %-6s %s\n", "", line.name+":", printable(line.text))
			}
		}
	}
	if r.Cause == "" {
		b.WriteString("\nnothing is wrong with what could be looked at\n")
	} else {
		_, _ = fmt.Fprintf(&b, "\ncause: %s\n", advice.Cause(r.Cause, r.Candidates))
	}
	return b.String()
}
