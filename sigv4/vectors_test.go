package sigv4_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

// The vectors are AWS's own, from the signing test suite in github.com/awslabs/aws-c-auth; of its pairs those with a
// normalised path, which is the rule of a domain.
func TestPublishedTestVectorsVerify(t *testing.T) {
	t.Parallel()
	const letters = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	tests := []struct {
		line, headers string // headers besides Host and X-Amz-Date, each with its line ending
		names         string // signed besides host and x-amz-date
		body          string
		signature     string
	}{
		{line: "GET /\u1234", signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
		{line: "GET /" + letters, signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		{
			line:      "GET /?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
			signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
		},
		{
			line:      "GET /?Param2=value2&Param1=value1",
			signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		{
			line:      "GET /?" + letters + "=" + letters,
			signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
		},
		{line: "GET /?\u1234=bar", signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		{line: "GET /?Param1=value1", signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
		{line: "GET /", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{line: "GET /example/..", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{line: "GET /example1/example2/../..", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{line: "GET /./", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{line: "GET /./example", signature: "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
		{line: "GET //example//", signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
		{
			line: "GET /", headers: "My-Header1:value2\r\nMy-Header1:value2\r\nMy-Header1:value1\r\n", names: "my-header1",
			signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
		},
		{
			line: "GET /", headers: "My-Header1:value4\r\nMy-Header1:value1\r\nMy-Header1:value3\r\nMy-Header1:value2\r\n",
			names:     "my-header1",
			signature: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
		},
		{
			line: "GET /", headers: "My-Header1: value1\r\nMy-Header2: \"a   b   c\"\r\n", names: "my-header1;my-header2",
			signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		},
		{
			line: "POST /", headers: "My-Header1:value1\r\n", names: "my-header1",
			signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
		},
		{
			line: "GET /", headers: "X-Amz-Security-Token:6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267\r\n",
			names:     "x-amz-security-token",
			signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
		},
		{
			line: "POST /",
			headers: "Content-Type:application/x-www-form-urlencoded\r\nContent-Length:13\r\n" +
				"x-amz-content-sha256:9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e\r\n",
			names: "content-length;content-type;x-amz-content-sha256", body: "Param1=value1",
			signature: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
		},
	}
	for _, test := range tests {
		names := "host;x-amz-date"
		switch {
		case strings.HasPrefix(test.names, "content"):
			names = "content-length;content-type;host;x-amz-content-sha256;x-amz-date"
		case strings.HasPrefix(test.names, "x-"):
			names = "host;x-amz-date;" + test.names
		case test.names != "":
			names = "host;" + test.names + ";x-amz-date"
		}
		raw := test.line + " HTTP/1.1\r\nHost:example.amazonaws.com\r\n" + test.headers + "X-Amz-Date:20150830T123600Z\r\n" +
			"Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" +
			names +
			", Signature=" + test.signature + "\r\n\r\n" + test.body
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			t.Fatalf("%s: %v", test.line, err)
		}
		v := &sigv4.Verifier{
			Region: "us-east-1", Service: "service",
			Now: func() time.Time { return time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC) },
			Lookup: func(context.Context, string) (sigv4.Credentials, error) {
				c := testCredentials
				c.SessionToken = r.Header.Get("X-Amz-Security-Token")
				return c, nil
			},
		}
		got, err := v.Verify(r)
		if err != nil {
			t.Errorf("%s\n%s%v", test.line, test.headers, err)
			continue
		}
		got.Close()
	}
}

// The first example of "Signature Calculations for the Authorization Header" in the reference of Amazon S3.
func TestTheExampleOfS3(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet,
		"https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-9")
	s := sigv4.Signer{Region: "us-east-1", Service: "s3"}
	err = s.Sign(r, sigv4.Credentials{
		AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	}, sigv4.EmptyPayloadHash, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	const want = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, " +
		"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	if got := r.Header.Get("Authorization"); err != nil || got != want {
		t.Errorf("signed %s, error %v, want %s", got, err, want)
	}
}

// The path of an object is its name: nothing in it is resolved, and it is encoded once.
func TestPathsOfS3StayAsTheyAre(t *testing.T) {
	t.Parallel()
	canonical := func(service, target string) string {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://bucket.example.com"+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := sigv4.Signer{Region: "us-east-1", Service: service}
		if err := s.Sign(r, sigv4.Credentials{AccessKeyID: "A", SecretAccessKey: "b"}, sigv4.EmptyPayloadHash,
			time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		return r.Header.Get("Authorization")
	}
	if canonical("s3", "/a//b/../%2e/%20+") != canonical("s3", "/a//b/.././%20%2B") {
		t.Error("two spellings of the same name have different signatures")
	}
	for _, other := range []string{"/a/b/../%2e/%20+", "/a/%2e/%20+", "/a//b/..", "/a//b/../%252e/%20+"} {
		if canonical("s3", "/a//b/../%2e/%20+") == canonical("s3", other) {
			t.Errorf("%s has the signature of another name", other)
		}
	}
}
