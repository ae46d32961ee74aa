package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/lambda"
	"github.com/seed56735111/penstock/sigv4"
)

// awsOptions say which AWS identity to use.
type awsOptions struct {
	profile, region, roleARN, externalID string
	// stall is how long a connection may be silent.
	stall time.Duration
	// live looks at the variables for every signature, where the chain of the SDK reads them once.
	live bool
}

func (o *awsOptions) flags(f flagSet) {
	f.str(&o.profile, "profile")
	f.str(&o.region, "region")
	f.str(&o.roleARN, "role-arn")
	f.str(&o.externalID, "external-id")
	f.duration(&o.stall, "stall-timeout")
}

var regionPattern = regexp.MustCompile(`^[a-z0-9-]+$`)

// check looks at what would fail later, and look like something else then.
func (o *awsOptions) check() error {
	if o.region != "" && !regionPattern.MatchString(o.region) {
		return usagef("write it as eu-west-1", "%q is no name of a region", o.region)
	}
	if o.roleARN != "" && !strings.HasPrefix(o.roleARN, "arn:") {
		return usagef("write it as arn:aws:iam::123456789012:role/NAME", "%q is not the ARN of a role", o.roleARN)
	}
	return nil
}

// load reads the AWS configuration: flags first, then the chain of the SDK. It does not ask for credentials yet.
func (o *awsOptions) load(ctx context.Context) (aws.Config, error) {
	if err := o.check(); err != nil {
		return aws.Config{}, err
	}
	opts := []func(*config.LoadOptions) error{
		// What goes wrong comes back as an error; the SDK's own remarks would go to standard error beside our lines.
		config.WithLogger(logging.Nop{}),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.DialContext = domain.Attended(t.DialContext, o.stall)
		})),
		// The bulk writer and the object reader have the patience; the SDK's own quota would run dry in an outage.
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(s *retry.StandardOptions) { s.MaxAttempts = 4 })
		}),
	}
	if o.profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(o.profile))
	}
	if o.region != "" {
		opts = append(opts, config.WithRegion(o.region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		if _, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
			return cfg, usagef("name a profile of ~/.aws/config with --profile", "profile %q does not exist", o.profile)
		}
		return cfg, fmt.Errorf("load AWS configuration: %w", err)
	}
	if o.live && o.profile == "" {
		cfg.Credentials = liveEnvironment{next: cfg.Credentials}
	}
	if o.roleARN != "" {
		if cfg.Region == "" {
			return cfg, usagef("say where to ask for the role with --region", "assume role %s: no region", o.roleARN)
		}
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), o.roleARN, func(a *stscreds.AssumeRoleOptions) {
			a.RoleSessionName = "penstock"
			if o.externalID != "" {
				a.ExternalID = aws.String(o.externalID)
			}
		}))
	}
	return cfg, nil
}

// fallbackRegion is where things on this machine are when nobody says a region.
const fallbackRegion = "eu-west-1"

// localRegion is the region of a domain or a function on this machine: the one that is given, or the environment's.
func localRegion(given string) string {
	return firstOf(given, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), fallbackRegion)
}

// chain gives the credentials of the AWS chain to the signer.
type chain struct{ provider aws.CredentialsProvider }

// credentialsTimeout bounds one look through the chain: the instance metadata service is its last and slowest link.
const credentialsTimeout = 8 * time.Second

// Credentials is part of sigv4.Provider.
func (c chain) Credentials(ctx context.Context) (sigv4.Credentials, error) {
	if c.provider == nil {
		return sigv4.Credentials{}, sigv4.ErrNoCredentials
	}
	looking, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	v, err := c.provider.Retrieve(looking)
	if err != nil {
		// Whoever does not answer may do so later.
		return sigv4.Credentials{}, &credentialsError{Err: err, silent: looking.Err() != nil && ctx.Err() == nil}
	}
	if !v.HasKeys() {
		return sigv4.Credentials{}, sigv4.ErrNoCredentials
	}
	out := sigv4.Credentials{AccessKeyID: v.AccessKeyID, SecretAccessKey: v.SecretAccessKey, SessionToken: v.SessionToken}
	if v.CanExpire {
		out.Expires = v.Expires
	}
	return out, nil
}

// Invalidate makes the next call look for new credentials.
func (c chain) Invalidate() { invalidate(c.provider) }

func invalidate(p aws.CredentialsProvider) {
	if cache, ok := p.(sigv4.Invalidator); ok {
		cache.Invalidate()
	}
}

// credentialsError says that the AWS chain gave no usable credentials; it concerns the whole run.
type credentialsError struct {
	Err    error
	silent bool // who has them did not answer
}

func (e *credentialsError) Error() string { return "find AWS credentials: " + e.Err.Error() }
func (e *credentialsError) Unwrap() error { return e.Err }

// ErrorType names it among the errors of the function.
func (e *credentialsError) ErrorType() string {
	if e.silent {
		return lambda.ErrorUnavailable
	}
	return lambda.ErrorRefused
}

// Fatal reports whether asking again is of no use.
func (e *credentialsError) Fatal() bool { return !e.silent }

// Temporary is the opposite.
func (e *credentialsError) Temporary() bool { return e.silent }

// liveEnvironment takes the keys from the variables as they are at each call, and asks next when there are none.
type liveEnvironment struct{ next aws.CredentialsProvider }

// Retrieve is part of aws.CredentialsProvider.
func (e liveEnvironment) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment",
	}
	if c.HasKeys() {
		return c, nil
	}
	if e.next == nil {
		return c, errNoKey
	}
	c, err := e.next.Retrieve(ctx)
	if err != nil {
		return c, fmt.Errorf("%w: %w", errNoKey, err)
	}
	return c, nil
}

// Invalidate is part of sigv4.Invalidator.
func (e liveEnvironment) Invalidate() { invalidate(e.next) }

var errNoKey = errors.New("no access key: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; a function gets them from its role")
