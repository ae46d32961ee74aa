package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/source"
)

// store is an S3 server in memory with one bucket, "b", that can be told to misbehave.
type store struct {
	mu      sync.Mutex
	objects map[string]string
	pages   int // keys per page, 1000 when zero
	gets    []string
	// get answers a GetObject instead of the store when it returns true.
	get  func(n int, w http.ResponseWriter, r *http.Request, body string) bool
	list func(n int, w http.ResponseWriter) bool
	n    int
}

func etag(body string) string { return fmt.Sprintf(`"%x"`, len(body)*7919+int(body[0])) }

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	key, _ = url.PathUnescape(key)
	s.n++
	if bucket != "b" {
		fail(w, 404, "NoSuchBucket")
		return
	}
	if key == "" {
		if s.list == nil || !s.list(s.n, w) {
			s.page(w, r.URL.Query())
		}
		return
	}
	s.gets = append(s.gets, r.Header.Get("Range"))
	body, ok := s.objects[key]
	if !ok {
		fail(w, 404, "NoSuchKey")
		return
	}
	if s.get != nil && s.get(len(s.gets), w, r, body) {
		return
	}
	serve(w, r, body)
}

func serve(w http.ResponseWriter, r *http.Request, body string) {
	w.Header().Set("ETag", etag(body))
	w.Header().Set("X-Amz-Version-Id", "null")
	http.ServeContent(w, r, "", time.Unix(1447920000, 0), strings.NewReader(body))
}

