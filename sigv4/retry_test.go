package sigv4_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

func TestClockOfTheServiceIsLearntFromItsRefusal(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodHead} {
		for _, ahead := range []time.Duration{20 * time.Minute, -3 * time.Hour, 2 * time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				d := newDomain()
				d.verifier.Lookup = func(context.Context, string) (sigv4.Credentials, error) { return testCredentials, nil }
				d.ahead = ahead
				transport := &sigv4.Transport{Base: d, Credentials: sigv4.Static(testCredentials)}
				r := post(t, "https://"+testHost+"/_bulk", "{}\n")
				r.Method = method
				if status, body := do(t, transport, r); status != http.StatusOK {
					t.Fatalf("%s, clock %v ahead: got %d %s", method, ahead, status, body)
				}
				want := int64(2)
				if ahead.Abs() < 5*time.Minute {
					want = 1
				}
				if n := d.requests.Load(); n != want {
					t.Errorf("%s, clock %v ahead: %d requests, want %d", method, ahead, n, want)
				}
				time.Sleep(time.Hour) // in the bubble: the difference is kept, not the time
				r = post(t, "https://"+testHost+"/_bulk", "{}\n")
				if status, _ := do(t, transport, r); status != http.StatusOK || d.requests.Load() != want+1 {
					t.Errorf("%s, clock %v ahead: the next request took %d", method, ahead, d.requests.Load()-want)
				}
			})
		}
	}
}

func TestRefusedTimeIsTriedOnceMoreOnly(t *testing.T) {
	t.Parallel()
	const sentence = `{"message":"Signature expired: a is now earlier than b (c - 5 min.)"}`
	requests := 0
	base := roundTrip(func(r *http.Request) (*http.Response, error) {
		requests++
		r.Body.Close()
		later := time.Now().Add(time.Hour * time.Duration(requests))
		return &http.Response{
			StatusCode: http.StatusForbidden,
			Body:       io.NopCloser(strings.NewReader(sentence)),
			Header:     http.Header{"Date": {later.UTC().Format(http.TimeFormat)}},
		}, nil
	})
	transport := &sigv4.Transport{Credentials: sigv4.Static(testCredentials), Base: base}
	status, body := do(t, transport, post(t, "https://"+testHost+"/", "{}"))
	if status != http.StatusForbidden || body != sentence || requests != 2 {
		t.Errorf("got %d %q after %d requests, want the refusal after 2", status, body, requests)
	}
}

func TestOtherRefusalsAreTheCallersWithTheirBody(t *testing.T) {
	t.Parallel()
	long := `{"Message":"` + strings.Repeat("no ", 5000) + `"}`
	for _, status := range []int{403, 401, 429, 500, 503} {
		requests := 0
		base := roundTrip(func(r *http.Request) (*http.Response, error) {
			requests++
			r.Body.Close()
			return &http.Response{
				StatusCode: status,
				Body:       io.NopCloser(strings.NewReader(long)),
				Header:     http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}},
			}, nil
		})
		transport := &sigv4.Transport{Credentials: sigv4.Static(testCredentials), Base: base}
		got, body := do(t, transport, post(t, "https://"+testHost+"/", "{}"))
		if got != status || body != long || requests != 1 {
			t.Errorf("%d: got %d after %d requests, %d bytes of %d", status, got, requests, len(body), len(long))
		}
	}
}

// cachingProvider gives a session until it is told to forget it.
type cachingProvider struct {
	sessions    []sigv4.Credentials
	invalidated int
}

func (p *cachingProvider) Credentials(context.Context) (sigv4.Credentials, error) {
	return p.sessions[min(p.invalidated, len(p.sessions)-1)], nil
}

func (p *cachingProvider) Invalidate() { p.invalidated++ }

