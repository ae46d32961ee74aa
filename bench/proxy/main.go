// Command proxy measures the signing proxy beside the design that most of its kind have: httputil.ReverseProxy on
// http.DefaultTransport as it comes (two idle connections to a host, no pool of buffers), the signer of the AWS SDK,
// and bodies that are read whole in both directions.
//
//	go run -C bench ./proxy                  rounds of GET and of POST of 5 MiB, 16 connections, against the targets
//	go run -C bench ./proxy -only POST -- --body-memory 96MiB     anything after -- goes to "penstock proxy"
//	SIGV4_PROXY=/usr/bin/aws-sigv4-proxy go run -C bench ./proxy      that program beside them
//
// Domain, proxies and load are processes of their own; all share the machine, and rounds take turns, so that ratios
// say more than rates.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	var err error
	switch role := strings.Join(os.Args[1:], " "); {
	case role == "domain":
		err = serve(http.HandlerFunc(answer))
	case strings.HasPrefix(role, "reference "):
		var h http.Handler
		if h, err = reference(os.Args[2]); err == nil {
			err = serve(h)
		}
	default:
		err = bench(context.Background(), os.Args[1:], os.Stdout)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// contender is a proxy that is measured.
type contender struct {
	name    string
	command []string
	host    string // what requests name in their Host header; the address when empty
	addr    string
	pid     int
	stop    func()
	results map[string][]result // by kind of load
}

type config struct {
	binary   string
	duration time.Duration
	rounds   int
	workers  int
	only     string
	extra    []string // for "penstock proxy"
}

func bench(ctx context.Context, args []string, out io.Writer) error {
	c := config{}
	f := flag.NewFlagSet("proxy", flag.ContinueOnError)
	f.StringVar(&c.binary, "penstock", "../bin/penstock", "the program that is measured")
	f.DurationVar(&c.duration, "duration", 5*time.Second, "length of a round")
	f.IntVar(&c.rounds, "rounds", 5, "rounds of each, of which the median counts")
	f.IntVar(&c.workers, "connections", 16, "connections of the load")
	f.StringVar(&c.only, "only", "", "the load that is sent: GET or POST; both when empty")
	if err := f.Parse(args); err != nil {
		return err
	}
	c.extra = f.Args()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	domain := &contender{name: "domain", command: []string{self, "domain"}}
	if err := domain.start(ctx); err != nil {
		return err
	}
	defer domain.stop()
	dir, err := os.MkdirTemp("", "penstock-bench-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	url := "http://" + domain.addr
	ours := []string{c.binary, "proxy", "--domain", url, "--listen", "127.0.0.1:0", "--log-level", "error"}
	ours = append(ours, c.extra...)
	all := []*contender{
		{name: referenceName, command: []string{self, "reference", url}},
		{name: "penstock", command: ours},
		{name: "penstock, audit and metrics", command: append(slices.Clone(ours), "--admin-listen", "127.0.0.1:0",
			"--audit", filepath.Join(dir, "audit.jsonl"))},
	}
	if binary := os.Getenv("SIGV4_PROXY"); binary != "" {
		all = append(all, &contender{
			name: "aws-sigv4-proxy", host: domain.addr, addr: "127.0.0.1:18099",
			command: []string{
				binary, "--port", "127.0.0.1:18099", "--name", "es", "--region", "eu-west-1",
				"--upstream-url-scheme", "http", "--host", domain.addr,
			},
		})
	}
	for _, p := range all {
		if err := p.start(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		defer p.stop()
		p.results = map[string][]result{}
	}
	sent := slices.DeleteFunc(loads(), func(l load) bool { return !strings.HasPrefix(l.name, c.only) })
	for _, l := range sent {
		for round := range c.rounds {
			for i := range all {
				p := all[(i+round)%len(all)] // who is first takes turns
				r, err := p.measure(ctx, l, c)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", p.name, l.name, err)
				}
				p.results[l.name] = append(p.results[l.name], r)
			}
		}
	}
	return report(out, sent, all)
}

// start runs a program until stop is called. One that does not name its address was given one.
func (p *contender) start(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.pid = cmd.Process.Pid
	p.stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // shells have their background jobs ignore interrupts
		_ = cmd.Wait()
	}
	if p.addr != "" {
		time.Sleep(time.Second)
		return nil
	}
	first, _ := bufio.NewReader(out).ReadString('\n')
	var ok bool
	if p.addr, ok = strings.CutPrefix(strings.TrimSpace(first), "listening on http://"); !ok {
		p.stop()
		return fmt.Errorf("%s says %q: %s", p.command[0], first, log.String())
	}
	return nil
}
