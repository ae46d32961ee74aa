// Command clients sends requests with one of the Go clients that sign for Amazon OpenSearch Service.
//
//	clients CLIENT < {"endpoint":…, "region":…, "requests":[{"method":…, "target":…, "body":…}]}
//
// Also "service", es without, and "headers" of a request, by name. Credentials come from the usual variables. It prints
// [{"status":…, "body":…}]. It is a module of its own, so that the clients stay out of penstock's.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/elastic/go-elasticsearch/v7"
	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/signer/awsv2"

	"github.com/seed56735111/penstock/sigv4"
)

type request struct {
	Method  string            `json:"method"`
	Target  string            `json:"target"`
	Body    string            `json:"body"`
	Headers map[string]string `json:"headers"`
}

type given struct {
	Endpoint string    `json:"endpoint"`
	Region   string    `json:"region"`
	Service  string    `json:"service"`
	Requests []request `json:"requests"`
}

type answer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// performer is what all of the clients offer below their API: send this request.
type performer interface {
	Perform(*http.Request) (*http.Response, error)
}

type performFunc func(*http.Request) (*http.Response, error)

func (f performFunc) Perform(r *http.Request) (*http.Response, error) { return f(r) }

var keys = sigv4.Credentials{
	AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
	SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
}

func transport(g given) *sigv4.Transport {
	return &sigv4.Transport{
		Region: g.Region, Service: g.Service,
		Credentials: sigv4.ProviderFunc(func(context.Context) (sigv4.Credentials, error) { return keys, nil }),
	}
}

// clients are the programs that people sign with.
var clients = map[string]func(g given) (performer, error){
	"aws-sdk-go-v2": func(g given) (performer, error) {
		c := aws.Credentials{
			AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey, SessionToken: keys.SessionToken,
		}
		signer := v4.NewSigner()
		return performFunc(func(r *http.Request) (*http.Response, error) {
			var body []byte
			if r.Body != nil {
				var err error
				if body, err = io.ReadAll(r.Body); err != nil {
					return nil, err
				}
				r.Body = io.NopCloser(strings.NewReader(string(body)))
			}
			sum := sha256.Sum256(body)
			hash := hex.EncodeToString(sum[:])
			if err := signer.SignHTTP(r.Context(), c, r, hash, g.Service, g.Region, time.Now()); err != nil {
				return nil, err
			}
			return http.DefaultTransport.RoundTrip(r)
		}), nil
	},
	"opensearch-go": func(g given) (performer, error) {
		signer, err := awsv2.NewSignerWithService(aws.Config{
			Region:      g.Region,
			Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
		}, g.Service)
		if err != nil {
			return nil, err
		}
		return opensearch.NewClient(opensearch.Config{Addresses: []string{g.Endpoint}, Signer: signer, DisableRetry: true})
	},
	"opensearch-go with sigv4.RequestSigner": func(g given) (performer, error) {
		signer := &sigv4.RequestSigner{
			Signer: sigv4.Signer{Region: g.Region, Service: g.Service}, Credentials: transport(g).Credentials,
		}
		return opensearch.NewClient(opensearch.Config{
			Addresses: []string{g.Endpoint}, Signer: signer, DisableRetry: true,
		})
	},
	"opensearch-go with sigv4.Transport": func(g given) (performer, error) {
		return opensearch.NewClient(opensearch.Config{
			Addresses: []string{g.Endpoint}, Transport: transport(g), DisableRetry: true,
		})
	},
	"go-elasticsearch with sigv4.Transport": func(g given) (performer, error) {
		return elasticsearch.NewClient(elasticsearch.Config{
			Addresses: []string{g.Endpoint}, Transport: transport(g), DisableRetry: true,
		})
	},
	"net/http unsigned": func(given) (performer, error) { return performFunc(http.DefaultClient.Do), nil },
	"opensearch-go unsigned": func(g given) (performer, error) {
		return opensearch.NewClient(opensearch.Config{Addresses: []string{g.Endpoint}, DisableRetry: true})
	},
	"go-elasticsearch unsigned": func(g given) (performer, error) {
		return elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{g.Endpoint}, DisableRetry: true})
	},
	"net/http with sigv4.Transport": func(g given) (performer, error) {
		client := &http.Client{Transport: transport(g)}
		return performFunc(client.Do), nil
	},
}

func main() {
	var g given
	if err := json.NewDecoder(os.Stdin).Decode(&g); err != nil {
		fail(err)
	}
	if g.Service == "" {
		g.Service = "es"
	}
	newClient, ok := clients[os.Args[1]]
	if !ok {
		fail(fmt.Errorf("no client is called %q", os.Args[1]))
	}
	client, err := newClient(g)
	if err != nil {
		fail(err)
	}
	answers := []answer{}
	for _, r := range g.Requests {
		answers = append(answers, send(client, g.Endpoint, r))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}

func send(client performer, endpoint string, r request) answer {
	var body io.Reader
	if r.Body != "" {
		body = strings.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(context.Background(), r.Method, endpoint+r.Target, body)
	if err != nil {
		return answer{Body: err.Error()}
	}
	if r.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.Headers {
		req.Header.Set(name, value)
	}
	resp, err := client.Perform(req)
	if err != nil {
		return answer{Body: err.Error()}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{Body: err.Error()}
	}
	return answer{resp.StatusCode, string(text)}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "clients:", err)
	os.Exit(1)
}
