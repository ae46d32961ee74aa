package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sample is one measured run.
type sample struct {
	wall, cpu time.Duration
	rssMB     float64
	// allocs is the number of heap allocations of the process, negative when it does not say.
	allocs   float64
	requests int64
	// wire are the bytes that went over the network, body those before compression.
	wire, body int64
	// hashMB is how many MB of SHA-256 the machine did in a second before the run.
	hashMB float64
	// sum stands for the documents, in any order; of a strict pass only.
	sum uint64
	// noisy says that the machine did other work: the wait for quiet was in vain, or a fixed computation was slow.
	noisy bool
}

// server is a sink in a process of its own.
type server struct {
	url    string
	caFile string // of its certificate, when it has one
	client *http.Client
	// bucket is the address of the S3 that the corpus is in; empty when its files are read.
	bucket string
}

// startSink runs a sink.
func startSink(ctx context.Context, r row) (*server, func(), error) {
	dir, err := os.MkdirTemp("", "penstock-bench-sink-")
	if err != nil {
		return nil, nil, err
	}
	s := &server{client: http.DefaultClient}
	if r.tls {
		s.caFile = filepath.Join(dir, "ca.pem")
	}
	address, end, err := startChild(ctx, "sink", r.delay.String(), s.caFile)
	stop := func() {
		end()
		_ = os.RemoveAll(dir)
	}
	if err == nil && r.tls {
		s.client, err = trusting(s.caFile)
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	s.url = address
	return s, stop, nil
}

// startChild runs this program as one of its servants and returns the address that it listens on.
func startChild(ctx context.Context, args ...string) (string, func(), error) {
	self, err := os.Executable()
	if err != nil {
		return "", func() {}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, self, args...)
	stop := func() {
		cancel()
		_ = cmd.Wait()
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	var line string
	if err == nil {
		line, err = bufio.NewReader(out).ReadString('\n')
	}
	if err != nil {
		stop()
		return "", func() {}, fmt.Errorf("start %s: %w", args[0], err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on ")), stop, nil
}

func trusting(caFile string) (*http.Client, error) {
	text, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
	}, nil
}

// shipped is what "penstock ship --json" prints.
type shipped struct {
	Records   int64 `json:"records"`
	Delivered int64 `json:"delivered"`
	// Allocs is there when PENSTOCK_BENCH is set.
	Allocs *float64 `json:"allocs"`
}

// runOnce ships the corpus and compares what the shipper says, when it says something, with what the sink counted.
func runOnce(ctx context.Context, c config, to *server, from corpus, strict bool, command []string) (sample, error) {
	if _, err := to.ask(ctx, "/-/reset?strict="+strconv.FormatBool(strict)); err != nil {
		return sample{}, err
	}
	quiet := strict || waitQuiet(ctx, c.quiet)
	steady, hashMB := calibrate()
	s, said, err := measure(ctx, c, command)
	if err != nil {
		return sample{}, err
	}
	text, err := to.ask(ctx, "/-/received")
	if err != nil {
		return sample{}, err
	}
	var got received
	if err := json.Unmarshal(text, &got); err != nil {
		return sample{}, err
	}
	s.noisy, s.hashMB = !strict && (!quiet || !steady), hashMB
	s.requests, s.wire, s.body, s.sum = got.Requests, got.WireBytes, got.BodyBytes, got.Sum
	if said == nil {
		said = &shipped{Records: from.Records, Delivered: from.Records}
	}
	return s, verify(from, *said, got, strict)
}

// verify compares three independent counts: the generator's, the shipper's and the sink's.
func verify(from corpus, said shipped, got received, strict bool) error {
	var errs []error
	for _, n := range []struct {
		what      string
		got, want int64
	}{
		{"records read", said.Records, from.Records},
		{"records delivered", said.Delivered, from.Records},
		{"documents at the sink", got.Documents, from.Records},
		{"malformed requests", got.Malformed, 0},
		{"unsigned requests", got.Unsigned, 0},
	} {
		if n.got != n.want {
			errs = append(errs, fmt.Errorf("%s: %d, want %d", n.what, n.got, n.want))
		}
	}
	if strict && got.Unique != from.Records {
		errs = append(errs, fmt.Errorf("different ids: %d, want %d", got.Unique, from.Records))
	}
	return errors.Join(errs...)
}

// shipper is the command that ships a corpus.
func (c config) shipper(to *server, from corpus) []string {
	source := []string{from.Dir}
	if to.bucket != "" {
		source = []string{"s3://" + bucketName + "/", "--endpoint-url", to.bucket, "--path-style"}
	}
	args := append([]string{c.binary, "ship"}, source...)
	return append(append(args,
		"--ca-file", to.caFile, "--domain", to.url, "--region", "us-east-1", "--service", "es", "--json"), c.extra...)
}

// prototypeOf is the command that does the same work.
func prototypeOf(to *server, from corpus) []string {
	self, _ := os.Executable() // the sink was started with it
	return []string{self, "prototype", from.Dir, from.Format, to.url, to.caFile}
}

// environment is that of what is measured.
func (c config) environment() []string {
	return append(os.Environ(), "PENSTOCK_BENCH=1", "PENSTOCK_CPUPROFILE="+c.profile,
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=bench", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_CA_BUNDLE=")
}

// measure runs a command once. What it prints is nil when it prints nothing.
func measure(ctx context.Context, c config, command []string) (sample, *shipped, error) {
	dir, err := os.MkdirTemp("", "penstock-bench-") // dead letters would be in it
	if err != nil {
		return sample{}, nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, append(c.environment(), "PENSTOCK_DEAD_LETTERS="+dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, nil, err
	}
	peak := make(chan float64)
	done := make(chan struct{})
	go func() { peak <- watchPeak(cmd.Process.Pid, done) }()
	err = cmd.Wait()
	s := sample{wall: time.Since(start), allocs: math.NaN()}
	close(done)
	s.rssMB = <-peak
	if err != nil {
		return s, nil, fmt.Errorf("%s: %w\n%s", command[0], err, errs.String())
	}
	var said *shipped
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &said); err != nil {
			return s, nil, fmt.Errorf("summary of the shipper: %w: %s", err, out.String())
		}
	}
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if said != nil && said.Allocs != nil {
		s.allocs = *said.Allocs
	}
	if s.rssMB == 0 {
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			s.rssMB = float64(usage.Maxrss) * 1024 / 1e6
		}
	}
	return s, said, nil
}

// watchPeak follows the peak of a process's resident memory in MB until done. The kernel's rusage would count this
// program's own memory from before the exec.
func watchPeak(pid int, done <-chan struct{}) float64 {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	peak := 0.0
	for {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			if kb, err := strconv.ParseFloat(field(string(text), "VmHWM:"), 64); err == nil {
				peak = max(peak, kb*1024/1e6)
			}
		}
		select {
		case <-done:
			return peak
		case <-tick.C:
		}
	}
}

