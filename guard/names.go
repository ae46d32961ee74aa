package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// listNames asks the backend for all indexes, hidden ones too, and their aliases and data streams.
func listNames(ctx context.Context, backend http.Handler) ([]string, error) {
	rec, err := ask(ctx, backend, "/_alias?expand_wildcards=all")
	if err != nil {
		return nil, err
	}
	names := []string{}
	if rec.code() == http.StatusOK {
		var indexes map[string]struct {
			Aliases map[string]struct{} `json:"aliases"`
		}
		if err := json.Unmarshal(rec.body.Bytes(), &indexes); err != nil {
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
	if rec.code() != http.StatusOK {
		return nil, fmt.Errorf("the backend answers %d", rec.code())
	}
	if err := json.Unmarshal(rec.body.Bytes(), &rows); err != nil {
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

// ask sends a request of our own to the backend.
func ask(ctx context.Context, backend http.Handler, target string) (*recorder, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.Host = target, "localhost"
	rec := &recorder{header: http.Header{}}
	backend.ServeHTTP(rec, r)
	return rec, nil
}
