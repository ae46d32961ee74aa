package source_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/source"
)

const accessPoint = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports"

// regional is a store that serves requests which are signed for its region, and answers the others.
type regional struct {
	hostile.S3
	region string
	other  func(w http.ResponseWriter, r *http.Request)
}

func (s *regional) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Authorization"), "/"+s.region+"/s3/aws4_request") {
		s.S3.ServeHTTP(w, r)
		return
	}
	s.other(w, r)
}

// says answers with a status, the bucket's region and where to go.
func says(status int, code, region string, location func() string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if region != "" {
			w.Header().Set("X-Amz-Bucket-Region", region)
		}
		if location != nil {
			w.Header().Set("Location", location()+r.URL.RequestURI())
		}
		hostile.Fail(w, status, code)
	}
}

func at(url, region string) *source.S3 {
	return source.NewS3(source.S3Config{
		AWS: aws.Config{
			Region: region, Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""), RetryMaxAttempts: 1,
		},
		EndpointURL: url, PathStyle: true,
	})
}

func TestABucketIsFoundWhereverItsEndpointSendsUs(t *testing.T) {
	t.Parallel()
	objects := map[string]string{"k": "body", "l": "body 2"}
	serve := func(other func(w http.ResponseWriter, r *http.Request)) *httptest.Server {
		s := &regional{region: "eu-west-3", other: other}
		for key, body := range objects {
			s.Put(key, body)
		}
		return httptest.NewServer(s)
	}
	home := serve(says(400, "AuthorizationHeaderMalformed", "eu-west-3", nil))
	t.Cleanup(home.Close)
	there := func() string { return home.URL }
	for name, other := range map[string]func(http.ResponseWriter, *http.Request){
		"another region":         says(301, "PermanentRedirect", "eu-west-3", nil),
		"another region, by 400": says(400, "AuthorizationHeaderMalformed", "eu-west-3", nil),
		"another region, in the body alone": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w,
				`<?xml version="1.0" encoding="UTF-8"?><Error><Code>AuthorizationHeaderMalformed</Code>`+
					`<Message>no</Message><Region>eu-west-3</Region></Error>`)
		},
		"another host":                        says(301, "PermanentRedirect", "eu-west-3", there),
		"another host, for a while":           says(307, "TemporaryRedirect", "", there),
		"another host, whose region says 400": says(308, "PermanentRedirect", "", there),
		"another host, without a body to read": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, home.URL+r.URL.RequestURI(), http.StatusMovedPermanently)
		},
	} {
		srv := serve(other)
		t.Cleanup(srv.Close)
		if got, err := read(t.Context(), at(srv.URL, "us-east-1"), "s3://b/", source.ListOptions{}); err != nil ||
			len(got) != 2 {
			t.Errorf("%s: %v, error %v", name, got, err)
		}
		// Whoever asks at the same time learns it too, whoever learns it first.
		s3 := at(srv.URL, "us-east-1")
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				o := s3.Object(source.Ref{Bucket: "b", Key: "k", Size: -1})
				stream, err := o.Open(t.Context())
				if err != nil {
					t.Errorf("%s, at once: %v", name, err)
					return
				}
				_ = stream.Close()
			})
		}
		wg.Wait()
	}
}

func TestRedirectsEnd(t *testing.T) {
	t.Parallel()
	var asked sync.Map
	servers := make([]*httptest.Server, 6)
	for i := range servers {
		servers[i] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Store(i, true)
			says(301, "PermanentRedirect", fmt.Sprint("region-", i), func() string { return servers[(i+1)%len(servers)].URL })(w,
				r)
		}))
		t.Cleanup(servers[i].Close)
	}
	_, err := read(t.Context(), at(servers[0].URL, "us-east-1"), "s3://b/k", source.ListOptions{})
	se, ok := errors.AsType[*source.Error](err)
	if _, far := asked.Load(4); !ok || se.Kind != source.KindRegion || far {
		t.Errorf("error %v, asked the fifth server: %v", err, far)
	}
}

// answers is an HTTP client without a network.
type answers func(r *http.Request) *http.Response

func (a answers) Do(r *http.Request) (*http.Response, error) { return a(r), nil }

func answerTo(r *http.Request, status int, header http.Header, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		Request: r,
	}
}