func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fresh := sigv4.Credentials{AccessKeyID: "ASIAFRESH", SecretAccessKey: "s2", SessionToken: "t2"}
		stale := sigv4.Credentials{AccessKeyID: "ASIASTALE", SecretAccessKey: "s1", SessionToken: "t1"}
		d := newDomain()
		d.verifier.Lookup = func(_ context.Context, id string) (sigv4.Credentials, error) {
			if id == fresh.AccessKeyID {
				return fresh, nil
			}
			c := stale
			c.Expires = time.Now().Add(-time.Minute) // only the service knows
			return c, nil
		}
		provider := &cachingProvider{sessions: []sigv4.Credentials{stale, fresh}}
		transport := &sigv4.Transport{Base: d, Credentials: provider}
		if status, body := do(t, transport, post(t, "https://"+testHost+"/_bulk", "{}\n")); status != http.StatusOK ||
			d.requests.Load() != 2 {
			t.Errorf("got %d %s after %d requests", status, body, d.requests.Load())
		}
		// A revoked key or session is unknown to the service.
		for _, sentence := range []string{
			"The security token included in the request is invalid.", "The security token included in the request is invalid",
		} {
			requests := 0
			transport = &sigv4.Transport{
				Credentials: &cachingProvider{sessions: []sigv4.Credentials{stale, fresh}},
				Base: roundTrip(func(r *http.Request) (*http.Response, error) {
					requests++
					r.Body.Close()
					status, answer := http.StatusForbidden, `{"message":"`+sentence+`"}`
					if strings.Contains(r.Header.Get("Authorization"), fresh.AccessKeyID) {
						status, answer = http.StatusOK, ""
					}
					return &http.Response{
						StatusCode: status, Body: io.NopCloser(strings.NewReader(answer)), Header: http.Header{},
					}, nil
				}),
			}
			if status, body := do(t, transport, post(t, "https://"+testHost+"/_bulk", "{}\n")); status != http.StatusOK ||
				requests != 2 {
				t.Errorf("%q: got %d %s after %d requests", sentence, status, body, requests)
			}
		}
		// Without another session there is nothing to try.
		d.requests.Store(0)
		transport = &sigv4.Transport{Base: d, Credentials: &cachingProvider{sessions: []sigv4.Credentials{stale}}}
		status, body := do(t, transport, post(t, "https://"+testHost+"/_bulk", "{}\n"))
		if status != http.StatusForbidden || !strings.Contains(body, "is expired") || d.requests.Load() != 1 {
			t.Errorf("got %d %s after %d requests, want the refusal after one", status, body, d.requests.Load())
		}
		// A provider whose every session is refused is asked once more, not for ever.
		d.requests.Store(0)
		transport = &sigv4.Transport{Base: d, Credentials: &cachingProvider{sessions: []sigv4.Credentials{
			stale,
			{AccessKeyID: "ASIASTALE2", SecretAccessKey: stale.SecretAccessKey, SessionToken: stale.SessionToken},
			{AccessKeyID: "ASIASTALE3", SecretAccessKey: stale.SecretAccessKey, SessionToken: stale.SessionToken},
		}}}
		if status, _ := do(t, transport, post(t, "https://"+testHost+"/_bulk", "{}\n")); status != http.StatusForbidden ||
			d.requests.Load() != 2 {
			t.Errorf("got %d after %d requests, want the refusal after two", status, d.requests.Load())
		}
		// Credentials with an Expires in the past are not sent.
		stale.Expires = time.Now()
		d.requests.Store(0)
		transport = &sigv4.Transport{Base: d, Credentials: &cachingProvider{sessions: []sigv4.Credentials{stale}}}
		err := failure(transport, post(t, "https://"+testHost+"/", ""))
		if !errors.Is(err, sigv4.ErrExpiredCredentials) || d.requests.Load() != 0 {
			t.Errorf("got %v after %d requests", err, d.requests.Load())
		}
		transport = &sigv4.Transport{Base: d, Credentials: &cachingProvider{sessions: []sigv4.Credentials{stale, fresh}}}
		if status, _ := do(t, transport, post(t, "https://"+testHost+"/", "")); status != http.StatusOK {
			t.Errorf("a provider that can renew: got %d", status)
		}
	})
}
