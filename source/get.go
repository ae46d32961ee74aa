package source

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/encoding/httpbinding"
	smithytime "github.com/aws/smithy-go/time"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/seed56735111/penstock/sigv4"
)

// client asks one place of S3. It makes the first request for an object by itself, which takes a sixth of what it takes
// the SDK. What is not simply an object is the SDK's: it is given that first answer, and decides about errors, retries
// and pauses as if it had asked itself.
type client struct {
	*s3.Client
	opts   s3.Options
	simple bool         // nothing is configured that only the SDK does
	skew   atomic.Int64 // how far the clock of S3 is ahead of ours, in nanoseconds

	mu   sync.Mutex
	ways map[string]*way // by bucket
}

// way is how the objects of a bucket are asked for; nil leaves it to the SDK.
type way struct {
	endpoint url.URL
	signer   sigv4.Signer
}

func newClient(cfg aws.Config, set func(*s3.Options)) *client {
	c := &client{Client: s3.NewFromConfig(cfg, set), ways: map[string]*way{}}
	c.opts = c.Options()
	c.simple = cfg.EndpointResolver == nil && cfg.EndpointResolverWithOptions == nil && //nolint:staticcheck // may be set
		len(cfg.APIOptions) == 0 && len(cfg.ServiceOptions) == 0 && len(cfg.AuthSchemePreference) == 0 &&
		!intercepted(cfg) && cfg.ClientLogMode == 0 &&
		c.opts.Credentials != nil && !aws.IsCredentialsProvider(c.opts.Credentials, aws.AnonymousCredentials{})
	return c
}

// intercepted reports whether there is an interceptor of any kind.
func intercepted(cfg aws.Config) bool {
	kinds := reflect.ValueOf(cfg.Interceptors)
	for _, kind := range kinds.Fields() {
		if kind.Len() > 0 {
			return true
		}
	}
	return false
}

// getObject is GetObject with the checksum of the object.
func (c *client) getObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	req := c.newGet(ctx, in)
	if req == nil {
		return c.GetObject(ctx, in, askForSum)
	}
	resp, err := c.opts.HTTPClient.Do(req) //nolint:bodyclose // the caller's, or closed by the SDK
	if err == nil {
		if out := object(resp); out != nil {
			return out, nil
		}
		c.setClock(resp)
	}
	first := &answered{resp: resp, err: err}
	defer first.drop()
	return c.GetObject(ctx, in, askForSum, func(o *s3.Options) { first.HTTPClient, o.HTTPClient = o.HTTPClient, first })
}

// answered gives an answer that is there already, and then asks.
type answered struct {
	aws.HTTPClient

	resp  *http.Response
	err   error
	given bool
}

// Do gives the answer to a request.
func (a *answered) Do(req *http.Request) (*http.Response, error) {
	if a.given {
		return a.HTTPClient.Do(req)
	}
	a.given = true
	return a.resp, a.err
}

// drop lets go of an answer that nobody has asked for.
func (a *answered) drop() {
	if !a.given && a.resp != nil {
		_ = a.resp.Body.Close()
	}
}

