// Command lambdazip builds the package of the Lambda function: a zip file with the binary, named bootstrap, which is
// the same byte for byte whenever and wherever it is built from the same source with the same version of Go.
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() {
	arch := flag.String("arch", "arm64", "arm64 or amd64")
	out := flag.String("o", "bin/lambda.zip", "file to write")
	var b about
	flag.StringVar(&b.version, "version", "", "version that the binary announces")
	flag.StringVar(&b.commit, "commit", "", "commit that the binary announces")
	flag.StringVar(&b.date, "date", "", "date of the commit")
	var with []string
	flag.Func("with", "file that goes into the package beside the binary", func(file string) error {
		with = append(with, file)
		return nil
	})
	flag.Parse()
	if err := run(context.Background(), *arch, *out, b, with); err != nil {
		fmt.Fprintln(os.Stderr, "lambdazip:", err)
		os.Exit(1)
	}
}

// about is what the binary says of itself.
type about struct{ version, commit, date string }

func run(ctx context.Context, arch, out string, b about, with []string) error {
	binary, err := build(ctx, arch, b)
	if err != nil {
		return err
	}
	packed, err := pack(binary, with)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(out, packed, 0o600); err != nil {
		return err
	}
	_, err = fmt.Printf("%s: linux/%s, %d bytes, %d unpacked, sha256 %x\n", out, arch, len(packed), len(binary),
		sha256.Sum256(packed))
	return err
}

// build compiles the function with the profile of the whole program, and without anything that tells one machine or
// check-out from another.
func build(ctx context.Context, arch string, b about) ([]byte, error) {
	dir, err := os.MkdirTemp("", "lambdazip-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "bootstrap")
	const pkg = "github.com/seed56735111/penstock"
	const linked = " -X " + pkg + "/internal/version.linked"
	//nolint:gosec // words on our own command line
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-pgo", filepath.Join("cmd", "penstock", "default.pgo"),
		"-ldflags", "-s -w -buildid="+linked+"="+b.version+linked+"Commit="+b.commit+linked+"Date="+b.date,
		"-o", binary, pkg+"/cmd/penstock-lambda")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=-mod=readonly")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("build for linux/%s: %w", arch, err)
	}
	return os.ReadFile(binary)
}

// pack writes the zip file: the binary, and more files under their names. The time is the earliest that the format
// knows.
func pack(binary []byte, with []string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	if err := add(w, "bootstrap", 0o755, binary); err != nil {
		return nil, err
	}
	for _, file := range with {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := add(w, filepath.Base(file), 0o644, data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func add(w *zip.Writer, name string, mode os.FileMode, data []byte) error {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(mode)
	f, err := w.CreateHeader(h)
	if err == nil {
		_, err = f.Write(data)
	}
	return err
}
