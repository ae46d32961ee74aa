package proxy_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/proxy"
)

// Many clients at once, some of which break off in the middle: the others get the answer to their own request, and
// nothing stays taken.
func TestManyClientsEachGetTheirOwnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.Idle = 5 * time.Second }, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(rw, "%s %s", r.RequestURI, r.Header.Get("X-Amz-Content-Sha256"))
	})
	const clients, calls = 100, 10
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	t.Cleanup(client.CloseIdleConnections)
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			for i := range calls {
				if n%10 == 0 {
					breakOff(w.addr)
					continue
				}
				target, body := fmt.Sprintf("/x%d/_doc/%d%%2F", n, i), bytes.Repeat([]byte{byte(n)}, 100*(i+1)+n)
				resp, err := client.Post("http://"+w.addr+target, "application/json", bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if want := fmt.Sprintf("%s %x", target, sha256.Sum256(body)); err != nil || string(got) != want {
					t.Errorf("answered %s %q, %v; want %q", resp.Status, got, err, want)
				}
			}
		})
	}
	wg.Wait()
	for _, r := range w.requests() {
		if r.trust != nil {
			t.Errorf("%s arrived with a signature that does not hold: %v", r.target, r.trust)
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		memory, disk := w.budget.Taken()
		if memory == 0 && disk == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes of memory and %d of disk stay taken", memory, disk)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// breakOff sends a part of a request and resets the connection.
func breakOff(addr string) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	_, _ = io.WriteString(c, "POST /x/_bulk HTTP/1.1\r\nHost: "+addr+"\r\nContent-Length: 100000\r\n\r\n"+
		strings.Repeat("x", 5000))
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
