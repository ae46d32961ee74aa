package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// doer answers requests of a client.
type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }

// one takes one of several at random.
func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// kin are the settings and the object of one request.
type kin struct {
	region, endpoint       string
	pathStyle, fips, dual  bool
	session                bool
	bucket, key            string
	version, etag, between string
	pays                   bool
}

func randomKin(r *rand.Rand) kin {
	k := kin{
		region: one(r, "us-east-1", "eu-central-1", "ap-southeast-2", "us-west-2", "cn-north-1", "us-gov-west-1",
			"us-iso-east-1", "eusc-de-east-1", "fips-us-east-1", "mars-1"),
		endpoint: one(r, "", "", "", "", "http://127.0.0.1:9000", "https://s3.example.com", "https://s3.example.com/base/",
			"https://s3.eu-west-1.amazonaws.com", "https://bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com"),
		pathStyle: r.IntN(4) == 0, fips: r.IntN(5) == 0, dual: r.IntN(5) == 0, session: r.IntN(2) == 0,
		pays: r.IntN(4) == 0,
	}
	k.bucket = one(r, "logs", "my-logs-2026", "logs.example.com", "a.b.c.d", "Old_Bucket", "UPPER", "logs-abc123-s3alias",
		"logs--use1-az4--x-s3",
		"arn:aws:s3:"+k.region+":123456789012:accesspoint/mine",
		"arn:aws:s3:eu-west-1:123456789012:accesspoint:mine",
		"arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/mine",
		"arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/mine",
		"arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-01ac5d28a6a232904/accesspoint/mine",
		"arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap",
		"arn:aws:s3:eu-west-1:123456789012:nonsense/mine")
	parts := []string{
		"a", "logs/2026/11/28", "/", "//", "..", ".", " ", "+", "%", "%2F", "?", "#", "&", "=", ":", "@", "*", "~", "!", "'",
		"(x)", ",", ";", "$", "ü", "日本", "\x01", "\n", "\"", "\\", "<>", "|", "^", "`", "{}", "[0]", "\xff", "e\u0301",
		"%41",
	}
	for range 1 + r.IntN(6) {
		k.key += one(r, parts...)
	}
	k.version = one(r, "", "", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", "null", "a b&c=d/é")
	k.etag = one(r, "", "", `"9b2cf535f27731c974343645a3985328"`, `"d41d8cd98f00b204e9800998ecf8427e-38"`)
	k.between = one(r, "", "", "bytes=100-", "bytes=0-65535")
	return k
}

func (k kin) client(t *testing.T, do doer) *client {
	t.Helper()
	token := ""
	if k.session {
		token = "a/session+token=="
	}
	s := NewS3(S3Config{
		AWS: aws.Config{
			Region: k.region, HTTPClient: do, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
			Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", token)),
		},
		EndpointURL: k.endpoint, PathStyle: k.pathStyle,
	})
	c := s.client(s.home())
	settings := func(o *s3.Options) {
		if k.fips {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
		}
		if k.dual {
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
		}
	}
	c.Client = s3.New(c.Options(), settings)
	c.opts = c.Options()
	return c
}

func (k kin) input() *s3.GetObjectInput {
	in := &s3.GetObjectInput{Bucket: &k.bucket, Key: &k.key}
	if k.version != "" {
		in.VersionId = &k.version
	}
	if k.etag != "" {
		in.IfMatch = &k.etag
	}
	if k.between != "" {
		in.Range = &k.between
	}
	if k.pays {
		in.RequestPayer = types.RequestPayerRequester
	}
	return in
}

// signature takes an Authorization header apart.
func signature(t *testing.T, h http.Header) (scope string, names []string) {
	t.Helper()
	_, rest, ok1 := strings.Cut(h.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
	scope, rest, ok2 := strings.Cut(rest, ", SignedHeaders=")
	list, _, ok3 := strings.Cut(rest, ", Signature=")
	if !ok1 || !ok2 || !ok3 {
		t.Fatalf("Authorization: %q", h.Get("Authorization"))
	}
	_, scope, _ = strings.Cut(scope, "/") // the day
	return scope, strings.Split(list, ";")
}

// A request that we make ourselves is the SDK's: the same method, URL and signed headers, signed for the same region
// and service, with the signature that the SDK's signer gives. What we leave to the SDK is what is signed in other
// ways, and what it does not ask for at all.
func TestOurRequestsAreTheSDKs(t *testing.T) {
	t.Parallel()
	const cases = 2000
	r := rand.New(rand.NewPCG(16, 5))
	ours, left := 0, map[string]int{}
	for ours < cases {
		k := randomKin(r)
		var theirs *http.Request
		c := k.client(t, func(r *http.Request) (*http.Response, error) {
			theirs = r
			return nil, errors.New("seen")
		})
		_, err := c.GetObject(t.Context(), k.input(), askForSum)
		mine := c.newGet(t.Context(), k.input())
		if mine == nil {
			switch {
			case theirs == nil:
				left["not asked for: "+strings.SplitN(err.Error(), ":", 3)[0]]++
			case strings.HasSuffix(k.bucket, ".mrap"):
				left["of many regions"]++
			case strings.HasSuffix(k.bucket, "--x-s3"):
				left["directory bucket"]++
			case strings.Contains(k.bucket, "outpost"):
				left["outpost"]++
			case strings.Contains(k.region, "fips"):
				left["region of FIPS"]++
			default:
				t.Fatalf("%+v: left to the SDK, which asks %s", k, theirs.URL)
			}
			continue
		}
		ours++
		if theirs == nil {
			t.Errorf("%+v: we ask %s, the SDK says %v", k, mine.URL, err)
			continue
		}
		compare(t, k, mine, theirs)
		if t.Failed() {
			return
		}
	}
	for _, kind := range []string{"of many regions", "directory bucket", "outpost", "region of FIPS"} {
		if left[kind] == 0 {
			t.Errorf("%s: not in the table", kind)
		}
	}
	t.Logf("%d requests of ours; left to the SDK: %v", ours, left)
}

func compare(t *testing.T, k kin, mine, theirs *http.Request) {
	t.Helper()
	if mine.Method != theirs.Method || mine.URL.Scheme != theirs.URL.Scheme ||
		mine.URL.RequestURI() != theirs.URL.RequestURI() || mine.URL.Host != theirs.URL.Host {
		t.Errorf("%+v:\n we ask %s %s\nthe SDK %s %s", k, mine.Method, mine.URL, theirs.Method, theirs.URL)
	}
	scope, names := signature(t, mine.Header)
	theirScope, theirNames := signature(t, theirs.Header)
	theirNames = slices.DeleteFunc(theirNames, func(name string) bool {
		switch name { // what is on the way may change the first; the others number the SDK's attempts
		case "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request":
			return true
		}
		return false
	})
	if scope != theirScope || !slices.Equal(names, theirNames) {
		t.Errorf("%+v:\n  signed for %s: %v\nthe SDK for %s: %v", k, scope, names, theirScope, theirNames)
	}
	for _, name := range append(names, "accept-encoding") {
		if name == "host" || name == "x-amz-date" {
			continue
		}
		if got, want := mine.Header.Values(name), theirs.Header.Values(name); !slices.Equal(got, want) {
			t.Errorf("%+v: %s is %q, the SDK's %q", k, name, got, want)
		}
	}
	again := mine.Clone(context.Background())
	for name := range again.Header {
		if !slices.Contains(names, strings.ToLower(name)) {
			again.Header.Del(name)
		}
	}
	part := strings.Split(scope, "/")
	at, err := time.Parse("20060102T150405Z", mine.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	creds := aws.Credentials{
		AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: mine.Header.Get("X-Amz-Security-Token"),
	}
	err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(
		context.Background(), creds, again, mine.Header.Get("X-Amz-Content-Sha256"), part[1], part[0], at)
	if got, want := mine.Header.Get("Authorization"), again.Header.Get("Authorization"); err != nil || got != want {
		t.Errorf("%+v: signed\n%s\nby the SDK's signer, %v\n%s", k, got, err, want)
	}
}

// stored is an answer with an object.
func stored(r *http.Request) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Body: io.NopCloser(strings.NewReader("text")),
		Header: http.Header{
			"Content-Length": {"4"}, "Etag": {`"abc"`}, "Last-Modified": {"Sat, 28 Nov 2026 10:00:00 GMT"},
			"X-Amz-Version-Id": {"v1"}, "X-Amz-Checksum-Crc32": {"Oyhv7A=="},
		},
		ContentLength: 4,
	}
}

func refused(r *http.Request, status int, code string) *http.Response {
	return &http.Response{
		StatusCode: status, Request: r, Header: http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}},
		Body: io.NopCloser(strings.NewReader("<Error><Code>" + code + "</Code><Message>so</Message></Error>")),
	}
}

