package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/seed56735111/penstock/internal/cli"
)

// manual writes a manual page for each command.
func manual(_ context.Context, r *release) error {
	plain, err := os.MkdirTemp("", "penstock-man-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(plain) }()
	root := cli.Commands()
	root.DisableAutoGenTag = true // which has the date of today
	header := &doc.GenManHeader{Section: "1", Source: "penstock " + r.version, Manual: "penstock", Date: &r.date}
	if err := doc.GenManTree(root, header, plain); err != nil {
		return err
	}
	pages, err := filepath.Glob(filepath.Join(plain, "*.1"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(text); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if err := write(filepath.Join(r.parts, "man", filepath.Base(page)+".gz"), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// completions writes a script for each shell.
func completions(_ context.Context, r *release) error {
	for name, generate := range map[string]func(*cobra.Command, io.Writer) error{
		"penstock.bash": func(c *cobra.Command, w io.Writer) error { return c.GenBashCompletionV2(w, true) },
		"_penstock":     func(c *cobra.Command, w io.Writer) error { return c.GenZshCompletion(w) },
		"penstock.fish": func(c *cobra.Command, w io.Writer) error { return c.GenFishCompletion(w, true) },
		"penstock.ps1":  func(c *cobra.Command, w io.Writer) error { return c.GenPowerShellCompletionWithDesc(w) },
	} {
		var b bytes.Buffer
		if err := generate(cli.Commands(), &b); err != nil {
			return err
		}
		if err := write(filepath.Join(r.parts, "completions", name), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
