package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/source"
)

func open(t *testing.T, s *hostile.S3) *source.S3 {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return source.NewS3(source.S3Config{
		AWS: aws.Config{
			Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""), RetryMaxAttempts: 1,
		},
		EndpointURL: srv.URL, PathStyle: true, IdleTimeout: 300 * time.Millisecond, Attempts: 3,
	})
}

// holding is a server with these objects.
func holding(objects map[string]string) *hostile.S3 {
	s := new(hostile.S3)
	for key, body := range objects {
		s.Put(key, body)
	}
	return s
}

// list returns the names of the objects at a location.
func list(ctx context.Context, s3 *source.S3, where string, o source.ListOptions) (names []string, err error) {
	loc, err := source.ParseLocation(where)
	if err != nil {
		return nil, err
	}
	for item, err := range s3.List(loc, o).Items(ctx) {
		if err != nil {
			return names, err
		}
		names = append(names, item.ID)
	}
	return names, nil
}

func readObject(ctx context.Context, o penstock.Object) (string, error) {
	stream, err := o.Open(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = stream.Close() }()
	body, err := io.ReadAll(stream)
	return string(body), err
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
	for _, k := range []string{
		"plain", "with space", "a+b", "a%2Bb", "100% été", "日本/ログ.log", "//double//slash", "a=b&c?d", "dot.",
		"quote'\"", "<tag>", "tab\there", "semi;colon", "hash#tag", "back\\slash", "~tilde", strings.Repeat("k", 1000),
	} {
		want["p/"+k] = "body of " + k
	}
	s := holding(want)
	s.PageKeys = 3
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
	s3 := open(t, holding(map[string]string{"log": "1", "log.1": "2", "log/x": "3", "logs": "4"}))
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
	body := hostile.Lines("k", 3000)
	stall := func(w http.ResponseWriter, g *hostile.Get) {
		g.Head(w, false)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = io.WriteString(w, body[:1000])
		_ = http.NewResponseController(w).Flush()
		<-g.Context().Done()
	}
	for name, fault := range map[string]hostile.GetFault{
		"reset": hostile.Cut, "stalled": stall, "cut in chunks": hostile.ChunkedAndCut,
		"cut in HTTP/1.0":                 hostile.PlainAndCut,
		"with a length that is too small": hostile.LengthTooSmall,
	} {
		s := holding(map[string]string{"k": body})
		s.Get, s.Summed = hostile.Once(fault), true
		got, err := read(t.Context(), open(t, s), "s3://b/k", source.ListOptions{})
		if err != nil || got["k"] != body {
			t.Errorf("%s: %d bytes, error %v", name, len(got["k"]), err)
		}
		if r := s.Ranges(); len(r) != 2 || r[0] != "" || r[1] == "" {
			t.Errorf("%s: requests with ranges %q", name, r)
		}
	}
}

