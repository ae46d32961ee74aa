package source

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/lazyregexp"
)

// S3Config says how to reach S3. Zero fields have the defaults.
type S3Config struct {
	// AWS has the credentials, the region and the retryer.
	AWS aws.Config
	// EndpointURL is for an S3-compatible server; PathStyle addresses buckets in the path.
	EndpointURL string
	PathStyle   bool
	// RequesterPays says that the caller pays for what it reads of buckets whose owner does not.
	RequesterPays bool
	// IdleTimeout is how long a read may go without a byte before it is resumed, 30 s by default.
	IdleTimeout time.Duration
	// Attempts is how often in a row a read is resumed without a byte of progress, 5 by default.
	Attempts int
	// Logger is told of resumed reads; nil discards.
	Logger *slog.Logger
}

// S3 reads objects of S3. It is safe for concurrent use.
type S3 struct {
	cfg     S3Config
	mu      sync.Mutex
	clients map[place]*client
	places  map[string]place // of buckets that are elsewhere
}

// place is where a bucket is asked for.
type place struct {
	region string
	// endpoint is empty for the one that the SDK finds for the region.
	endpoint string
}

// NewS3 returns an S3. It makes no request.
func NewS3(cfg S3Config) *S3 {
	if cfg.IdleTimeout <= 0 {
		cfg.IdleTimeout = 30 * time.Second
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = 5
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.AWS.HTTPClient = asked(cfg.AWS.HTTPClient)
	return &S3{cfg: cfg, clients: map[place]*client{}, places: map[string]place{}}
}

// asked returns a client that shows redirects, which the SDK's follows in part with the old signature, for another
// host; and that finds a bucket's region also where an answer names it in its body alone.
func asked(c aws.HTTPClient) aws.HTTPClient {
	shown := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	switch own := c.(type) {
	case nil:
		c = &http.Client{Transport: awshttp.NewBuildableClient().GetTransport(), CheckRedirect: shown}
	case *awshttp.BuildableClient:
		c = &http.Client{Transport: own.GetTransport(), Timeout: own.GetTimeout(), CheckRedirect: shown}
	case *http.Client:
		with := *own
		with.CheckRedirect = shown
		c = &with
	}
	return regionFinder{c}
}

// regionFinder puts the region that the body of an error names into the header where AWS has it too.
type regionFinder struct{ aws.HTTPClient }

const regionHeader = "X-Amz-Bucket-Region"

// Do sends a request.
func (f regionFinder) Do(req *http.Request) (*http.Response, error) {
	resp, err := f.HTTPClient.Do(req)
	if err != nil || resp.StatusCode < http.StatusMultipleChoices || resp.Header.Get(regionHeader) != "" {
		return resp, err
	}
	const longest = 64 << 10                                  // of an error
	head, _ := io.ReadAll(io.LimitReader(resp.Body, longest)) // what is wrong with it, its reader finds too
	var said struct {
		Region string `xml:"Region"`
	}
	if xml.Unmarshal(head, &said) == nil && said.Region != "" {
		resp.Header.Set(regionHeader, said.Region)
	}
	resp.Body = &rest{Reader: io.MultiReader(bytes.NewReader(head), resp.Body), Closer: resp.Body}
	return resp, nil
}

// rest is a body of which the beginning has been looked at.
type rest struct {
	io.Reader
	io.Closer
}

// fallbackRegion is where to ask for a bucket when no region is configured: S3 answers there for buckets everywhere.
const fallbackRegion = "us-east-1"

// home is where buckets are asked for that are not known to be elsewhere.
func (s *S3) home() place {
	return place{region: cmp.Or(s.cfg.AWS.Region, fallbackRegion), endpoint: s.cfg.EndpointURL}
}

func (s *S3) client(at place) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.clients[at]; ok {
		return c
	}
	c := newClient(s.cfg.AWS, func(o *s3.Options) {
		o.Region = at.region
		o.UsePathStyle = s.cfg.PathStyle
		o.UseARNRegion = true // the ARN of an access point says where it is
		if at.endpoint != "" {
			o.BaseEndpoint = aws.String(at.endpoint)
		}
		// The reader takes the checksum itself, over the whole object: see sum.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	s.clients[at] = c
	return c
}

// bucketPlace returns where the bucket is asked for.
func (s *S3) bucketPlace(bucket string) place {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.places[bucket]; ok {
		return at
	}
	return s.home()
}

// inRegion calls f with the client for the bucket, and again when the answer says that the bucket is elsewhere.
func (s *S3) inRegion(bucket string, f func(c *client) error) error {
	if s.cfg.PathStyle && strings.HasPrefix(bucket, "arn:") {
		return &Error{
			Op:     "address",
			Object: bucket,
			Kind:   KindName,
			Err:    errors.New("an access point is a host name, which path-style addressing has no room for"),
		}
	}
	at := s.bucketPlace(bucket)
	const most = 3 // to another host, and there into another region
	for n := 1; ; n++ {
		err := f(s.client(at))
		if err == nil {
			return nil
		}
		next, ok := s.elsewhere(bucket, at, err)
		if !ok || n == most {
			return err
		}
		s.mu.Lock()
		s.places[bucket] = next
		s.mu.Unlock()
		at = next
	}
}

// elsewhere reads from an answer where else the bucket is: in another region, at another host or both. Each is asked
// with a signature of its own.
func (s *S3) elsewhere(bucket string, at place, err error) (place, bool) {
	re, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok {
		return at, false
	}
	redirected := false
	switch re.HTTPStatusCode() {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		redirected = true
	case http.StatusBadRequest: // signed for the wrong region
	default:
		return at, false
	}
	next := at
	next.region = cmp.Or(re.Response.Header.Get(regionHeader), at.region)
	switch host, ok := otherHost(bucket, at.endpoint, re.Response.Header.Get("Location")); {
	case redirected && ok:
		next.endpoint = host
	case redirected && next.region != at.region && isRegional(at.endpoint):
		next.endpoint = "" // an endpoint of AWS serves its own region alone
	}
	return next, next != at
}

// otherHost returns the endpoint that a redirect leads to, without the bucket in its host name. Nothing leads from
// https to plain http.
func otherHost(bucket, endpoint, location string) (string, bool) {
	to, err := url.Parse(location)
	if err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http" {
		return "", false
	}
	to.Host = strings.TrimPrefix(to.Host, bucket+".")
	from, err := url.Parse(endpoint)
	if err != nil || to.Scheme == "http" && from.Scheme != "http" || to.Host == from.Host && to.Scheme == from.Scheme {
		return "", false
	}
	return to.Scheme + "://" + to.Host, true
}

// isRegional reports whether an endpoint is one of a region of AWS that has equals in other regions. An interface
// endpoint in a VPC has none.
func isRegional(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := strings.TrimSuffix(u.Hostname(), ".cn")
	return strings.HasPrefix(host, "s3") && strings.HasSuffix(host, ".amazonaws.com")
}

// payer says who pays, when it is the caller.
func (s *S3) payer() types.RequestPayer {
	if s.cfg.RequesterPays {
		return types.RequestPayerRequester
	}
	return ""
}

// Location is a place in S3 as a user writes it: s3://bucket/prefix, or s3://bucket/key?versionId=ID. The ARN of an
// access point may stand for the bucket.
type Location struct {
	Bucket, Prefix, Version string
}

// ParseLocation reads an s3:// URL. Everything after the bucket is taken literally: nothing in it is decoded. Only a
// "?versionId=" at its end is not part of the key.
func ParseLocation(text string) (Location, error) {
	rest, ok := strings.CutPrefix(text, "s3://")
	if !ok {
		return Location{}, fmt.Errorf("%q is not an s3:// URL", text)
	}
	bucket, key, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(rest, "arn:") {
		m := arnLocation.FindStringSubmatch(rest)
		if m == nil {
			return Location{}, fmt.Errorf("%q begins with no ARN of a bucket or an access point", text)
		}
		bucket, key = BucketName(m[1]), m[2]
	}
	if bucket == "" {
		return Location{}, fmt.Errorf("%q names no bucket", text)
	}
	if err := checkBucket(bucket); err != nil && !strings.HasPrefix(bucket, "arn:") {
		return Location{}, fmt.Errorf("%q: %w", text, err)
	}
	loc := Location{Bucket: bucket, Prefix: key}
	if i := strings.LastIndex(key, "?versionId="); i >= 0 {
		loc.Prefix, loc.Version = key[:i], key[i+len("?versionId="):]
		if loc.Prefix == "" || loc.Version == "" {
			return Location{}, fmt.Errorf("%q names no key or no version", text)
		}
	}
	return loc, nil
}

// checkBucket refuses what is no name of a bucket, before a request is made for it. Buckets from before 2018 may have
// upper-case letters and underscores.
func checkBucket(name string) error {
	for _, r := range name {
		isLetter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !isLetter && (r < '0' || r > '9') && !strings.ContainsRune(".-_", r) {
			return fmt.Errorf("%q is no name of a bucket: it cannot have %q", name, r)
		}
	}
	return nil
}

// arnLocation is the ARN of a bucket, an access point (of one region or of many), an Object Lambda access point or an
// access point on Outposts, and the key after it. See "Using Amazon S3 access points" in the S3 user guide.
var arnLocation = lazyregexp.New(`(?s)^(arn:aws[a-z-]*:(?:s3:::[^/:]+` +
	`|(?:s3|s3-object-lambda):[a-z0-9-]*:\d{12}:accesspoint[:/][^/:]+` +
	`|s3-outposts:[a-z0-9-]+:\d{12}:outpost[:/][^/:]+[:/]accesspoint[:/][^/:]+))(?:/(.*))?$`)

// BucketName returns the name of a bucket that may be given by its ARN. The ARN of an access point is returned as it
// is: S3 takes it in the place of a name.
func BucketName(text string) string {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" && parts[2] == "s3" && parts[3] == "" && parts[4] == "" {
		return parts[5]
	}
	return text
}

