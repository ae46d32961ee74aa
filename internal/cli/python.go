package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/python"
)

// pythonOptions say where the AWS command line and boto3 look for data models.
type pythonOptions struct {
	dir string
}

func newPythonCommand(a *app) *cobra.Command {
	var o pythonOptions
	cmd := &cobra.Command{
		Use:   "python",
		Short: "Teach the AWS command line and boto3 the documents of a domain",
		Long: `python installs a data model for "esdata", with which "aws esdata …" and boto3 read and write the documents of
a domain, signed by themselves. docs/python.md is about it, and about the Python package penstock-aws.`,
		Example: "  penstock python install\n  penstock python uninstall",
		GroupID: groupDomain,
		Args:    rejectUnknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	install := &cobra.Command{
		Use:   "install",
		Short: "Write the data model where the AWS command line and boto3 find it",
		Long: `install writes the data model of "esdata" into ~/.aws/models. A file that it did not write, or that somebody
has changed since, is not overwritten.`,
		Example: "  penstock python install\n" +
			"  aws esdata search --index 'logs-*' --q level:error --endpoint-url https://search-x.eu-west-1.es.amazonaws.com",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return o.install(a) },
	}
	uninstall := &cobra.Command{
		Use:     "uninstall",
		Short:   "Remove what install wrote, and nothing else",
		Example: "  penstock python uninstall",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(*cobra.Command, []string) error { return o.uninstall(a) },
	}
	cmd.PersistentFlags().StringVar(&o.dir, "dir", "", "directory of data models; ~/.aws/models when not given")
	cmd.AddCommand(install, uninstall)
	return cmd
}

const (
	modelService = "esdata"
	// modelRecord lists what install wrote, so that nothing else is ever overwritten or removed.
	modelRecord    = ".penstock.json"
	maxModelRecord = 1 << 20
)

// written are the hashes of the files that install wrote, by their path below the directory of the service.
type written map[string]string

// place is the directory of the service's data model.
func (o *pythonOptions) place() (string, error) {
	dir := o.dir
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", usagef("name it with --dir", "find the directory of data models: %w", err)
		}
		dir = filepath.Join(home, ".aws", "models")
	}
	return filepath.Join(dir, modelService), nil
}

func (o *pythonOptions) install(a *app) error {
	place, err := o.place()
	if err != nil {
		return err
	}
	before, err := readRecord(place)
	if err != nil {
		return err
	}
	model, err := modelFiles()
	if err != nil {
		return err
	}
	// All or nothing: what stands in the way is found before anything is written.
	record, names := written{}, slices.Sorted(maps.Keys(model))
	for _, name := range names {
		record[name] = hashOf(model[name])
		if err := mayWrite(filepath.Join(place, name), before[name], record[name]); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return fmt.Errorf("write data model: %w", err)
	}
	model[modelRecord] = append(text, '\n')
	// The record comes last: an install that is cut off can be repeated.
	for _, name := range append(names, modelRecord) {
		if err := replaceFile(filepath.Join(place, name), model[name]); err != nil {
			return usagef("choose another directory with --dir", "write data model: %w", err)
		}
	}
	for _, newer := range newerModels(place) {
		a.note("%s is a newer one of somebody else, which boto3 and the AWS command line take instead", newer)
	}
	_, err = fmt.Fprintf(a.Out, "%s: aws %s help, and boto3.client(%q)\n", printable(place), modelService, modelService)
	if err != nil {
		return &outputError{err}
	}
	return nil
}

func (o *pythonOptions) uninstall(a *app) error {
	place, err := o.place()
	if err != nil {
		return err
	}
	record, err := readRecord(place)
	if err != nil {
		return err
	}
	if record == nil {
		a.note("no data model of this program is in %s", place)
		return nil
	}
	kept := 0
	dirs := []string{place}
	for name, hash := range record {
		if !filepath.IsLocal(name) {
			return usagef("remove it by hand", "read %s: it names %q", filepath.Join(place, modelRecord), name)
		}
		path := filepath.Join(place, name)
		if dir := filepath.Dir(path); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		text, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err == nil && hashOf(text) == hash:
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("remove data model: %w", err)
			}
		default:
			kept++
			a.note("%s is not as it was written, and stays", path)
		}
	}
	if err := os.Remove(filepath.Join(place, modelRecord)); err != nil {
		return fmt.Errorf("remove data model: %w", err)
	}
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) })
	for _, dir := range dirs {
		_ = os.Remove(dir) // it stays when something is in it
	}
	if kept == 0 {
		_, err = fmt.Fprintf(a.Out, "removed from %s\n", printable(place))
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

// modelFiles are the files of the data model, by their path below the directory of the service.
func modelFiles() (map[string][]byte, error) {
	models, err := fs.Sub(python.Models(), modelService)
	if err != nil {
		return nil, fmt.Errorf("read data model: %w", err)
	}
	out := map[string][]byte{}
	err = fs.WalkDir(models, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(models, path)
		out[filepath.FromSlash(path)] = text
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read data model: %w", err)
	}
	return out, nil
}

// newerModels are the data models beside the one that install writes, of later versions. The latest version is taken.
func newerModels(place string) []string {
	ours, _ := fs.ReadDir(python.Models(), modelService) // what is linked in is there
	there, _ := os.ReadDir(place)
	var newer []string
	for _, e := range there {
		if models, _ := filepath.Glob(filepath.Join(place, e.Name(), "service-2.*")); len(models) > 0 &&
			!slices.ContainsFunc(ours, func(o fs.DirEntry) bool { return e.Name() <= o.Name() }) {
			newer = append(newer, filepath.Join(place, e.Name()))
		}
	}
	return newer
}

// readRecord is what an earlier install wrote. It is nil when there was none.
func readRecord(place string) (written, error) {
	path := filepath.Join(place, modelRecord)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, usagef("choose another directory with --dir", "read data model: %w", err)
	}
	defer f.Close()
	var record written
	err = json.NewDecoder(io.LimitReader(f, maxModelRecord)).Decode(&record)
	if err != nil || record == nil {
		return nil, usagef("remove it, and the model beside it if it is not yours", "read %s: it is not what install writes",
			path)
	}
	return record, nil
}

// mayWrite says why a file may not be written: it is there, and install did not write it as it is.
func mayWrite(path, before, now string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.Mode().IsRegular() {
		var text []byte
		if text, err = os.ReadFile(path); err == nil && slices.Contains([]string{before, now}, hashOf(text)) {
			return nil
		}
	}
	if err != nil {
		return usagef("choose another directory with --dir", "write data model: %w", err)
	}
	return usagef("move it away, or choose another directory with --dir",
		"write data model: %s is there, and this program did not write it as it is", path)
}

// replaceFile writes a file in one step.
func replaceFile(path string, text []byte) (err error) {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // like the rest of ~/.aws/models
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".penstock-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