// What is opened ahead waits for a worker; that is no stall.
func TestAnOpenObjectMayWaitToBeRead(t *testing.T) {
	t.Parallel()
	s := holding(map[string]string{"k": hostile.Lines("k", 2000)})
	o := open(t, s).Object(source.Ref{Bucket: "b", Key: "k", Size: -1})
	stream, err := o.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	head := make([]byte, 100)
	for range 2 {
		time.Sleep(400 * time.Millisecond) // more than the longest stall
		if _, err := io.ReadFull(stream, head); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := io.Copy(io.Discard, stream); err != nil || int(n) != len(hostile.Lines("k", 2000))-200 {
		t.Errorf("%d bytes, error %v", n, err)
	}
	if r := s.Ranges(); len(r) != 1 {
		t.Errorf("requests with ranges %q", r)
	}
}

// What the answer, or the listing for the same ETag, says about the length has to be there. What cannot be completed is
// an error after what there is, and nothing that is not the object's.
func TestAnObjectIsReadToItsLengthOrNotAtAll(t *testing.T) {
	t.Parallel()
	body := hostile.Lines("k", 200)
	// A server that ignores ranges begins anew, and one that mixes them up goes on elsewhere.
	resumed := func(part string, from int) hostile.GetFault {
		return func(w http.ResponseWriter, g *hostile.Get) {
			if g.N == 1 {
				hostile.Cut(w, g)
			}
			g.Head(w, false)
			if part != "" {
				w.Header().Set("Content-Range", part)
				w.WriteHeader(http.StatusPartialContent)
			}
			_, _ = io.WriteString(w, body[from:])
		}
	}
	half := len(body) / 2
	for name, test := range map[string]struct {
		fault hostile.GetFault
		kind  source.Kind
		most  int // bytes before the error
	}{
		"cut in chunks":                   {hostile.ChunkedAndStuck, source.KindUnreachable, half},
		"cut in HTTP/1.0":                 {hostile.PlainAndCut, source.KindUnreachable, half},
		"a length that is too small":      {hostile.LengthTooSmall, source.KindUnreachable, len(body) - 1},
		"nothing under the ETag":          {hostile.EmptyObject, source.KindUnreachable, 0},
		"HTML":                            {hostile.Page, source.KindAnswer, 0},
		"nothing at all":                  {hostile.Nothing, source.KindAnswer, 0},
		"no ETag":                         {hostile.NoETag, source.KindAnswer, 0},
		"longer than listed":              {hostile.TooLong, source.KindAnswer, 0},
		"longer than listed, in chunks":   {hostile.TooLongWithoutLength, source.KindAnswer, len(body)},
		"a part in place of the object":   {part("bytes 0-9/*"), source.KindAnswer, 0},
		"the whole object after a resume": {resumed("", 0), source.KindAnswer, half},
		"another part after a resume":     {resumed("bytes 0-9/100", 0), source.KindAnswer, half},
		"another length after a resume": {
			fault: resumed(fmt.Sprintf("bytes %d-%d/%d", half, len(body), len(body)+1), half),
			kind:  source.KindAnswer,
			most:  half,
		},
		"a longer rest after a resume": {
			fault: resumed(fmt.Sprintf("bytes %d-%d/*", half, len(body)-1), half-5), kind: source.KindAnswer, most: half,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := holding(map[string]string{"k": body})
			s.Get = hostile.Always(test.fault)
			got, err := read(t.Context(), open(t, s), "s3://b/k", source.ListOptions{})
			se, ok := errors.AsType[*source.Error](err)
			// What goes wrong in a resume is reported as what it is, or as a source that cannot be read, whichever comes last.
			if !ok || se.Kind != test.kind && se.Kind != source.KindUnreachable || !se.Temporary() || penstock.IsFatal(err) {
				t.Errorf("error %v", err)
			}
			if len(got["k"]) > test.most || !strings.HasPrefix(body, got["k"]) {
				t.Errorf("read %d bytes, want at most %d, and true ones", len(got["k"]), test.most)
			}
		})
	}
}

// part answers with a part that nobody has asked for.
func part(of string) hostile.GetFault {
	return func(w http.ResponseWriter, g *hostile.Get) {
		g.Head(w, false)
		w.Header().Set("Content-Range", of)
		_, _ = io.WriteString(w, g.Body)
	}
}

// Without a listing or an event the answer alone says how long the object is.
func TestALengthIsKnownFromTheAnswerAlone(t *testing.T) {
	t.Parallel()
	body := hostile.Lines("k", 200)
	for name, test := range map[string]struct {
		get  func(http.ResponseWriter, *hostile.Get) bool
		ref  source.Ref
		want bool
	}{
		"as it is":                   {nil, source.Ref{Size: -1}, true},
		"replaced since":             {nil, source.Ref{Size: 5, ETag: "other"}, true},
		"the event knows no ETag":    {nil, source.Ref{Size: 5}, true},
		"a length that is not there": {hostile.Always(hostile.ChunkedAndCut), source.Ref{Size: -1}, false},
		"replaced, and no length":    {hostile.Always(hostile.ChunkedAndCut), source.Ref{Size: 5, ETag: "other"}, false},
		"the event's length": {
			get:  hostile.Once(hostile.ChunkedAndCut),
			ref:  source.Ref{Size: int64(len(body)), ETag: hostile.ETag(body)},
			want: true,
		},
		"the event's, ETag in quotes": {
			get:  hostile.Once(hostile.ChunkedAndCut),
			ref:  source.Ref{Size: int64(len(body)), ETag: `"` + hostile.ETag(body) + `"`},
			want: true,
		},
	} {
		s := holding(map[string]string{"k": body})
		s.Get = test.get
		test.ref.Bucket, test.ref.Key = "b", "k"
		got, err := readObject(t.Context(), open(t, s).Object(test.ref))
		if (err == nil) != test.want || test.want && got != body || !strings.HasPrefix(body, got) {
			t.Errorf("%s: %d bytes, error %v", name, len(got), err)
		}
	}
}