func (l Location) String() string {
	name := "s3://" + l.Bucket + "/" + l.Prefix
	if l.Version != "" {
		name += "?versionId=" + l.Version
	}
	return name
}

// Ref names one object, with what a listing or an event says of it.
type Ref struct {
	Bucket, Key string
	// Version is empty for the latest.
	Version string
	// ETag is empty and Size is -1 when they are not known. An object with another ETag was replaced since and is read as
	// it is now; one with the same has this size, whatever the answer that carries it looks like.
	ETag string
	Size int64
	// Modified is zero when it is not known.
	Modified time.Time
}

func (r Ref) String() string { return Location{r.Bucket, r.Key, r.Version}.String() }

// ListOptions choose what of a listing is read.
type ListOptions struct {
	// StartAfter leaves out keys up to and including this one.
	StartAfter string
	// Versions lists all versions of the objects and not only the latest ones.
	Versions bool
}

// List gives the objects at a location, one item each, in the order of their keys. A location that is the key of an
// object means that object alone; anything else is a prefix. Check tells beforehand whether it can be read.
func (s *S3) List(loc Location, o ListOptions) penstock.Source {
	return &listing{s3: s, loc: loc, opts: o}
}

type listing struct {
	s3   *S3
	loc  Location
	opts ListOptions
}