// reader returns an S3 whose requests are answered by do, and the number of them.
func reader(do doer) (s *S3, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	return NewS3(S3Config{
		AWS: aws.Config{
			Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
			HTTPClient: doer(func(r *http.Request) (*http.Response, error) {
				asked.Add(1)
				return do(r)
			}),
		},
		Logger: slog.New(slog.DiscardHandler),
	}), asked
}

// byUs reports whether a request is not the SDK's.
func byUs(r *http.Request) bool { return r.Header.Get("Amz-Sdk-Request") == "" }

func get(t *testing.T, s *S3) (*s3.GetObjectOutput, error) {
	t.Helper()
	return s.client(s.home()).getObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("logs"), Key: aws.String("k")})
}

// What we take from an answer is what the SDK takes from it.
func TestAnAnswerIsReadAsTheSDKReadsIt(t *testing.T) {
	t.Parallel()
	s, asked := reader(func(r *http.Request) (*http.Response, error) { return stored(r), nil })
	mine, err := get(t, s)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := s.client(s.home()).GetObject(t.Context(),
		&s3.GetObjectInput{Bucket: aws.String("logs"), Key: aws.String("k")}, askForSum)
	if err != nil {
		t.Fatal(err)
	}
	show := func(o *s3.GetObjectOutput) string {
		return fmt.Sprint(*o.ETag, *o.ContentLength, *o.LastModified, *o.VersionId, *o.ChecksumCRC32, o.ContentRange,
			o.ChecksumCRC32C, o.ChecksumCRC64NVME, o.ChecksumSHA1, o.ChecksumSHA256)
	}
	if show(mine) != show(theirs) || asked.Load() != 2 {
		t.Errorf("%s\nthe SDK %s\nafter %d requests", show(mine), show(theirs), asked.Load())
	}
}