func TestAChecksumIsTakenOverTheWholeObject(t *testing.T) {
	t.Parallel()
	body := hostile.Lines("k", 3000)
	for name, test := range map[string]struct {
		get     func(http.ResponseWriter, *hostile.Get) bool
		altered bool
	}{
		"true":                      {nil, false},
		"true after a resume":       {hostile.Once(hostile.Cut), false},
		"altered":                   {hostile.Always(hostile.Altered), true},
		"altered before the resume": {hostile.Once(hostile.AlteredAndCut), true},
		"altered after the resume": {func(w http.ResponseWriter, g *hostile.Get) bool {
			if g.N == 1 {
				hostile.Cut(w, g)
			}
			hostile.Altered(w, g)
			return true
		}, true},
	} {
		s := holding(map[string]string{"k": body})
		s.Get, s.Summed = test.get, true
		got, err := read(t.Context(), open(t, s), "s3://b/k", source.ListOptions{})
		_, altered := errors.AsType[*penstock.AlteredError](err)
		if altered != test.altered || err != nil && !altered || len(got["k"]) != len(body) {
			t.Errorf("%s: %d bytes, error %v", name, len(got["k"]), err)
		}
	}
}

// The sums are those of "penstock" as other tools write them.
func TestEveryKindOfChecksumIsKnown(t *testing.T) {
	t.Parallel()
	const body = "penstock"
	for header, value := range map[string]string{
		"X-Amz-Checksum-Crc32": "rxbi7A==", "X-Amz-Checksum-Crc32c": "NEfrXQ==", "X-Amz-Checksum-Crc64nvme": "X4uN1SypEKE=",
		"X-Amz-Checksum-Sha1":   "uFIAFaOe+YYl8smg1CnD9o2PH3s=",
		"X-Amz-Checksum-Sha256": "U5UIvqy+XNEpNeK3IVVyOWUpkqf4neBAgiTWH8o/Yag=",
	} {
		for sum, want := range map[string]bool{value: true, "AAAA" + value[4:]: false} {
			s := holding(map[string]string{"k": body})
			s.Get = func(w http.ResponseWriter, _ *hostile.Get) bool {
				w.Header().Set(header, sum)
				return false
			}
			_, err := read(t.Context(), open(t, s), "s3://b/k", source.ListOptions{})
			if (err == nil) != want {
				t.Errorf("%s: %s: error %v", header, sum, err)
			}
		}
	}
	for _, header := range [][2]string{
		{"X-Amz-Checksum-Crc32", "AAAAAA==-3"}, // of the sums of three parts
		{"X-Amz-Checksum-Crc32", "AAAA"}, {"X-Amz-Checksum-Sha256", "no base64"}, {"X-Amz-Checksum-Xxhash", "AAAAAA=="},
	} {
		s := holding(map[string]string{"k": body})
		s.Get = func(w http.ResponseWriter, _ *hostile.Get) bool {
			w.Header().Set(header[0], header[1])
			return false
		}
		stream, err := open(t, s).Object(source.Ref{Bucket: "b", Key: "k", Size: -1}).Open(t.Context())
		if err != nil || stream.Summed {
			t.Errorf("%q: error %v, want a stream without a sum", header, err)
		}
	}
}