// Items is part of penstock.Source.
func (l *listing) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		if l.loc.Version != "" {
			yield(l.s3.item(Ref{Bucket: l.loc.Bucket, Key: l.loc.Prefix, Version: l.loc.Version, Size: -1}), nil)
			return
		}
		var err error
		if l.opts.Versions {
			err = l.versions(ctx, yield)
		} else {
			err = l.objects(ctx, yield)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(penstock.Item{}, classify("list", l.loc.String(), err))
		}
	}
}

var errStopped = errors.New("stopped by the consumer")

// objects lists the latest versions.
func (l *listing) objects(ctx context.Context, yield func(penstock.Item, error) bool) error {
	in := &s3.ListObjectsV2Input{
		Bucket: &l.loc.Bucket, Prefix: &l.loc.Prefix, EncodingType: types.EncodingTypeUrl, RequestPayer: l.s3.payer(),
	}
	if l.opts.StartAfter != "" {
		in.StartAfter = &l.opts.StartAfter
	}
	found, exact := false, false
	for page, err := range l.s3.pages(ctx, in) {
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			key, err := listedKey(o.Key, page.EncodingType)
			if err != nil {
				return err
			}
			exact = exact || key == l.loc.Prefix
			if exact && key != l.loc.Prefix && !strings.HasSuffix(l.loc.Prefix, "/") {
				return nil // the location is one key, and this is another one that begins like it
			}
			found = true
			ref := Ref{
				Bucket: l.loc.Bucket, Key: key, ETag: unquoted(o.ETag), Size: listedSize(o.Size),
				Modified: aws.ToTime(o.LastModified),
			}
			if !yield(l.s3.item(ref), nil) {
				return errStopped
			}
		}
	}
	if !found && l.loc.Prefix != "" && !strings.HasSuffix(l.loc.Prefix, "/") && l.opts.StartAfter == "" {
		return &Error{
			Op: "list", Object: l.loc.String(), Kind: KindMissing, Err: errors.New("no such key, and no key begins like it"),
		}
	}
	return nil
}

// pages gives the pages of a listing, up to the last one or to an error.
func (s *S3) pages(ctx context.Context, in *s3.ListObjectsV2Input) iter.Seq2[*s3.ListObjectsV2Output, error] {
	return func(yield func(*s3.ListObjectsV2Output, error) bool) {
		var tokens circle
		for {
			var page *s3.ListObjectsV2Output
			err := s.inRegion(*in.Bucket, func(c *client) (err error) {
				page, err = c.ListObjectsV2(ctx, in)
				return err
			})
			if err == nil {
				err = checkPage(page.Name, page.IsTruncated, page.NextContinuationToken)
			}
			if err == nil && *page.IsTruncated {
				err = tokens.follow(*page.NextContinuationToken)
			}
			if !yield(page, err) || err != nil || !*page.IsTruncated {
				return
			}
			in.ContinuationToken = page.NextContinuationToken
		}
	}
}