// newGet returns the signed request for an object; nil leaves it to the SDK.
func (c *client) newGet(ctx context.Context, in *s3.GetObjectInput) *http.Request {
	if !c.simple || *in.Key == "" {
		return nil
	}
	w := c.wayTo(ctx, *in.Bucket)
	if w == nil {
		return nil
	}
	creds, err := c.opts.Credentials.Retrieve(ctx)
	if err != nil {
		return nil
	}
	u := w.endpoint
	u.Path = smithyhttp.JoinPath(w.endpoint.Path, "/"+*in.Key)
	u.RawPath = smithyhttp.JoinPath(w.endpoint.RawPath, "/"+httpbinding.EscapePath(*in.Key, false))
	u.RawQuery = "x-id=GetObject"
	if in.VersionId != nil {
		u.RawQuery = "versionId=" + strings.ReplaceAll(url.QueryEscape(*in.VersionId), "+", "%20") + "&" + u.RawQuery
	}
	h := make(http.Header, 10)
	set := func(name string, value *string) {
		if value != nil && *value != "" {
			h[name] = []string{*value}
		}
	}
	set("If-Match", in.IfMatch)
	set("Range", in.Range)
	set("X-Amz-Request-Payer", aws.String(string(in.RequestPayer)))
	h["X-Amz-Checksum-Mode"] = []string{"ENABLED"}
	h["Accept-Encoding"] = []string{"identity"} // net/http would ask for gzip, and take apart what is stored as such
	h["User-Agent"] = []string{"penstock"}
	req := (&http.Request{
		Method: http.MethodGet, URL: &u, Host: u.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	at := time.Now().Add(time.Duration(c.skew.Load()))
	if err := w.signer.Sign(req, sigv4.Credentials{
		AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, SessionToken: creds.SessionToken,
	}, sigv4.EmptyPayloadHash, at); err != nil {
		return nil
	}
	return req
}

// wayTo returns how the objects of a bucket are asked for. The SDK knows the endpoints; it is asked once.
func (c *client) wayTo(ctx context.Context, bucket string) *way {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w, ok := c.ways[bucket]; ok {
		return w
	}
	w := c.findWay(ctx, bucket)
	c.ways[bucket] = w
	return w
}

func (c *client) findWay(ctx context.Context, bucket string) *way {
	o := &c.opts
	if strings.Contains(o.Region, "fips") { // the SDK makes a region and a setting of such a name
		return nil
	}
	e, err := o.EndpointResolverV2.ResolveEndpoint(ctx, s3.EndpointParameters{
		Bucket: &bucket, Region: &o.Region, Endpoint: o.BaseEndpoint,
		UseFIPS:                        aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack:                   aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
		ForcePathStyle:                 &o.UsePathStyle,
		Accelerate:                     &o.UseAccelerate,
		DisableMultiRegionAccessPoints: &o.DisableMultiRegionAccessPoints,
		UseArnRegion:                   &o.UseARNRegion,
		DisableS3ExpressSessionAuth:    o.DisableS3ExpressSessionAuth,
	})
	if err != nil || len(e.Headers) > 0 || e.URI.RawQuery != "" {
		return nil
	}
	// Access points of many regions and directory buckets are signed in other ways.
	auth, _ := smithyauth.GetAuthOptions(&e.Properties)
	if len(auth) != 1 || auth[0].SchemeID != "sigv4" {
		return nil
	}
	region, ok1 := smithyhttp.GetSigV4SigningRegion(&auth[0].SignerProperties)
	service, ok2 := smithyhttp.GetSigV4SigningName(&auth[0].SignerProperties)
	if !ok1 || !ok2 {
		return nil
	}
	w := &way{endpoint: e.URI}
	w.signer.Region, w.signer.Service = region, service
	if w.endpoint.RawPath == "" {
		w.endpoint.RawPath = w.endpoint.Path
	}
	return w
}

// setClock learns from a refusal that our clock is wrong. The SDK learns it for its own requests.
func (c *client) setClock(resp *http.Response) {
	if resp.StatusCode != http.StatusForbidden || c.opts.DisableClockSkewCorrection {
		return
	}
	const allowed = 4 * time.Minute
	if theirs, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		if skew := time.Until(theirs); skew.Abs() > allowed {
			c.skew.Store(int64(skew))
		}
	}
}

// object is the answer that has an object, nil when it has something else.
func object(resp *http.Response) *s3.GetObjectOutput {
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent {
		return nil
	}
	value := func(name string) *string {
		values := resp.Header[name]
		if len(values) == 0 {
			return nil
		}
		return aws.String(strings.TrimSpace(values[0]))
	}
	out := &s3.GetObjectOutput{
		Body: resp.Body, ETag: value("Etag"), ContentRange: value("Content-Range"), VersionId: value("X-Amz-Version-Id"),
		ChecksumCRC32C: value("X-Amz-Checksum-Crc32c"), ChecksumCRC64NVME: value("X-Amz-Checksum-Crc64nvme"),
		ChecksumCRC32: value("X-Amz-Checksum-Crc32"), ChecksumSHA1: value("X-Amz-Checksum-Sha1"),
		ChecksumSHA256: value("X-Amz-Checksum-Sha256"),
	}
	if length := value("Content-Length"); length != nil {
		n, err := strconv.ParseInt(*length, 10, 64)
		if err != nil {
			return nil
		}
		out.ContentLength = &n
	}
	if modified := value("Last-Modified"); modified != nil {
		t, err := smithytime.ParseHTTPDate(*modified)
		if err != nil {
			return nil
		}
		out.LastModified = &t
	}
	return out
}