func TestRequestsGoToTheHostThatServesTheBucket(t *testing.T) {
	t.Parallel()
	elsewhere := http.Header{"X-Amz-Bucket-Region": {"eu-west-3"}}
	for _, tt := range []struct {
		name, endpoint, where string
		first                 http.Header // of a 301, when there is one
		hosts                 []string
		scope                 string
	}{
		{
			name: "an access point is where its ARN says", where: "s3://" + accessPoint + "/k",
			hosts: []string{"reports-123456789012.s3-accesspoint.eu-west-1.amazonaws.com"}, scope: "/eu-west-1/s3/",
		},
		{
			name: "an access point behind an endpoint", where: "s3://" + accessPoint + "/k", endpoint: "https://vpce.example",
			hosts: []string{"reports-123456789012.vpce.example"}, scope: "/eu-west-1/s3/",
		},
		{
			name: "no endpoint", where: "s3://logs/k", first: elsewhere,
			hosts: []string{"logs.s3.us-east-1.amazonaws.com", "logs.s3.eu-west-3.amazonaws.com"}, scope: "/eu-west-3/s3/",
		},
		{
			name: "the endpoint of another region", where: "s3://logs/k", endpoint: "https://s3.us-east-1.amazonaws.com",
			first: elsewhere,
			hosts: []string{"logs.s3.us-east-1.amazonaws.com", "logs.s3.eu-west-3.amazonaws.com"}, scope: "/eu-west-3/s3/",
		},
		{
			name: "an endpoint of one's own", where: "s3://logs/k", endpoint: "https://store.example", first: elsewhere,
			hosts: []string{"logs.store.example", "logs.store.example"}, scope: "/eu-west-3/s3/",
		},
		{
			name: "a redirect names the bucket's own host", where: "s3://logs/k", endpoint: "https://store.example",
			first: http.Header{"X-Amz-Bucket-Region": {"eu-west-3"}, "Location": {"https://logs.other.example/k"}},
			hosts: []string{"logs.store.example", "logs.other.example"}, scope: "/eu-west-3/s3/",
		},
		{
			name: "nothing leads from https to http", where: "s3://logs/k", endpoint: "https://store.example",
			first: http.Header{"Location": {"http://logs.store.example/k"}},
			hosts: []string{"logs.store.example"}, scope: "/us-east-1/s3/",
		},
	} {
		var hosts []string
		var scope string
		s3 := source.NewS3(source.S3Config{
			EndpointURL: tt.endpoint,
			AWS: aws.Config{
				Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""), RetryMaxAttempts: 1,
				HTTPClient: answers(func(r *http.Request) *http.Response {
					hosts, scope = append(hosts, r.URL.Host), r.Header.Get("Authorization")
					if tt.first != nil && len(hosts) == 1 {
						return answerTo(r, 301, tt.first.Clone(), `<Error><Code>PermanentRedirect</Code></Error>`)
					}
					return answerTo(r, 200, http.Header{"Etag": {`"e"`}, "Content-Length": {"4"}}, "body")
				}),
			},
		})
		loc, err := source.ParseLocation(tt.where)
		if err != nil {
			t.Fatal(err)
		}
		o := s3.Object(source.Ref{Bucket: loc.Bucket, Key: loc.Prefix, Size: -1})
		stream, err := o.Open(t.Context())
		if err == nil {
			_ = stream.Close()
		}
		if fmt.Sprint(hosts) != fmt.Sprint(tt.hosts) || !strings.Contains(scope, tt.scope) ||
			(err == nil) != (len(tt.hosts) > 1 || tt.first == nil) {
			t.Errorf("%s: asked %v, signed %s, error %v, want %v", tt.name, hosts, scope, err, tt.hosts)
		}
	}
}

func TestTheRequesterPaysWhenTold(t *testing.T) {
	t.Parallel()
	for _, pays := range []bool{false, true} {
		want := ""
		if pays {
			want = "requester"
		}
		n := 0
		inner := holding(map[string]string{"k": "body"})
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n++
			if got := r.Header.Get("X-Amz-Request-Payer"); got != want {
				t.Errorf("%s %s: payer %q, want %q", r.Method, r.URL, got, want)
			}
			inner.ServeHTTP(w, r)
		}))
		t.Cleanup(srv.Close)
		s3 := source.NewS3(source.S3Config{
			AWS:         aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", "")},
			EndpointURL: srv.URL, PathStyle: true, RequesterPays: pays,
		})
		if err := s3.Check(t.Context(), source.Location{Bucket: "b"}); err != nil {
			t.Error(err)
		}
		if _, err := read(t.Context(), s3, "s3://b/", source.ListOptions{}); err != nil {
			t.Error(err)
		}
		// the store lists no versions; the request is what counts
		_, _ = read(t.Context(), s3, "s3://b/", source.ListOptions{Versions: true})
		if n < 4 {
			t.Errorf("%d requests", n)
		}
	}
}