func TestAListingIsReadToItsEndOrIsAnError(t *testing.T) {
	t.Parallel()
	objects := map[string]string{}
	for i := range 9 {
		objects[fmt.Sprintf("k%d", i)] = "body"
	}
	for name, fault := range map[string]hostile.ListFault{
		"HTML": hostile.Instead(hostile.HTML), "well-formed HTML": hostile.Instead("<html><body>Sign in</body></html>"),
		"nothing":          hostile.Instead(""),
		"an empty element": hostile.Instead("<ListBucketResult></ListBucketResult>"), "half a page": hostile.Half,
		"another listing": hostile.Instead(`<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>`),
		"no Name":         hostile.Without("Name"), "no IsTruncated": hostile.Without("IsTruncated"),
		"no token": hostile.Without("NextContinuationToken"), "an empty token": hostile.WithToken(""),
		"the same token": hostile.WithToken("k2"),
	} {
		for page := range 2 {
			s := holding(objects)
			s.PageKeys, s.List = 3, hostile.FromPage(page+1, fault)
			got, err := list(t.Context(), open(t, s), "s3://b/", source.ListOptions{})
			se, ok := errors.AsType[*source.Error](err)
			if !ok || !se.Temporary() || se.Op != "list" || se.Object != "s3://b/" {
				t.Errorf("%s on page %d: %d keys, error %v", name, page+1, len(got), err)
			}
			if len(got) > 9 {
				t.Errorf("%s on page %d: %d keys before the circle was noticed", name, page+1, len(got))
			}
		}
	}
	var s3 *source.S3
	for name, fault := range map[string]hostile.ListFault{
		"HTML": hostile.Instead("<html></html>"), "nothing": hostile.Instead(""),
	} {
		s := holding(objects)
		s.List = func(w http.ResponseWriter, l *hostile.List) bool {
			_, _ = io.WriteString(w, fault(l.Page))
			return true
		}
		s3 = open(t, s)
		if err := s3.Check(t.Context(), source.Location{Bucket: "b"}); err == nil {
			t.Errorf("%s passes for a bucket", name)
		}
		if _, err := list(t.Context(), s3, "s3://b/", source.ListOptions{Versions: true}); err == nil {
			t.Errorf("%s passes for versions", name)
		}
	}
}

// A listing that goes round in circles ends, whatever the length of the circle, after three times its pages at most.
func TestAListingInCirclesEnds(t *testing.T) {
	t.Parallel()
	for _, versions := range []bool{false, true} {
		for _, tail := range []int{0, 1, 5} {
			for _, length := range []int{1, 2, 3, 7, 20} {
				n := 0
				s := holding(nil)
				s.List = func(w http.ResponseWriter, _ *hostile.List) bool {
					token := n
					if n++; token >= tail {
						token = tail + (token-tail)%length
					}
					more := n < 1000
					if versions {
						_, _ = fmt.Fprintf(w,
							`<ListVersionsResult><Name>b</Name><IsTruncated>%v</IsTruncated>`+
								`<NextKeyMarker>k%d</NextKeyMarker></ListVersionsResult>`, more, token)
					} else {
						_, _ = fmt.Fprintf(w,
							`<ListBucketResult><Name>b</Name><IsTruncated>%v</IsTruncated>`+
								`<NextContinuationToken>k%d</NextContinuationToken></ListBucketResult>`, more, token)
					}
					return true
				}
				_, err := list(t.Context(), open(t, s), "s3://b/", source.ListOptions{Versions: versions})
				if se, ok := errors.AsType[*source.Error](err); !ok || se.Kind != source.KindAnswer || n > 3*(tail+length)+1 {
					t.Errorf("a circle of %d after %d: error %v after %d pages", length, tail, err, n)
				}
			}
		}
	}
}

// The order of keys is no test: directory buckets have none.
func TestKeysMayComeInAnyOrder(t *testing.T) {
	t.Parallel()
	s := holding(nil)
	s.List = func(w http.ResponseWriter, _ *hostile.List) bool {
		_, _ = io.WriteString(w,
			`<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>`+
				`<Contents><Key>z</Key></Contents><Contents><Key>a</Key></Contents></ListBucketResult>`)
		return true
	}
	got, err := list(t.Context(), open(t, s), "s3://b/", source.ListOptions{})
	if diff := cmp.Diff([]string{"s3://b/z", "s3://b/a"}, got); err != nil || diff != "" {
		t.Errorf("error %v\n%s", err, diff)
	}
}