func fail(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<Error><Code>%s</Code><Message>%s it is</Message></Error>`, code, code)
}

func (s *store) page(w http.ResponseWriter, q url.Values) {
	var keys []string
	after := q.Get("continuation-token")
	if after == "" {
		after = q.Get("start-after")
	}
	for k := range s.objects {
		if strings.HasPrefix(k, q.Get("prefix")) && k > after {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	size := s.pages
	if size == 0 {
		size = 1000
	}
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		size = min(size, n)
	}
	cut := len(keys) > size
	if cut {
		keys = keys[:size]
	}
	_, _ = fmt.Fprintf(w, `<ListBucketResult><IsTruncated>%v</IsTruncated>`, cut)
	written := strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace
	if q.Get("encoding-type") == "url" {
		_, _ = io.WriteString(w, `<EncodingType>url</EncodingType>`)
		written = func(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }
	}
	if cut {
		_, _ = fmt.Fprintf(w, `<NextContinuationToken>%s</NextContinuationToken>`, strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(keys[len(keys)-1]))
	}
	for _, k := range keys {
		_, _ = fmt.Fprintf(w, `<Contents><Key>%s</Key><Size>%d</Size><ETag>x</ETag></Contents>`, written(k), len(s.objects[k]))
	}
	_, _ = io.WriteString(w, `</ListBucketResult>`)
}

func open(t *testing.T, s *store) *source.S3 {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return source.NewS3(source.S3Config{
		AWS:         aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""), RetryMaxAttempts: 1},
		EndpointURL: srv.URL, PathStyle: true, IdleTimeout: 300 * time.Millisecond, Attempts: 3,
	})
}

// read lists a location and reads everything there.
func read(ctx context.Context, s3 *source.S3, where string, o source.ListOptions) (map[string]string, error) {
	loc, err := source.ParseLocation(where)
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	for item, err := range s3.List(loc, o).Items(ctx) {
		if err != nil {
			return got, err
		}
		stream, err := item.Objects[0].Open(ctx)
		if err != nil {
			return got, err
		}
		body, err := io.ReadAll(stream)
		got[stream.Identity.Key] = string(body)
		_ = stream.Close()
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

func TestKeysAreTakenLiterally(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, k := range []string{"plain", "with space", "a+b", "a%2Bb", "100% été", "日本/ログ.log", "//double//slash", "a=b&c?d", "dot.", "quote'\"", "<tag>", "tab\there", "semi;colon", "hash#tag", "back\\slash", "~tilde", strings.Repeat("k", 1000)} {
		want["p/"+k] = "body of " + k
	}
	s := &store{objects: want, pages: 3}
	s3 := open(t, s)
	got, err := read(t.Context(), s3, "s3://b/p/", source.ListOptions{})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v\n%s", err, diff)
	}
	for k := range want {
		got, err := read(t.Context(), s3, "s3://b/"+k, source.ListOptions{})
		if err != nil || len(got) != 1 || got[k] != want[k] {
			t.Errorf("%q alone: %v, error %v", k, got, err)
		}
	}
}

func TestAnExactKeyIsNotAPrefix(t *testing.T) {
	t.Parallel()
	s3 := open(t, &store{objects: map[string]string{"log": "1", "log.1": "2", "log/x": "3", "logs": "4"}})
	for where, want := range map[string]int{"s3://b/log": 1, "s3://b/lo": 4, "s3://b/log/": 1, "s3://b": 4, "s3://b/": 4} {
		if got, err := read(t.Context(), s3, where, source.ListOptions{}); err != nil || len(got) != want {
			t.Errorf("%s: %v, error %v, want %d objects", where, got, err, want)
		}
	}
	got, err := read(t.Context(), s3, "s3://b/", source.ListOptions{StartAfter: "log.1"})
	if err != nil || len(got) != 2 {
		t.Errorf("after log.1: %v, error %v", got, err)
	}
}

func TestABrokenReadGoesOnWhereItBroke(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("0123456789", 20_000)
	cut := func(length bool) func(n int, w http.ResponseWriter, r *http.Request, body string) bool {
		return func(n int, w http.ResponseWriter, r *http.Request, body string) bool {
			if n > 3 {
				return false
			}
			from := 0
			if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
			}
			w.Header().Set("ETag", etag(body))
			if length {
				w.Header().Set("Content-Length", strconv.Itoa(len(body)-from))
			}
			if from > 0 {
				w.WriteHeader(http.StatusPartialContent)
			}
			_, _ = io.WriteString(w, body[from:min(from+37_000, len(body))])
			panic(http.ErrAbortHandler)
		}
	}
	stall := func(n int, w http.ResponseWriter, r *http.Request, body string) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("ETag", etag(body))
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = io.WriteString(w, body[:1000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}
	for name, get := range map[string]func(int, http.ResponseWriter, *http.Request, string) bool{"reset": cut(true), "stalled": stall} {
		s := &store{objects: map[string]string{"k": body}, get: get}
		got, err := read(t.Context(), open(t, s), "s3://b/k", source.ListOptions{})
		if err != nil || got["k"] != body {
			t.Errorf("%s: %d bytes, error %v", name, len(got["k"]), err)
		}
		if len(s.gets) < 2 || s.gets[1] == "" {
			t.Errorf("%s: requests with ranges %q", name, s.gets)
		}
	}
}

func TestABodyWithoutALengthThatEndsEarlyIsNoticed(t *testing.T) {
	t.Parallel()
	// The server promises 10 bytes, sends 4 and closes in an orderly way.
	s := &store{objects: map[string]string{"k": "0123456789"}, get: func(n int, w http.ResponseWriter, _ *http.Request, body string) bool {
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return false
		}
		_, _ = fmt.Fprintf(buf, "HTTP/1.1 200 OK\r\nETag: %s\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123", etag(body))
		_ = buf.Flush()
		_ = conn.Close()
		return true
	}}
	got, err := read(t.Context(), open(t, s), "s3://b/k", source.ListOptions{})
	se, ok := errors.AsType[*source.Error](err)
	if !ok || !se.Temporary() || got["k"] != "0123" {
		t.Errorf("%q, error %v", got["k"], err)
	}
}

func TestAReplacedObjectIsNotMixed(t *testing.T) {
	t.Parallel()
	s := &store{objects: map[string]string{"k": strings.Repeat("a", 100_000)}}
	s.get = func(n int, w http.ResponseWriter, r *http.Request, body string) bool {
		if n == 1 {
			s.objects["k"] = strings.Repeat("b", 90_000)
			w.Header().Set("ETag", etag(body))
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = io.WriteString(w, body[:50_000])
			panic(http.ErrAbortHandler)
		}
		return false
	}
	got, err := read(t.Context(), open(t, s), "s3://b/k", source.ListOptions{})
	se, ok := errors.AsType[*source.Error](err)
	if !ok || se.Kind != source.KindChanged || strings.Contains(got["k"], "b") {
		t.Errorf("error %v after %d bytes", err, len(got["k"]))
	}
}

func TestFailuresHaveTheirKind(t *testing.T) {
	t.Parallel()
	answer := func(status int, code string) func(int, http.ResponseWriter, *http.Request, string) bool {
		return func(_ int, w http.ResponseWriter, _ *http.Request, _ string) bool { fail(w, status, code); return true }
	}
	tests := []struct {
		where     string
		get       func(int, http.ResponseWriter, *http.Request, string) bool
		kind      source.Kind
		fatal     bool
		temporary bool
	}{
		{where: "s3://other/k", kind: source.KindNoBucket},
		{where: "s3://b/none", kind: source.KindMissing},
		{where: "s3://b/none?versionId=1", kind: source.KindMissing},
		{where: "s3://b/k", get: answer(403, "AccessDenied"), kind: source.KindDenied},
		{where: "s3://b/k", get: answer(403, "InvalidObjectState"), kind: source.KindArchived},
		{where: "s3://b/k", get: answer(403, "InvalidAccessKeyId"), kind: source.KindCredentials, fatal: true},
		{where: "s3://b/k", get: answer(503, "SlowDown"), kind: source.KindThrottled, temporary: true},
		{where: "s3://b/k", get: answer(403, "KMS.DisabledException"), kind: source.KindKey},
		{where: "s3://b/k", get: answer(400, "KMS.NotFoundException"), kind: source.KindKey},
		{where: "s3://b/k", get: answer(400, "KMS.ThrottlingException"), kind: source.KindThrottled, temporary: true},
		{where: "s3://b/k", get: func(_ int, w http.ResponseWriter, _ *http.Request, _ string) bool {
			w.WriteHeader(403)
			_, _ = io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/x is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action</Message></Error>`)
			return true
		}, kind: source.KindKey},
		{where: "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/p/k", kind: source.KindName},
	}
	for _, tt := range tests {
		_, err := read(t.Context(), open(t, &store{objects: map[string]string{"k": "body"}, get: tt.get}), tt.where, source.ListOptions{})
		se, ok := errors.AsType[*source.Error](err)
		if !ok || se.Kind != tt.kind || se.Fatal() != tt.fatal || se.Temporary() != tt.temporary {
			t.Errorf("%s: error %v, kind %d", tt.where, err, se.Kind)
		}
	}
	none := source.NewS3(source.S3Config{AWS: aws.Config{Region: "us-east-1", Credentials: aws.NewCredentialsCache(noCredentials{})}})
	err := none.Check(t.Context(), source.Location{Bucket: "b"})
	if se, ok := errors.AsType[*source.Error](err); !ok || se.Kind != source.KindCredentials {
		t.Errorf("without credentials: %v", err)
	}
}

