package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

// listNames asks the backend for all indexes, hidden ones included, and their aliases and data streams.
func listNames(ctx context.Context, backend http.Handler) ([]string, error) {
	rec, err := ask(ctx, backend, "/_alias?expand_wildcards=all")
	if err != nil {
		return nil, err
	}
	names := []string{}
	if rec.Code() == http.StatusOK {
		var indexes map[string]struct {
			Aliases map[string]struct{} `json:"aliases"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &indexes); err != nil {
			return nil, fmt.Errorf("read the backend's aliases: %w", err)
		}
		for index, i := range indexes {
			names = appendIndex(names, index)
			for alias := range i.Aliases {
				names = append(names, alias)
			}
		}
		return names, nil
	}
	// A backend without that API has no aliases to list.
	rec, err = ask(ctx, backend, "/_cat/indices?format=json&h=index")
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Index string `json:"index"`
	}
	if rec.Code() != http.StatusOK {
		return nil, fmt.Errorf("the backend answers %d", rec.Code())
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &rows); err != nil {
		return nil, fmt.Errorf("read the backend's indexes: %w", err)
	}
	for _, row := range rows {
		names = appendIndex(names, row.Index)
	}
	return names, nil
}

func appendIndex(names []string, index string) []string {
	names = append(names, index)
	if stream, ok := dataStream(index); ok {
		names = append(names, stream)
	}
	return names
}

// ask sends a request of the guard's own to the backend.
func ask(ctx context.Context, backend http.Handler, target string) (*edge.Recorder, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.Host = target, "localhost"
	rec := edge.NewRecorder()
	backend.ServeHTTP(rec, r)
	return rec, nil
}
