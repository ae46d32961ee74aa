package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

const templatesFile = "templates.json"

// savedTemplates is what the disk has of the templates.
type savedTemplates struct {
	Templates  map[string]json.RawMessage `json:"index_templates"`
	Components map[string]json.RawMessage `json:"component_templates"`
	Legacy     map[string]json.RawMessage `json:"templates"`
}

// saveTemplates writes the templates to the disk, all of them or none. The caller holds mu.
func (e *Engine) saveTemplates() error {
	if e.cfg.Dir == "" {
		return nil
	}
	bodies := func(templates map[string]*template) map[string]json.RawMessage {
		out := map[string]json.RawMessage{}
		for name, t := range templates {
			out[name] = wire.AppendNode(nil, &t.body)
		}
		return out
	}
	text, err := json.Marshal(savedTemplates{bodies(e.templates), bodies(e.components), bodies(e.legacy)})
	if err != nil {
		return fmt.Errorf("save templates: %w", err)
	}
	if err := writeFile(filepath.Join(e.cfg.Dir, templatesFile), text); err != nil {
		return fmt.Errorf("save templates: %w", err)
	}
	return nil
}

// writeFile replaces a file at once: after a crash it is the old one or the new one.
func writeFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), templatesFile+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return store.SyncDir(filepath.Dir(path))
}

// loadTemplates reads the templates of a directory.
func (e *Engine) loadTemplates() error {
	text, err := os.ReadFile(filepath.Join(e.cfg.Dir, templatesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load templates: %w", err)
	}
	var saved savedTemplates
	if err := json.Unmarshal(text, &saved); err != nil {
		return fmt.Errorf("load templates: %w", err)
	}
	c := &call{Engine: e}
	for api, bodies := range map[string]map[string]json.RawMessage{
		"_index_template": saved.Templates, "_component_template": saved.Components, "_template": saved.Legacy,
	} {
		f := c.family(api)
		for name, body := range bodies {
			n, err := wire.Parse(body)
			if err != nil {
				return fmt.Errorf("load template %s: %w", name, err)
			}
			t, err := f.parse(c, name, &n)
			if err != nil {
				return fmt.Errorf("load template %s: %w", name, err)
			}
			f.templates[name] = t
		}
	}
	return nil
}