// An answer that is no object costs no request more than the SDK's own: it is the first of its attempts.
func TestRefusalsAreTheSDKs(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name     string
		status   int // of all answers, with a code, or what answer gives
		code     string
		answer   func(n int64, r *http.Request) (*http.Response, error)
		requests int64
		fails    bool
		kind     Kind
	}{
		{"missing", 404, "NoSuchKey", nil, 1, true, KindMissing},
		{"denied", 403, "AccessDenied", nil, 1, true, KindDenied},
		{"expired", 400, "ExpiredToken", nil, 1, true, KindCredentials},
		{"replaced", 412, "PreconditionFailed", nil, 1, true, KindChanged},
		{"archived", 403, "InvalidObjectState", nil, 1, true, KindArchived},
		{"throttled to the end", 503, "SlowDown", nil, 3, true, KindThrottled},
		{"throttled once", 0, "", func(n int64, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return refused(r, 503, "SlowDown"), nil
			}
			return stored(r), nil
		}, 2, false, 0},
		{"reset once", 0, "", func(n int64, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
			}
			return stored(r), nil
		}, 2, false, 0},
		{"no date", 0, "", func(_ int64, r *http.Request) (*http.Response, error) {
			resp := stored(r)
			resp.Header.Set("Last-Modified", "yesterday")
			return resp, nil
		}, 1, true, KindOther},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int64
			s, asked := reader(func(r *http.Request) (*http.Response, error) {
				if i := n.Add(1); byUs(r) != (i == 1) {
					t.Errorf("request %d by us: %v", i, byUs(r))
				}
				if x.answer == nil {
					return refused(r, x.status, x.code), nil
				}
				return x.answer(n.Load(), r)
			})
			_, err := get(t, s)
			if (err != nil) != x.fails {
				t.Errorf("error %v", err)
			}
			if err != nil && classify("open", "x", err).Kind != x.kind {
				t.Errorf("%v: kind %d, want %d", err, classify("open", "x", err).Kind, x.kind)
			}
			if asked.Load() != x.requests {
				t.Errorf("%d requests, want %d", asked.Load(), x.requests)
			}
		})
	}
}