func TestAReplacedObjectIsNotMixed(t *testing.T) {
	t.Parallel()
	s := holding(map[string]string{"k": strings.Repeat("a", 100_000)})
	s.Get = func(w http.ResponseWriter, g *hostile.Get) bool {
		if g.N > 1 {
			return false
		}
		s.Put("k", strings.Repeat("b", 90_000))
		hostile.Cut(w, g)
		return true
	}
	got, err := read(t.Context(), open(t, s), "s3://b/k", source.ListOptions{})
	se, ok := errors.AsType[*source.Error](err)
	if !ok || se.Kind != source.KindChanged || strings.Contains(got["k"], "b") {
		t.Errorf("error %v after %d bytes", err, len(got["k"]))
	}
}

func TestFailuresHaveTheirKind(t *testing.T) {
	t.Parallel()
	answer := func(status int, code string) func(http.ResponseWriter, *hostile.Get) bool {
		return hostile.Always(func(w http.ResponseWriter, _ *hostile.Get) { hostile.Fail(w, status, code) })
	}
	tests := []struct {
		where     string
		get       func(http.ResponseWriter, *hostile.Get) bool
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
		{where: "s3://b/k", get: func(w http.ResponseWriter, _ *hostile.Get) bool {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w,
				`<Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/x is not authorized to perform: `+
					`kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the `+
					`kms:Decrypt action</Message></Error>`)
			return true
		}, kind: source.KindKey},
		{where: "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/p/k", kind: source.KindName},
	}
	for _, tt := range tests {
		s := holding(map[string]string{"k": "body"})
		s.Get = tt.get
		_, err := read(t.Context(), open(t, s), tt.where, source.ListOptions{})
		se, ok := errors.AsType[*source.Error](err)
		if !ok || se.Kind != tt.kind || se.Fatal() != tt.fatal || se.Temporary() != tt.temporary {
			t.Errorf("%s: error %v, kind %d", tt.where, err, se.Kind)
		}
	}
	none := source.NewS3(source.S3Config{
		AWS: aws.Config{Region: "us-east-1", Credentials: aws.NewCredentialsCache(noCredentials{})},
	})
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
	s3 := open(t, holding(map[string]string{"k": "body"}))
	o := s3.Object(source.Ref{Bucket: "b", Key: "k", Size: -1})
	stream, err := o.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	want := penstock.Identity{Bucket: "b", Key: "k", ETag: hostile.ETag("body"), Modified: time.Unix(1447920000, 0).UTC()}
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
		"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint:reports/k": {
			Bucket: "arn:aws:s3:eu-west-1:123456789012:accesspoint:reports", Prefix: "k",
		},
		"s3://arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap/k": {
			Bucket: "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap", Prefix: "k",
		},
		"s3://arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/redact//k": {
			Bucket: "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/redact", Prefix: "/k",
		},
		"s3://arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-1/accesspoint/reports/a\nk": {
			Bucket: "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-1/accesspoint/reports", Prefix: "a\nk",
		},
	} {
		if got, err := source.ParseLocation(text); err != nil || got != want {
			t.Errorf("%s: %+v, error %v", text, got, err)
		}
	}
	for _, text := range []string{
		"b/k", "s3://", "s3:///k", "s3://b/?versionId=1", "s3://b/k?versionId=",
		"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint", "s3://arn:aws:s3:eu-west-1:12:accesspoint/reports/k",
		"s3://arn:aws:es:eu-west-1:123456789012:domain/x",
	} {
		if got, err := source.ParseLocation(text); err == nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 8<<20)
	srv := httptest.NewServer(holding(map[string]string{"k": string(body)}))
	defer srv.Close()
	s3 := source.NewS3(source.S3Config{
		AWS:         aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", "")},
		EndpointURL: srv.URL,
		PathStyle:   true,
	})
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		o := s3.Object(source.Ref{Bucket: "b", Key: "k", Size: -1})
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
