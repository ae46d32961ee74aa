package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/proxy"
	"github.com/seed56735111/penstock/sigv4"
)

var (
	soakClients = flag.Int("soak-clients", 60, "clients at once of TestSoak")
	soakTime    = flag.Duration("soak", 2*time.Second, "how long TestSoak runs")
	soakSeed    = flag.Uint64("soak-seed", 0, "the seed of TestSoak; a new one when 0")
)

// rotating are credentials that end every now and then. The domain takes the last two: requests are under way when they
// change.
type rotating struct {
	epoch atomic.Int64
}

func epochKeys(epoch int64) sigv4.Credentials {
	return sigv4.Credentials{
		AccessKeyID: fmt.Sprintf("ASIA%d", epoch), SecretAccessKey: fmt.Sprint("secret-", epoch),
		SessionToken: fmt.Sprint("token-", epoch),
	}
}

// Credentials implements sigv4.Provider.
func (r *rotating) Credentials(context.Context) (sigv4.Credentials, error) {
	return epochKeys(r.epoch.Load()), nil
}

func (r *rotating) lookup(_ context.Context, id string) (sigv4.Credentials, error) {
	epoch, err := strconv.ParseInt(strings.TrimPrefix(id, "ASIA"), 10, 64)
	if now := r.epoch.Load(); err != nil || epoch > now || epoch < now-1 {
		return sigv4.Credentials{}, errors.New("no such key")
	}
	return epochKeys(epoch), nil
}

// Clients come and go, reset and stall, and credentials change, while others go on: each answer is the one to its
// request, and in the end no goroutine, no descriptor and no room for bodies is taken. `make soak` runs it with 1,000
// clients for a minute.
func TestSoak(t *testing.T) { //nolint:paralleltest // it counts the goroutines of the process
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d: go test ./proxy -run TestSoak -soak-seed %d -soak-clients %d -soak %s", seed, seed, *soakClients,
		*soakTime)
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors(t)
	// Clients that stall are thrown out, and those that only wait for their turn on a busy machine are not.
	idle := max(*soakTime/10, 2*time.Second)
	keys := &rotating{}
	verifier := &sigv4.Verifier{Region: "eu-west-1", Service: "es", Lookup: keys.lookup}
	var refused atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		_, err := io.Copy(sum, r.Body)
		if err != nil {
			return
		}
		if _, err := verifier.VerifyHash(r, [sha256.Size]byte(sum.Sum(nil))); err != nil {
			refused.Add(1)
			http.Error(w, `{"message":"The security token included in the request is expired"}`, http.StatusForbidden)
			return
		}
		_, _ = fmt.Fprintf(w, "%s %x\n", r.RequestURI, sum.Sum(nil))
		if strings.Contains(r.RequestURI, "long") {
			for range 200 {
				_, _ = io.WriteString(w, strings.Repeat("x", 1<<10))
			}
		}
	}))
	base := domain.NewTransport(domain.TransportConfig{MaxInFlight: 128})
	budget := &sigv4.Budget{Memory: 8 << 20, Disk: 64 << 20, AtOnce: 2 << 20}
	p, err := proxy.New(proxy.Config{
		Domain: upstream.URL, Idle: idle, Logger: slog.New(slog.DiscardHandler),
		Transport: &sigv4.Transport{
			Base: base, Credentials: keys, Region: "eu-west-1", Service: "es", Budget: budget, SpoolDir: t.TempDir(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(p)
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	front.Start()
	ctx, cancel := context.WithTimeout(t.Context(), *soakTime)
	defer cancel()
	var (
		wg                   sync.WaitGroup
		answers, busy, broke atomic.Int64
		client               = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *soakClients}}
	)
	wg.Go(func() {
		for ctx.Err() == nil {
			select {
			// The proxy signs a request anew once, so on a busy machine it must not meet two changes of keys.
			case <-time.After(max(*soakTime/10, 500*time.Millisecond)):
				keys.epoch.Add(1)
			case <-ctx.Done():
			}
		}
	})
	for n := range *soakClients {
		random := rand.New(rand.NewPCG(seed, uint64(n)))
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				switch random.IntN(10) {
				case 0:
					breakOff(front.Listener.Addr().String())
					broke.Add(1)
				case 1:
					stall(ctx, front.Listener.Addr().String(), random, 2*idle)
					broke.Add(1)
				default:
					body := bytes.Repeat([]byte{byte(n)}, random.IntN(64<<10))
					target := fmt.Sprintf("/x%d/_doc/%d%%2F%s", n, i, []string{"", "", "long"}[random.IntN(3)])
					status, line, err := ask(client, front.URL+target, body)
					want := fmt.Sprintf("%s %x\n", target, sha256.Sum256(body))
					switch {
					case err == nil && status == http.StatusOK && line == want:
						answers.Add(1)
					case err == nil && status == http.StatusTooManyRequests:
						busy.Add(1)
					default:
						t.Errorf("answered %d %q, %v; want %q", status, line, err, want)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
	front.Close()
	base.CloseIdleConnections()
	upstream.Close()
	t.Logf("%d right answers, %d told to come again, %d broke off or stalled, %d keys, %d refused and mended",
		answers.Load(), busy.Load(), broke.Load(), keys.epoch.Load(), refused.Load())
	if answers.Load() < int64(*soakClients) || broke.Load() == 0 || keys.epoch.Load() < 3 {
		t.Error("too little happened for this to show anything")
	}
	memory, disk := budget.Taken()
	deadline := time.Now().Add(10 * time.Second)
	for {
		g, d := runtime.NumGoroutine(), openDescriptors(t)
		if g <= goroutines+2 && d <= descriptors+2 && memory == 0 && disk == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines of %d, %d descriptors of %d, %d bytes of memory and %d of disk stay taken",
				g, goroutines, d, descriptors, memory, disk)
		}
		time.Sleep(20 * time.Millisecond)
		memory, disk = budget.Taken()
	}
}

// ask sends a body and returns the first line of the answer, of which it reads all.
func ask(client *http.Client, url string, body []byte) (status int, line string, err error) {
	resp, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	if want := 200 << 10; err == nil && resp.StatusCode == http.StatusOK && strings.HasSuffix(url, "long") &&
		len(rest) != want {
		err = fmt.Errorf("%d bytes behind the first line, want %d", len(rest), want)
	}
	return resp.StatusCode, string(first) + "\n", err
}

// stall sends a part of a request, or takes a part of an answer, and is silent until it is thrown out.
func stall(ctx context.Context, addr string, random *rand.Rand, longest time.Duration) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	if random.IntN(2) == 0 {
		_, _ = io.WriteString(c, "POST /x/_bulk HTTP/1.1\r\nHost: "+addr+"\r\nContent-Length: 100000\r\n\r\n{")
		_ = c.SetReadDeadline(time.Now().Add(longest))
		_, _ = io.Copy(io.Discard, c)
		return
	}
	_, _ = io.WriteString(c, "GET /long HTTP/1.1\r\nHost: "+addr+"\r\n\r\n")
	_, _ = bufio.NewReader(c).ReadString('\n')
	select {
	case <-time.After(time.Duration(random.IntN(600)) * time.Millisecond):
	case <-ctx.Done():
	}
}

// openDescriptors counts the descriptors of this process, where the system tells.
func openDescriptors(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(files)
}
