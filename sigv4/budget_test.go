package sigv4_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/seed56735111/penstock/sigv4"
)

// Bodies beyond the memory of the budget go to files, those beyond its disk are refused, and all of it comes back.
func TestTheBodiesUnderWayStayWithinTheirBudget(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	hold, held := make(chan struct{}), make(chan struct{}, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		got = append(got, sigv4.HashPayload(body)+r.Header.Get("X-Amz-Content-Sha256"))
		mu.Unlock()
		held <- struct{}{}
		<-hold
	}))
	defer srv.Close()
	budget := &sigv4.Budget{Memory: 300 << 10, Disk: 5 << 19}
	rt := &sigv4.Transport{
		Credentials: sigv4.Static(sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}),
		Region:      "eu-west-1", Service: "es",
		Budget: budget, SpoolDir: t.TempDir(),
	}
	post := func() error {
		body := io.MultiReader(strings.NewReader(strings.Repeat("a", 1<<20)), strings.NewReader("b"))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/_bulk", body)
		if err != nil {
			return err
		}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	errs := make(chan error, 2)
	for range 2 {
		go func() { errs <- post() }()
	}
	<-held
	<-held
	memory, disk := budget.Taken()
	if memory > budget.Memory || disk > budget.Disk || disk == 0 {
		t.Errorf("two bodies of 1 MiB take %d bytes of memory and %d of disk", memory, disk)
	}
	busy := (*sigv4.BusyError)(nil)
	if err := errors.Join(post(), post()); !errors.As(err, &busy) || !busy.Temporary() {
		t.Errorf("a third and a fourth body: %v, want a *BusyError", err)
	}
	close(hold)
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, hashes := range got {
		if hashes[:64] != hashes[64:] {
			t.Errorf("a body does not have its hash: %s", hashes)
		}
	}
	rt.CloseIdleConnections()
	srv.Close()
	if memory, disk := budget.Taken(); memory != 0 || disk != 0 {
		t.Errorf("%d bytes of memory and %d of disk are still taken", memory, disk)
	}
}
