package pipeline

import (
	"cmp"
	"context"
	"log/slog"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/seed56735111/penstock/source"
)

// S3 says how to reach S3, and as whom when that is another than signs for the domain.
type S3 struct {
	// EndpointURL is that of an S3-compatible server, empty for AWS.
	EndpointURL string
	// PathStyle addresses buckets in the path instead of the host name.
	PathStyle bool
	// RequesterPays pays for requests to buckets whose owner has the requester pay.
	RequesterPays bool
	// Profile, Region, RoleARN and ExternalID are those of the buckets; empty ones are the domain's.
	Profile, Region, RoleARN, ExternalID string
}

// identity is who reads the buckets. A profile or a role of their own takes the place of the domain's profile and role:
// what may assume the domain's role is no account of an S3-compatible store.
func (o *S3) identity(domain *AWS) *AWS {
	id := *domain
	id.Region = cmp.Or(o.Region, id.Region)
	if o.Profile != "" || o.RoleARN != "" {
		id.Profile = cmp.Or(o.Profile, id.Profile)
		id.RoleARN, id.ExternalID = o.RoleARN, o.ExternalID
	}
	return &id
}

// Load reads the AWS configuration for the buckets.
func (o *S3) Load(ctx context.Context, domain *AWS) (aws.Config, error) {
	if o.ExternalID != "" && o.RoleARN == "" {
		return aws.Config{}, optionf(LoneExternalID, "--s3-external-id is for assuming a role")
	}
	return o.identity(domain).Load(ctx)
}

// Open returns a client for the buckets. It makes no request.
func (o *S3) Open(ctx context.Context, domain *AWS, l *slog.Logger) (*source.S3, error) {
	u, err := url.Parse(o.EndpointURL)
	if o.EndpointURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return nil, optionf(BadS3Endpoint, "S3 endpoint %q is not a URL", o.EndpointURL)
	}
	cfg, err := o.Load(ctx, domain)
	if err != nil {
		return nil, err
	}
	return source.NewS3(source.S3Config{
		AWS: cfg, EndpointURL: o.EndpointURL, PathStyle: o.PathStyle, RequesterPays: o.RequesterPays, Logger: l,
	}), nil
}
