package query

// Selection says which documents of an index are wanted.
type Selection struct {
	Query    Query
	Types    []string // of any of these mapping types; nil: of all
	MinScore *float32
}

// In finds the documents of one index.
func (w *Selection) In(s *Searcher) (*Hits, error) {
	h, err := w.Query.Run(s)
	if err != nil {
		return nil, err
	}
	if w.Types != nil {
		t, err := s.ofTypes(w.Types, 0)
		if err != nil {
			return nil, err
		}
		h = h.And(t)
	}
	if w.MinScore == nil {
		return h, nil
	}
	kept := &Hits{scores: []float32{}}
	for i, d := range h.Docs {
		if v := h.at(i); v >= *w.MinScore {
			kept.Docs, kept.scores = append(kept.Docs, d), append(kept.scores, v)
		}
	}
	return kept, nil
}