// versions lists every version, oldest keys first and newest versions first, as S3 does.
func (l *listing) versions(ctx context.Context, yield func(penstock.Item, error) bool) error {
	in := &s3.ListObjectVersionsInput{
		Bucket: &l.loc.Bucket, Prefix: &l.loc.Prefix, EncodingType: types.EncodingTypeUrl, RequestPayer: l.s3.payer(),
	}
	if l.opts.StartAfter != "" {
		in.KeyMarker = &l.opts.StartAfter
	}
	var markers circle
	for {
		var page *s3.ListObjectVersionsOutput
		err := l.s3.inRegion(l.loc.Bucket, func(c *client) (err error) {
			page, err = c.ListObjectVersions(ctx, in)
			return err
		})
		if err == nil {
			err = checkPage(page.Name, page.IsTruncated, page.NextKeyMarker)
		}
		if err == nil && aws.ToBool(page.IsTruncated) {
			err = markers.follow(*page.NextKeyMarker + "\x00" + aws.ToString(page.NextVersionIdMarker))
		}
		if err != nil {
			return err
		}
		for _, v := range page.Versions {
			key, err := listedKey(v.Key, page.EncodingType)
			if err != nil {
				return err
			}
			ref := Ref{
				Bucket: l.loc.Bucket, Key: key, Version: aws.ToString(v.VersionId), ETag: unquoted(v.ETag),
				Size: listedSize(v.Size), Modified: aws.ToTime(v.LastModified),
			}
			if !yield(l.s3.item(ref), nil) {
				return errStopped
			}
		}
		if !aws.ToBool(page.IsTruncated) {
			return nil
		}
		marker, err := listedKey(page.NextKeyMarker, page.EncodingType)
		if err != nil {
			return err
		}
		in.KeyMarker, in.VersionIdMarker = &marker, page.NextVersionIdMarker
	}
}

// checkPage tells a page of a listing from something else with status 200, such as a proxy's page or nothing: that
// would pass for the end of the listing. The order of keys is no test: some buckets have none.
func checkPage(name *string, truncated *bool, token *string) error {
	var lacks string
	switch {
	case aws.ToString(name) == "":
		lacks = "Name"
	case truncated == nil:
		lacks = "IsTruncated"
	case *truncated && aws.ToString(token) == "":
		lacks = "the token of the next page"
	default:
		return nil
	}
	return wrongListing("the answer is no whole page of a listing: it lacks " + lacks)
}

func wrongListing(text string) error { return &Error{Kind: KindAnswer, Err: errors.New(text)} }

// circle notices a listing that goes round in circles of any length. It holds one token and moves on to a later one
// after ever more pages (Brent's algorithm).
type circle struct {
	token       string
	pages, wait int
}

func (c *circle) follow(token string) error {
	if token == c.token {
		return wrongListing("the token of the next page was there before: the listing goes round in circles")
	}
	if c.pages++; c.pages > c.wait {
		c.token, c.pages, c.wait = token, 0, 2*c.wait+1
	}
	return nil
}

func listedSize(size *int64) int64 {
	if size == nil {
		return -1
	}
	return *size
}

// listedKey is a key as a listing has it. Listings are asked for with encoded keys, because XML has no way to write
// most control characters; the SDK leaves them as they are, and a server that does not encode says so.
func listedKey(key *string, encoding types.EncodingType) (string, error) {
	if encoding != types.EncodingTypeUrl {
		return aws.ToString(key), nil
	}
	plain, err := url.QueryUnescape(aws.ToString(key))
	if err != nil {
		return "", fmt.Errorf("decode listed key %q: %w", aws.ToString(key), err)
	}
	return plain, nil
}

// Check makes the one request that tells whether a location can be listed, so that a wrong name is known before
// anything is shipped.
func (s *S3) Check(ctx context.Context, loc Location) error {
	one := int32(1)
	in := &s3.ListObjectsV2Input{
		Bucket: &loc.Bucket, Prefix: &loc.Prefix, MaxKeys: &one, EncodingType: types.EncodingTypeUrl, RequestPayer: s.payer(),
	}
	var err error
	for _, err = range s.pages(ctx, in) {
		break
	}
	if err != nil {
		return classify("list", loc.String(), err)
	}
	return nil
}

func (s *S3) item(ref Ref) penstock.Item {
	o := s.Object(ref)
	return penstock.Item{ID: o.Name, Objects: []penstock.Object{o}}
}

// Object returns an object that is known by its name.
func (s *S3) Object(ref Ref) penstock.Object {
	return penstock.Object{
		Name: ref.String(), Size: ref.Size, Modified: ref.Modified, Remote: true,
		Open: func(ctx context.Context) (*penstock.Stream, error) { return s.open(ctx, ref, "") },
		Again: func(ctx context.Context, id penstock.Identity) (*penstock.Stream, error) {
			return s.again(ctx, ref, id)
		},
	}
}
