package sigv4_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/sigv4"
)

// A body that is kept is read before it is sent, sent whole with the hash that it has, and gives back what it took.
func TestABodyThatIsKeptIsReadAndThenSent(t *testing.T) {
	t.Parallel()
	type arrival struct{ body, hash string }
	arrived := make(chan arrival, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- arrival{string(body), r.Header.Get("X-Amz-Content-Sha256")}
	}))
	defer srv.Close()
	budget := &sigv4.Budget{Memory: 400 << 10, Disk: 2 << 20}
	rt := &sigv4.Transport{
		Credentials: sigv4.Static(sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}),
		Region:      "eu-west-1", Service: "es",
	}
	keeper := &sigv4.Keeper{Budget: budget, MaxBody: 3 << 20, Dir: t.TempDir()}
	for _, size := range []int{0, 1, 5000, 1 << 20} {
		want := strings.Repeat("x", size)
		body := io.MultiReader(strings.NewReader(want)) // of no length that is known
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/x", body)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := keeper.Keep(req)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			rc, err := kept.Open()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(rc); err != nil || string(got) != want {
				t.Errorf("%d bytes are kept as %d, %v", size, len(got), err)
			}
			_ = rc.Close()
		}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		hash := sigv4.HashPayload([]byte(want))
		if size == 0 {
			hash = "" // it goes without saying
		}
		if got := <-arrived; got.body != want || got.hash != hash {
			t.Errorf("%d bytes arrive as %d with the hash %s", size, len(got.body), got.hash)
		}
		_ = kept.Close()
	}
	req, _ := http.NewRequest(http.MethodPost, srv.URL, strings.NewReader(strings.Repeat("x", 5<<19)))
	var busy *sigv4.BusyError
	if _, err := keeper.Keep(req); !errors.As(err, &busy) {
		t.Errorf("more than there is room for: %v", err)
	}
	req, _ = http.NewRequest(http.MethodPost, srv.URL, strings.NewReader(strings.Repeat("x", 4<<20)))
	var large *sigv4.BodyTooLargeError
	if _, err := keeper.Keep(req); !errors.As(err, &large) {
		t.Errorf("more than the bound: %v", err)
	}
	rt.CloseIdleConnections()
	srv.Close()
	if memory, disk := budget.Taken(); memory != 0 || disk != 0 {
		t.Errorf("%d bytes of memory and %d of disk stay taken", memory, disk)
	}
}
