package identity

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

// identityFile is the content of the file.
type identityFile struct {
	Users    []User    `json:"users,omitzero"`
	Roles    []Role    `json:"roles,omitzero"`
	Sessions []Session `json:"sessions,omitzero"`
}

// reload reads the file. The caller holds the lock, or is the only one that has ids.
func (ids *Store) reload() error {
	info, err := os.Stat(ids.path)
	if err != nil {
		return fmt.Errorf("read identities: %w", err)
	}
	ids.stamp = edge.StampOf(info)
	ids.checked = time.Now()
	if info.Size() > maxIdentityFile {
		return fmt.Errorf("read identities: %s is larger than %d bytes", ids.path, maxIdentityFile)
	}
	data, err := os.ReadFile(ids.path)
	if err != nil {
		return fmt.Errorf("read identities: %w", err)
	}
	f, b, err := parseIdentities(data)
	if err != nil {
		return fmt.Errorf("read identities: %s: %w", ids.path, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		ids.log.Warn("identity file can be read by others", "path", ids.path, "mode", info.Mode().Perm().String())
	}
	ids.file, ids.book = *f, b
	return nil
}

func parseIdentities(data []byte) (*identityFile, *book, error) {
	var f identityFile
	if err := json.Unmarshal(data, &f, json.RejectUnknownMembers(true)); err != nil {
		line, column := position(data, err)
		return nil, nil, fmt.Errorf("line %d, column %d: %w", line, column, jsonProblem(err))
	}
	b, err := newBook(&f)
	if err != nil {
		return nil, nil, err
	}
	return &f, b, nil
}

// jsonProblem says what is wrong with a JSON text, without the names of Go types.
func jsonProblem(err error) error {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(e.Err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("the name %q is there twice", e.JSONPointer.LastToken())
		}
		return fmt.Errorf("not JSON: %w", e.Err)
	}
	e, ok := errors.AsType[*json.SemanticError](err)
	switch {
	case !ok:
		return err
	case errors.Is(e.Err, json.ErrUnknownName):
		return fmt.Errorf("unknown name %q", e.JSONPointer.LastToken())
	case e.Err != nil:
		return e.Err
	}
	kinds := map[jsontext.Kind]string{
		'{': "an object", '[': "an array", '"': "a string", '0': "a number", 't': "true", 'f': "false", 'n': "null",
	}
	return fmt.Errorf("%s: %s does not belong here", cmp.Or(string(e.JSONPointer), "/"), kinds[e.JSONKind])
}

// position turns the offset of a JSON error into a line and a column, from 1.
func position(data []byte, err error) (line, column int) {
	offset := 0
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		offset = int(e.ByteOffset)
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = int(e.ByteOffset)
	}
	line, column = 1, 1
	for _, c := range data[:min(offset, len(data))] {
		column++
		if c == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}

// refresh reads the file again when it has changed. The caller holds the lock.
func (ids *Store) refresh() {
	if ids.path == "" || time.Since(ids.checked) < edge.ReloadEvery {
		return
	}
	ids.checked = time.Now()
	info, err := os.Stat(ids.path)
	if err != nil {
		if ids.stamp != (edge.Stamp{}) {
			ids.log.Warn("identity file is gone; its last state stays in force", "path", ids.path, "err", err)
			ids.stamp = edge.Stamp{}
		}
		return
	}
	if edge.StampOf(info) == ids.stamp {
		return
	}
	if err := ids.reload(); err != nil {
		ids.log.Error("identity file not reloaded; its last good state stays in force", "err", err)
		return
	}
	ids.log.Info("identity file reloaded", "path", ids.path, "users", len(ids.file.Users), "roles", len(ids.file.Roles),
		"sessions", len(ids.file.Sessions))
}

// change applies f to a copy of the file as it is on disk now, checks the result as a whole and saves it.
func (ids *Store) change(f func(*identityFile) error) error {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if ids.path != "" {
		if err := ids.reload(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	next := identityFile{slices.Clone(ids.file.Users), slices.Clone(ids.file.Roles), slices.Clone(ids.file.Sessions)}
	if err := f(&next); err != nil {
		return err
	}
	b, err := newBook(&next)
	if err != nil {
		return err
	}
	if ids.path != "" {
		if err := saveIdentities(ids.path, &next); err != nil {
			return err
		}
		if info, err := os.Stat(ids.path); err == nil {
			ids.stamp = edge.StampOf(info)
		}
	}
	ids.file, ids.book = next, b
	return nil
}

// saveIdentities replaces the file in one step, readable by its owner only. A reader sees the old or the new file,
// also after a crash.
func saveIdentities(path string, f *identityFile) (err error) {
	data, err := json.Marshal(f, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("encode identities: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".identities-*") // 0600
	if err != nil {
		return fmt.Errorf("save identities: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("save identities: %w", errors.Join(err, tmp.Close(), os.Remove(tmp.Name())))
		}
	}()
	if _, err = tmp.Write(append(data, '\n')); err != nil {
		return err
	}
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
