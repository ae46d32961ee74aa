package cli

import (
	"context"
	"log/slog"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/shape"
	"github.com/seed56735111/penstock/source"
)

type logger = *slog.Logger

// readOptions say how objects become documents.
type readOptions struct {
	index, format  string
	binary         string
	drop           ruleTexts
	maxRecordBytes byteSize
	maxObjectBytes byteSize
	maxRatio       int
	rules          *shape.Rules // those of drop, once the stages are made
}

func (o *readOptions) flags(f flagSet) {
	f.str(&o.index, "index")
	f.str(&o.format, "format")
	f.str(&o.binary, "binary")
	f.rules(&o.drop, "drop")
	f.size(&o.maxRecordBytes, "max-record-bytes")
	f.size(&o.maxObjectBytes, "max-object-bytes")
	f.number(&o.maxRatio, "max-ratio")
}

// stages returns a pipeline that lacks a source, a deliverer and dead letters.
func (o *readOptions) stages() (*penstock.Pipeline, error) {
	p, err := o.unruled()
	if err != nil {
		return nil, err
	}
	return p, o.leaveOut(p)
}

// unruled are the stages before the drop rules.
func (o *readOptions) unruled() (*penstock.Pipeline, error) {
	recognizer, err := o.recognizer()
	if err != nil {
		return nil, err
	}
	shaper, err := shape.New(shape.Config{Index: o.index})
	if err != nil {
		return nil, &usageError{Err: err, Hint: "docs/documents.md explains index patterns; the default is " + shape.DefaultIndex}
	}
	return &penstock.Pipeline{
		Decoder:    decode.New(decode.Limits{MaxBytes: int64(o.maxObjectBytes), MaxRatio: float64(o.maxRatio)}),
		Recognizer: recognizer, Shaper: shaper,
	}, nil
}

// leaveOut puts the drop rules around the shaper.
func (o *readOptions) leaveOut(p *penstock.Pipeline) error {
	rules, err := shape.ParseRules(o.drop)
	if err != nil {
		return &usageError{Err: err, Hint: "docs/documents.md explains drop rules: --drop level=debug"}
	}
	o.rules, p.Shaper = rules, rules.Shaper(p.Shaper)
	return nil
}

// noteUnseen names the fields of drop rules that no record had.
func (o *readOptions) noteUnseen(a *app) {
	for _, name := range o.rules.Unseen() {
		a.note("no record had the field %q of a drop rule; penstock explain shows the documents with their fields", name)
	}
}

func (o *readOptions) recognizer() (*format.Detector, error) {
	if o.binary != "letter" && o.binary != "skip" {
		return nil, usagef("letter keeps account of it, skip passes over it", "--binary is %q: want letter or skip", o.binary)
	}
	d, err := format.New(format.Config{
		Force: o.format, MaxRecordBytes: int(o.maxRecordBytes), SkipBinary: o.binary == "skip",
	})
	if err != nil {
		return nil, &usageError{Err: err, Hint: `"penstock formats" lists the names`}
	}
	return d, nil
}

// s3Options say how to reach S3, and as whom when that is another than signs for the domain.
type s3Options struct {
	endpointURL   string
	pathStyle     bool
	requesterPays bool
	// profile, region, roleARN and externalID are those of the buckets; empty ones are the domain's.
	profile, region, roleARN, externalID string
}

func (o *s3Options) flags(f flagSet) {
	f.str(&o.endpointURL, "endpoint-url")
	f.boolean(&o.pathStyle, "path-style")
	f.str(&o.profile, "s3-profile")
	f.str(&o.region, "s3-region")
	f.str(&o.roleARN, "s3-role-arn")
	f.str(&o.externalID, "s3-external-id")
	f.boolean(&o.requesterPays, "requester-pays")
}

// identity is who reads the buckets. A profile or a role of their own takes the place of the domain's profile and role: what
// may assume the domain's role is no account of an S3-compatible store.
func (o *s3Options) identity(domain *awsOptions) *awsOptions {
	id := *domain
	id.region = firstOf(o.region, id.region)
	if o.profile != "" || o.roleARN != "" {
		id.profile = firstOf(o.profile, id.profile)
		id.roleARN, id.externalID = o.roleARN, o.externalID
	}
	return &id
}

// load reads the AWS configuration for the buckets.
func (o *s3Options) load(ctx context.Context, domain *awsOptions) (aws.Config, error) {
	if o.externalID != "" && o.roleARN == "" {
		return aws.Config{}, usagef("name the role with --s3-role-arn", "--s3-external-id is for assuming a role")
	}
	return o.identity(domain).load(ctx)
}

func (o *s3Options) open(ctx context.Context, domain *awsOptions, l logger) (*source.S3, error) {
	if u, err := url.Parse(o.endpointURL); o.endpointURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return nil, usagef("write it as https://HOST or http://HOST:PORT", "S3 endpoint %q is not a URL", o.endpointURL)
	}
	cfg, err := o.load(ctx, domain)
	if err != nil {
		return nil, err
	}
	return source.NewS3(source.S3Config{
		AWS: cfg, EndpointURL: o.endpointURL, PathStyle: o.pathStyle, RequesterPays: o.requesterPays, Logger: l,
	}), nil
}

// client is for what is neither a source of records nor their dead letters: a configuration file.
func (o *s3Options) client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(so *s3.Options) {
		if o.endpointURL != "" {
			so.BaseEndpoint = &o.endpointURL
		}
		so.UsePathStyle = o.pathStyle
	})
}