// A clock that is wrong costs one refusal, not one for each object.
func TestAWrongClockCostsOneRefusal(t *testing.T) {
	t.Parallel()
	const ahead = time.Hour
	s, asked := reader(func(r *http.Request) (*http.Response, error) {
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			return nil, err
		}
		theirs := time.Now().Add(ahead)
		if theirs.Sub(at).Abs() > 15*time.Minute {
			resp := refused(r, 403, "RequestTimeTooSkewed")
			resp.Header.Set("Date", theirs.UTC().Format(http.TimeFormat))
			return resp, nil
		}
		return stored(r), nil
	})
	for range 5 {
		if _, err := get(t, s); err != nil {
			t.Fatal(err)
		}
	}
	if asked.Load() != 6 {
		t.Errorf("%d requests for five objects", asked.Load())
	}
}

// What the SDK configures by itself is none of what only the SDK does.
func TestTheUsualConfigurationIsOurs(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none", "AWS_USE_FIPS_ENDPOINT": "true",
	} {
		t.Setenv(name, value)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := NewS3(S3Config{AWS: cfg})
	r := s.client(s.home()).newGet(t.Context(), &s3.GetObjectInput{Bucket: aws.String("logs"), Key: aws.String("k")})
	if r == nil || r.URL.Host != "logs.s3-fips.eu-west-1.amazonaws.com" {
		t.Errorf("the request is %+v", r)
	}
}

// What is configured for the SDK alone is left to it.
func TestWhatOnlyTheSDKDoesIsLeftToIt(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*aws.Config){
		"anonymous": func(c *aws.Config) { c.Credentials = aws.AnonymousCredentials{} },
		"logged":    func(c *aws.Config) { c.ClientLogMode = aws.LogRequest },
		"intercepted": func(c *aws.Config) {
			c.Interceptors.BeforeTransmit = append(c.Interceptors.BeforeTransmit, nil)
		},
		"preferences": func(c *aws.Config) { c.AuthSchemePreference = []string{"sigv4a"} },
		"no credentials": func(c *aws.Config) {
			c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("none")
			})
		},
	} {
		cfg := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "s", "")}
		set(&cfg)
		s := NewS3(S3Config{AWS: cfg})
		in := &s3.GetObjectInput{Bucket: aws.String("logs"), Key: aws.String("k")}
		if s.client(s.home()).newGet(t.Context(), in) != nil {
			t.Errorf("%s: we ask", name)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s, _ := reader(func(r *http.Request) (*http.Response, error) { return stored(r), nil })
	c := s.client(s.home())
	in := &s3.GetObjectInput{Bucket: aws.String("logs"), Key: aws.String("AWSLogs/123456789012/2026/11/28/x.gz")}
	for name, get := range map[string]func() (*s3.GetObjectOutput, error){
		"ours": func() (*s3.GetObjectOutput, error) { return c.getObject(b.Context(), in) },
		"SDK":  func() (*s3.GetObjectOutput, error) { return c.GetObject(b.Context(), in, askForSum) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := get(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
