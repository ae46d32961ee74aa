package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// vcpuMemory is the memory, in MB, with which Lambda gives a function one vCPU.
const vcpuMemory = 1769

// functionRow is what the function reads: one object.
func functionRow() row {
	return row{name: "function", title: "the function at one vCPU", of: contents{"alb", 1, false}}
}

// measureFunction runs the function on one object with the time of one processor, as information.
func (c config) measureFunction(ctx context.Context, t *table) error {
	group, remove, err := oneCPU()
	if err != nil {
		t.function = "The function at one vCPU was not measured: " + err.Error()
		return nil // this machine does not let it be measured
	}
	defer remove()
	dir, err := os.MkdirTemp("", "penstock-bench-function-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bootstrap := filepath.Join(dir, "bootstrap")
	build := exec.CommandContext(ctx, "go", "build", "-C", "..", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w",
		"-o", bootstrap, "./cmd/penstock-lambda")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, text)
	}
	r := functionRow()
	from, err := makeCorpus(c.cache, r.of, c.records(r)/5)
	if err != nil {
		return err
	}
	to, stop, err := startSink(ctx, r)
	if err != nil {
		return err
	}
	defer stop()
	address, stopBucket, err := startChild(ctx, "bucket", from.Dir, "0s")
	if err != nil {
		return err
	}
	defer stopBucket()
	var mbps, memory, first []float64
	for range c.rounds {
		waitQuiet(ctx, c.quiet)
		// The shell puts itself and what it becomes into the group.
		cmd := exec.CommandContext(ctx, "sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, group,
			c.binary, "invoke", "--binary", bootstrap, "--memory", strconv.Itoa(vcpuMemory),
			"--s3", "s3://"+bucketName+"/"+r.of.objectName(0),
			"--env", "PENSTOCK_DOMAIN="+to.url, "--env", "PENSTOCK_ENDPOINT_URL="+address, "--env", "PENSTOCK_PATH_STYLE=true",
			"--env", "PENSTOCK_DEAD_LETTERS="+filepath.Join(dir, "letters"))
		cmd.Env = c.environment()
		text, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("invoke: %w\n%s", err, text)
		}
		duration, most, begun, err := reported(string(text))
		if err != nil {
			return err
		}
		mbps, memory = append(mbps, float64(from.Bytes)/1e3/duration), append(memory, most)
		first = append(first, begun)
	}
	t.function = fmt.Sprintf("The function at one vCPU, an ALB object of %.0f MB in S3 (the group of processes has one "+
		"processor's time): %.0f MB/s, %.0f MB of memory, first start %.1f ms", float64(from.Bytes)/1e6,
		median(mbps), median(memory), median(first))
	return nil
}

// reported reads the last REPORT line: milliseconds, MB, and milliseconds of the first start.
func reported(text string) (duration, memory, first float64, err error) {
	m := regexp.MustCompile(`Duration: ([\d.]+) ms.*Max Memory Used: (\d+) MB\s+Init Duration: ([\d.]+) ms`).
		FindStringSubmatch(text)
	if m == nil {
		return 0, 0, 0, fmt.Errorf("no REPORT line in %q", text)
	}
	var figures [3]float64
	for i := range figures {
		if figures[i], err = strconv.ParseFloat(m[i+1], 64); err != nil {
			return 0, 0, 0, err
		}
	}
	return figures[0], figures[1], figures[2], nil
}

// oneCPU makes a control group whose processes have the time of one processor, by version 2 or version 1.
func oneCPU() (dir string, remove func(), err error) {
	const root = "/sys/fs/cgroup"
	for _, kind := range []struct{ parent, file, text string }{
		{root, "cpu.max", "100000 100000"},
		{filepath.Join(root, "cpu"), "cpu.cfs_quota_us", "100000"},
	} {
		dir = filepath.Join(kind.parent, "penstock-bench-"+strconv.Itoa(os.Getpid()))
		if err := os.Mkdir(dir, 0o750); err != nil {
			continue
		}
		quota := filepath.Join(dir, kind.file)
		if _, err := os.Stat(quota); err == nil && os.WriteFile(quota, []byte(kind.text), 0o600) == nil {
			return dir, func() { _ = os.Remove(dir) }, nil
		}
		_ = os.Remove(dir)
	}
	return "", nil, errors.New("no control group's " + strings.Join([]string{"cpu.max", "cpu.cfs_quota_us"}, " or ") +
		" can be written here")
}
