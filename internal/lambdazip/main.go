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
	version := flag.String("version", "", "version that the binary announces")
	flag.Parse()
	if err := run(context.Background(), *arch, *out, *version); err != nil {
		fmt.Fprintln(os.Stderr, "lambdazip:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arch, out, version string) error {
	binary, err := build(ctx, arch, version)
	if err != nil {
		return err
	}
	packed, err := pack(binary)
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
func build(ctx context.Context, arch, version string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "lambdazip-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "bootstrap")
	const pkg = "github.com/seed56735111/penstock"
	//nolint:gosec // the version is a word on our own command line
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-pgo", filepath.Join("cmd", "penstock", "default.pgo"),
		"-ldflags", "-s -w -buildid= -X "+pkg+"/internal/version.linked="+version, "-o", binary, pkg+"/cmd/penstock-lambda")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=-mod=readonly")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("build for linux/%s: %w", arch, err)
	}
	return os.ReadFile(binary)
}

// pack writes the zip file. The time is the earliest that the format knows.
func pack(binary []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(binary); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
