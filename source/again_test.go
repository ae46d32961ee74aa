package source_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/source"
)

// versions is a bucket whose one object has versions: the last one is what is there.
type versions struct {
	bodies  []string
	deleted bool
	asked   []string // versions
}

func (v *versions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	named := r.URL.Query().Get("versionId")
	v.asked = append(v.asked, named)
	n := len(v.bodies) - 1
	if named != "" {
		n = int(named[0] - '0')
	}
	if v.deleted && named == "" {
		hostile.Fail(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	etag := `"` + hostile.ETag(v.bodies[n]) + `"`
	if want := r.Header.Get("If-Match"); want != "" && want != etag {
		hostile.Fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	w.Header().Set("ETag", etag)
	w.Header().Set("X-Amz-Version-Id", string(rune('0'+n)))
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(v.bodies[n]))
}

// What was read is opened again as long as it is there: without its version where that is still the newest, which takes
// no more permissions than the first reading.
func TestAnObjectIsOpenedAgainAsItWas(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(v *versions)
		asked  string
	}{
		"nothing has changed":  {func(*versions) {}, " "},
		"there is another one": {func(v *versions) { v.bodies = append(v.bodies, "other") }, "  0"},
		"it is deleted":        {func(v *versions) { v.deleted = true }, "  0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &versions{bodies: []string{"as it was"}}
			srv := httptest.NewServer(v)
			defer srv.Close()
			s3 := source.NewS3(source.S3Config{
				AWS:         aws.Config{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1},
				EndpointURL: srv.URL, PathStyle: true,
			})
			o := s3.Object(source.Ref{Bucket: "b", Key: "k", Size: -1})
			first, err := o.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_ = first.Close()
			tt.change(v)
			second, err := o.Again(t.Context(), first.Identity)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = second.Close() }()
			body, err := io.ReadAll(second)
			if string(body) != "as it was" || err != nil || second.Identity.ETag != first.Identity.ETag {
				t.Errorf("%q, %v, %+v", body, err, second.Identity)
			}
			if asked := strings.Join(v.asked, " "); asked != tt.asked {
				t.Errorf("asked for the versions %q, want %q", asked, tt.asked)
			}
		})
	}
}

// Other bytes are not taken for what was read, by whatever server.
func TestAnotherObjectIsNotOpenedAgain(t *testing.T) {
	t.Parallel()
	for name, careless := range map[string]bool{"a server that compares": false, "one that does not": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := holding(map[string]string{"k": "as it was"})
			s3 := open(t, s)
			o := s3.Object(source.Ref{Bucket: hostile.Bucket, Key: "k", Size: 9, ETag: hostile.ETag("as it was")})
			first, err := o.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_ = first.Close()
			s.Put("k", "otherwise")
			if careless {
				s.Misbehave(func(_ http.ResponseWriter, g *hostile.Get) bool {
					g.Header.Del("If-Match")
					return false
				}, nil)
			}
			_, err = o.Again(t.Context(), first.Identity)
			if se, ok := errors.AsType[*source.Error](err); !ok || se.Kind != source.KindChanged {
				t.Errorf("got %v, want an error that it has changed", err)
			}
		})
	}
}