type noCredentials struct{}

func (noCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("none anywhere")
}

func TestTheIdentityIsThatOfTheAnswer(t *testing.T) {
	t.Parallel()
	s3 := open(t, &store{objects: map[string]string{"k": "body"}})
	o := s3.Object("b", "k", "", -1)
	stream, err := o.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	want := penstock.Identity{Bucket: "b", Key: "k", ETag: strings.Trim(etag("body"), `"`), Modified: time.Unix(1447920000, 0).UTC()}
	if diff := cmp.Diff(want, stream.Identity); diff != "" {
		t.Error(diff)
	}
}

func TestLocationsAreLiteral(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]source.Location{
		"s3://b":                                   {Bucket: "b"},
		"s3://b/a%20b+c":                           {Bucket: "b", Prefix: "a%20b+c"},
		"s3://b//x//":                              {Bucket: "b", Prefix: "/x//"},
		"s3://b/k?versionId=v.1":                   {Bucket: "b", Prefix: "k", Version: "v.1"},
		"s3://b/k?versionid=what":                  {Bucket: "b", Prefix: "k?versionid=what"},
		"s3://arn:aws:s3:::b/a/k":                  {Bucket: "b", Prefix: "a/k"},
		"s3://arn:aws-cn:s3:::b":                   {Bucket: "b"},
		"s3://" + accessPoint:                      {Bucket: accessPoint},
		"s3://" + accessPoint + "/a/k?versionId=v": {Bucket: accessPoint, Prefix: "a/k", Version: "v"},
		"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint:reports/k":                          {Bucket: "arn:aws:s3:eu-west-1:123456789012:accesspoint:reports", Prefix: "k"},
		"s3://arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap/k":                        {Bucket: "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap", Prefix: "k"},
		"s3://arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/redact//k":            {Bucket: "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/redact", Prefix: "/k"},
		"s3://arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-1/accesspoint/reports/a\nk": {Bucket: "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-1/accesspoint/reports", Prefix: "a\nk"},
	} {
		if got, err := source.ParseLocation(text); err != nil || got != want {
			t.Errorf("%s: %+v, error %v", text, got, err)
		}
	}
	for _, text := range []string{"b/k", "s3://", "s3:///k", "s3://b/?versionId=1", "s3://b/k?versionId=", "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint", "s3://arn:aws:s3:eu-west-1:12:accesspoint/reports/k", "s3://arn:aws:es:eu-west-1:123456789012:domain/x"} {
		if got, err := source.ParseLocation(text); err == nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 8<<20)
	srv := httptest.NewServer(&store{objects: map[string]string{"k": string(body)}})
	defer srv.Close()
	s3 := source.NewS3(source.S3Config{AWS: aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", "")}, EndpointURL: srv.URL, PathStyle: true})
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		o := s3.Object("b", "k", "", -1)
		stream, err := o.Open(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, stream); err != nil || n != int64(len(body)) {
			b.Fatal(n, err)
		}
		_ = stream.Close()
	}
}