// field is the first word after a name in a file of the proc file system.
func field(text, name string) string {
	_, rest, ok := strings.Cut(text, name)
	if !ok {
		return ""
	}
	words := strings.Fields(rest)
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// waitQuiet waits until the machine was idle for a while, and reports whether it was.
func waitQuiet(ctx context.Context, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for {
		idle, total := cpuTicks()
		if total == 0 {
			return true // no such file here: nothing to wait for
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(1500 * time.Millisecond):
		}
		idle2, total2 := cpuTicks()
		if total2 > total && (idle2-idle)/(total2-total) >= 0.93 {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

func cpuTicks() (idle, total float64) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, word := range strings.Fields(line) {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			continue // the word "cpu"
		}
		total += n
		if i == 4 || i == 5 { // idle, waiting for a disk
			idle += n
		}
	}
	return idle, total
}

// calibrate runs a fixed computation five times. It reports whether they took the same time, within a fifth, and how
// many MB were hashed in a second at best.
func calibrate() (steady bool, mbps float64) {
	data := make([]byte, 5_000_000)
	_ = sha256.Sum256(data) // the first time fetches the pages
	fastest, slowest := time.Duration(math.MaxInt64), time.Duration(0)
	for range 5 {
		start := time.Now()
		_ = sha256.Sum256(data)
		d := time.Since(start)
		fastest, slowest = min(fastest, d), max(slowest, d)
	}
	return slowest <= fastest+fastest/5, float64(len(data)) / 1e6 / fastest.Seconds()
}

func (s *server) ask(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(resp.Body)
}
