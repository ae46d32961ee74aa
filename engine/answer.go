package engine

import (
	"errors"
	"net/http"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// item is the error as it stands in an item of a list, such as one of _bulk.
func (c *call) item(e *wire.Failure) any {
	if c.profile.major < mapping.FirstTyped {
		return wire.LegacyError(e)
	}
	return e.Body()
}

func (c *call) fail(err error) {
	e, ok := errors.AsType[*wire.Failure](err)
	if !ok {
		c.cfg.Logger.ErrorContext(c.r.Context(), "request failed", "path", c.r.URL.Path, "error", err)
		e = wire.AsFailure(err)
	}
	var body any = e.Full()
	switch {
	case e.Plain:
		body = e.Reason
	case c.profile.major < mapping.FirstTyped:
		body = wire.LegacyError(e)
	}
	if e.Plain && e.Status == http.StatusBadRequest {
		c.write(e.Status, wire.Obj("error", body))
		return
	}
	c.write(e.Status, wire.Obj("error", body, "status", e.Status))
}

// answer writes a JSON answer, as ?filter_path and ?pretty want it.
func (c *call) answer(status int, v any) error {
	if paths := c.query.Get("filter_path"); paths != "" {
		v = wire.FilterPaths(v, strings.Split(paths, ","))
	}
	c.write(status, v)
	return nil
}

func (c *call) write(status int, v any) {
	out := wire.Append(nil, v)
	if c.query.Has("pretty") && c.query.Get("pretty") != "false" {
		out = wire.Indent(out)
	}
	c.raw(status, jsonType, out)
}

const jsonType = "application/json; charset=UTF-8"

func (c *call) raw(status int, contentType string, body []byte) {
	c.w.Header().Set("Content-Type", contentType)
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body)
	}
}
