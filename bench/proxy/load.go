package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is a request that is sent again and again.
type load struct {
	name, head string
	body       []byte
}

func loads() []load {
	const size = 5 << 20
	return []load{
		{"GET", "GET /logs/_doc/1 HTTP/1.1\r\nHost: HOST\r\nAccept: application/json\r\n\r\n", nil},
		{"POST of 5 MiB", "POST /logs/_bulk HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/x-ndjson\r\n" +
			"Content-Length: " + strconv.Itoa(size) + "\r\n\r\n", bytes.Repeat([]byte("0123456789abcdef"), size/16)},
	}
}

// result is a round.
type result struct {
	perSecond, p50, p99 float64 // requests; milliseconds
	cpu                 float64 // milliseconds of the proxy for a request
}

// measure sends a load on all connections for a while. A wrong answer ends it.
func (p *contender) measure(ctx context.Context, l load, c config) (result, error) {
	host := p.host
	if host == "" {
		host = p.addr
	}
	head := []byte(strings.Replace(l.head, "HOST", host, 1))
	before, err := cpuOf(p.pid)
	if err != nil {
		return result{}, err
	}
	var (
		mu    sync.Mutex
		times []time.Duration
		fail  error
		wg    sync.WaitGroup
	)
	start := time.Now()
	for range c.workers {
		wg.Go(func() {
			took, err := p.connection(ctx, head, l.body, start.Add(c.duration))
			mu.Lock()
			defer mu.Unlock()
			times = append(times, took...)
			if err != nil {
				fail = err
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	after, err := cpuOf(p.pid)
	switch {
	case fail != nil:
		return result{}, fail
	case err != nil:
		return result{}, err
	case len(times) == 0:
		return result{}, fmt.Errorf("no request was answered in %s", c.duration)
	}
	slices.Sort(times)
	at := func(part float64) float64 { return times[int(part*float64(len(times)-1))].Seconds() * 1000 }
	n := float64(len(times))
	return result{n / elapsed.Seconds(), at(0.5), at(0.99), (after - before) * 1000 / n}, nil
}

// connection sends requests on one connection until the time is over.
func (p *contender) connection(
	ctx context.Context, head, body []byte, until time.Time,
) (took []time.Duration, err error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	for time.Now().Before(until) {
		start := time.Now()
		if _, err := c.Write(head); err != nil {
			return took, err
		}
		if _, err := c.Write(body); err != nil {
			return took, err
		}
		status, n, err := readAnswer(r)
		if err != nil {
			return took, err
		}
		if status != http.StatusOK || n != len(document) {
			return took, fmt.Errorf("answered %d with %d bytes", status, n)
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}

// readAnswer reads an answer and no more of it than it must, as wrk does: what the load costs is taken from the
// proxies, which share the machine with it.
func readAnswer(r *bufio.Reader) (status, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	fields := bytes.Fields(line)
	if len(fields) < 2 {
		return 0, 0, fmt.Errorf("answered %q", line)
	}
	if status, err = strconv.Atoi(string(fields[1])); err != nil {
		return 0, 0, err
	}
	length = -1
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return status, 0, err
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			break
		}
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return status, 0, err
			}
		}
	}
	if length >= 0 {
		length, err = r.Discard(length)
		return status, length, err
	}
	n, err := io.Copy(io.Discard, httputil.NewChunkedReader(r))
	if err == nil {
		_, err = r.Discard(len("\r\n"))
	}
	return status, int(n), err
}

// cpuOf is how many seconds of the processor a process has taken.
func cpuOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const user, system, ticks = 11, 12, 100
	u, err1 := strconv.ParseFloat(fields[user], 64)
	s, err2 := strconv.ParseFloat(fields[system], 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("read the times of process %d", pid)
	}
	return (u + s) / ticks, nil
}

// peakOf is the most memory that a process has had, in MB.
func peakOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024 / 1e6
		}
	}
	return 0
}
