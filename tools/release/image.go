package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// nobody is the user that images run as when nobody else is asked for.
const nobody = 65532

// image writes the container image for Linux, for both processors, as an OCI archive.
func image(_ context.Context, r *release) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, processor := range processors {
		img, err := r.imageFor(processor)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img,
			Descriptor: v1.Descriptor{
				MediaType: types.OCIManifestSchema1, Platform: &v1.Platform{OS: "linux", Architecture: processor},
			},
		})
	}
	dir, err := os.MkdirTemp("", "penstock-image-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	name := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": r.version})
	if err := path.AppendIndex(index, name); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := pack(&b, dir, r.date); err != nil {
		return err
	}
	return write(filepath.Join(r.dist, "penstock_"+r.version+"_image.tar"), b.Bytes())
}

// imageFor is the image for one processor.
func (r *release) imageFor(processor string) (v1.Image, error) {
	content, err := r.files(processor)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.Append(img, mutate.Addendum{
		Layer: layer, History: v1.History{Created: v1.Time{Time: r.date}, CreatedBy: "penstock " + r.version},
	})
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", processor, v1.Time{Time: r.date}
	config.Config = v1.Config{
		User: fmt.Sprintf("%d:%d", nobody, nobody), WorkingDir: "/work", Entrypoint: []string{"/usr/bin/penstock"},
		Env: []string{"PATH=/usr/bin", "HOME=/work"},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "penstock",
			"org.opencontainers.image.version":  r.version,
			"org.opencontainers.image.revision": r.commit,
			"org.opencontainers.image.created":  r.date.Format(time.RFC3339),
			"org.opencontainers.image.source":   home,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return mutate.ConfigFile(img, config)
}

// files is the file system of the image: the program, which is static and has the time zones in it, the roots of trust
// that Mozilla keeps, and a place to write to.
func (r *release) files(processor string) ([]byte, error) {
	program, err := r.program("linux/" + processor)
	if err != nil {
		return nil, err
	}
	var roots bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil { // which a file of roots cannot say
			continue
		}
		if err := pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	people := fmt.Sprintf("root:x:0:0:root:/:/sbin/nologin\npenstock:x:%d:%d:penstock:/work:/sbin/nologin\n",
		nobody, nobody)
	groups := fmt.Sprintf("root:x:0:\npenstock:x:%d:\n", nobody)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	var errs []error
	add := func(name string, mode int64, owner int, data []byte) {
		h := &tar.Header{
			Name: name, Mode: mode, Uid: owner, Gid: owner, Size: int64(len(data)), ModTime: r.date, Format: tar.FormatPAX,
			Typeflag: tar.TypeReg,
		}
		if strings.HasSuffix(name, "/") {
			h.Typeflag = tar.TypeDir
		}
		err := w.WriteHeader(h)
		if err == nil {
			_, err = w.Write(data)
		}
		errs = append(errs, err)
	}
	copied := func(name string, mode int64, file string) {
		data, err := os.ReadFile(file)
		errs = append(errs, err)
		add(name, mode, 0, data)
	}
	for _, dir := range []string{
		"etc/", "etc/ssl/", "etc/ssl/certs/", "usr/", "usr/bin/", "usr/share/", "usr/share/doc/", "usr/share/doc/penstock/",
	} {
		add(dir, 0o755, 0, nil)
	}
	add("etc/group", 0o644, 0, []byte(groups))
	add("etc/passwd", 0o644, 0, []byte(people))
	add("etc/ssl/certs/ca-certificates.crt", 0o644, 0, roots.Bytes())
	add("tmp/", 0o1777, 0, nil)
	copied("usr/bin/penstock", 0o755, program)
	copied("usr/share/doc/penstock/LICENSE", 0o644, filepath.Join(r.root, "LICENSE"))
	copied("usr/share/doc/penstock/THIRD-PARTY.txt", 0o644, filepath.Join(r.parts, "THIRD-PARTY.txt"))
	add("work/", 0o755, nobody, nil)
	err = errors.Join(append(errs, w.Close())...) // which writes the end
	return b.Bytes(), err
}

// pack writes the files of a directory as a tar file, in the order of their names.
func pack(out io.Writer, dir string, date time.Time) error {
	w := tar.NewWriter(out)
	var names []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, path := range names {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		h := &tar.Header{
			Name: filepath.ToSlash(name), Mode: 0o644, Size: int64(len(data)), ModTime: date, Format: tar.FormatPAX,
			Typeflag: tar.TypeReg,
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return w.Close()
}
