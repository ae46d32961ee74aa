package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/sigv4"
)

// AWS says which AWS identity to use. The zero value is what the chain of the SDK finds.
type AWS struct {
	// Profile is one of the AWS configuration files.
	Profile string
	// Region is where to sign for. Without one the endpoint says it, or the configuration, and it is never guessed.
	Region string
	// RoleARN is a role to assume, with ExternalID when it asks for one.
	RoleARN, ExternalID string
	// Stall is how long a connection may be silent before its request is taken for lost, domain.DefaultStallTimeout when
	// zero.
	Stall time.Duration
	// Live looks at the variables for every signature, where the chain of the SDK reads them once.
	Live bool
}

var regionPattern = regexp.MustCompile(`^[a-z0-9-]+$`)

// Check looks at what would fail later, and look like something else then.
func (o *AWS) Check() error {
	if o.Region != "" && !regionPattern.MatchString(o.Region) {
		return optionf(BadRegion, "%q is no name of a region", o.Region)
	}
	if o.RoleARN != "" && !strings.HasPrefix(o.RoleARN, "arn:") {
		return optionf(BadRole, "%q is not the ARN of a role", o.RoleARN)
	}
	return nil
}

// Load reads the AWS configuration: what is given first, then the chain of the SDK. It does not ask for credentials
// yet.
func (o *AWS) Load(ctx context.Context) (aws.Config, error) {
	if err := o.Check(); err != nil {
		return aws.Config{}, err
	}
	opts := []func(*config.LoadOptions) error{
		// What goes wrong comes back as an error; the SDK's own remarks would go to standard error beside our lines.
		config.WithLogger(logging.Nop{}),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.DialContext = domain.WithStallTimeout(t.DialContext, o.Stall)
			t.MaxIdleConnsPerHost = t.MaxIdleConns // of many objects that are opened together, each keeps its connection
		})),
		// The bulk writer and the object reader have the patience; the SDK's own quota would run dry in an outage.
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(s *retry.StandardOptions) { s.MaxAttempts = 4 })
		}),
	}
	if o.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		opts = append(opts, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		if _, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
			return cfg, optionf(NoProfile, "profile %q does not exist", o.Profile)
		}
		return cfg, fmt.Errorf("load AWS configuration: %w", err)
	}
	if o.Live && o.Profile == "" {
		cfg.Credentials = liveEnvironment{next: cfg.Credentials}
	}
	if o.RoleARN != "" {
		if cfg.Region == "" {
			return cfg, optionf(NoRoleRegion, "assume role %s: no region", o.RoleARN)
		}
		named := func(a *stscreds.AssumeRoleOptions) {
			a.RoleSessionName = "penstock"
			if o.ExternalID != "" {
				a.ExternalID = aws.String(o.ExternalID)
			}
		}
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), o.RoleARN, named)
		cfg.Credentials = aws.NewCredentialsCache(role)
	}
	return cfg, nil
}

// Chain gives the credentials of the AWS chain to the signer. Its errors are a *CredentialsError or
// sigv4.ErrNoCredentials.
type Chain struct{ Provider aws.CredentialsProvider }

// credentialsTimeout bounds one look through the chain: the instance metadata service is its last and slowest link.
const credentialsTimeout = 8 * time.Second

// Credentials is part of sigv4.Provider.
func (c Chain) Credentials(ctx context.Context) (sigv4.Credentials, error) {
	if c.Provider == nil {
		return sigv4.Credentials{}, sigv4.ErrNoCredentials
	}
	looking := &lookup{Context: ctx}
	defer looking.end()
	v, err := c.Provider.Retrieve(looking)
	if err != nil {
		// Whoever does not answer may do so later.
		return sigv4.Credentials{}, &CredentialsError{Err: err, Silent: looking.Err() != nil && ctx.Err() == nil}
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

// lookup is a context that ends credentialsTimeout after somebody has begun to wait for its end. Most looks find the
// credentials that are there and wait for nothing, so they need no timer.
type lookup struct {
	context.Context //nolint:containedctx // it is one

	mu     sync.Mutex
	timed  context.Context //nolint:containedctx // made by Done
	cancel context.CancelFunc
}

// Done is part of context.Context.
func (l *lookup) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timed == nil {
		l.timed, l.cancel = context.WithTimeout(l.Context, credentialsTimeout)
	}
	return l.timed.Done()
}

// Err is part of context.Context.
func (l *lookup) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timed != nil {
		return l.timed.Err()
	}
	return l.Context.Err()
}

func (l *lookup) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
}

// Origin is the name that the SDK has for the link of the chain that gives the credentials; empty when none does.
func (c Chain) Origin(ctx context.Context) string {
	v, err := c.Provider.Retrieve(ctx)
	if err != nil {
		return ""
	}
	return v.Source
}

// Invalidate makes the next call look for new credentials.
func (c Chain) Invalidate() { invalidate(c.Provider) }

func invalidate(p aws.CredentialsProvider) {
	if cache, ok := p.(sigv4.Invalidator); ok {
		cache.Invalidate()
	}
}

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

var errNoKey = errors.New("no access key: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; " +
	"a function gets them from its role")
