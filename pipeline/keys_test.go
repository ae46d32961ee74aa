package pipeline_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules"
)

// The key of a hash comes from Systems Manager as it comes from a variable: it is asked for once, signed and decrypted,
// and hashes by it are the same. The Systems Manager is a stand-in for its documented API.
func TestAKeyIsAParameter(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	const secret = "a secret of thirty-two characters"
	asked := 0
	ssm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		var body struct {
			Name           string
			WithDecryption bool
		}
		switch err := json.NewDecoder(r.Body).Decode(&body); {
		case err != nil, !body.WithDecryption, r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameter",
			!strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/ssm/aws4_request"):
			t.Errorf("%+v, %v, %v", body, r.Header, err)
		case body.Name != "/penstock/joins":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ParameterNotFound"}`)
		default:
			_, _ = io.WriteString(w, `{"Parameter":{"Type":"SecureString","Value":"`+secret+`"}}`)
		}
	}))
	defer ssm.Close()
	t.Setenv("AWS_ENDPOINT_URL_SSM", ssm.URL)
	t.Setenv("JOINS", secret)
	hashed := func(name string) (string, error) {
		scheme, rest, _ := strings.Cut(name, ":")
		read := pipeline.Read{
			Keys: map[string]pipeline.KeySource{
				"joins": {Reference: redact.Reference{Scheme: scheme, Name: rest}, Number: 3},
			},
			Secret: (&pipeline.AWS{Region: "eu-west-1"}).Secret(t.Context()),
			Always: []rules.Rule{{Verb: rules.Redact{Fields: []string{"user"}, With: rules.WithHash, Key: "joins"}}},
			Routes: []pipeline.Route{{Name: "one", Match: pipeline.Match{Key: []pipeline.Pattern{{Glob: "x"}}}}, {Name: "rest"}},
		}
		p, _, err := read.Stages()
		if err != nil {
			return "", err
		}
		text := `{"user":"ada"}` + "\n"
		id := penstock.Identity{Bucket: "b", Key: "k", ETag: "e", Modified: time.Unix(1e9, 0)}
		reading, err := p.Read(&penstock.Object{Name: "s3://b/k", Size: int64(len(text))}, id,
			penstock.Entry{Reader: strings.NewReader(text)})
		if err != nil {
			return "", err
		}
		for s, err := range reading.Documents(0) {
			return string(s.Document.Tail), err
		}
		return "", errors.New("no document")
	}
	want, err := hashed("env:JOINS")
	if err != nil || !strings.Contains(want, `"user":"h3:`) {
		t.Fatalf("%s, %v", want, err)
	}
	got, err := hashed("ssm:/penstock/joins")
	if err != nil || got != want || asked != 1 {
		t.Errorf("got %s, %v, asked %d times; want %s after one", got, err, asked, want)
	}
	if got, err := hashed("ssm:/penstock/none"); err == nil || !strings.Contains(err.Error(), "ParameterNotFound") {
		t.Errorf("a parameter that is not there: %s, %v", got, err)
	}
}
