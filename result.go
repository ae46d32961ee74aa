package penstock

// Result is what became of a run. It tells of each way in which a run can end before everything is settled by itself,
// so that nobody has to take an error apart.
type Result struct {
	Counts
	// Routes say what became of the records by route and rule, where there are some.
	Routes RouteCounts
	// GivenBack are items that come again, in the order in which they were settled: the first MaxGivenBack of them.
	// ItemsGivenBack counts all.
	GivenBack []GivenBack
	// Fatal is the failure that ended the run because it concerns more than one item (see [IsFatal]).
	Fatal error
	// Source is why the source broke off.
	Source error
	// Interrupted says that the context ended before the source was at its end: there may be items that are in no count.
	Interrupted *InterruptedError
}

// GivenBack is an item that comes again.
type GivenBack struct {
	ID string
	// Err is what Settle was told: an *ItemError, or why the item was not begun.
	Err error
}

// MaxGivenBack bounds Result.GivenBack.
const MaxGivenBack = 100

// Err is why the run ended before its source did, nil when it did not. An item that is given back alone is no reason.
// Of several reasons it is the one that the others follow from: a failure of the whole run, an interrupt, the source.
func (r *Result) Err() error {
	switch {
	case r.Fatal != nil:
		return r.Fatal
	case r.Interrupted != nil:
		return r.Interrupted
	}
	return r.Source
}

// Complete reports whether nothing comes again.
func (r *Result) Complete() bool { return r.Err() == nil && r.ItemsGivenBack == 0 }

// FirstFailure returns the first object that comes again because of a failure, false when there is none.
func (r *Result) FirstFailure() (ObjectFailure, bool) {
	for _, item := range r.GivenBack {
		if e, ok := item.Err.(*ItemError); ok { //nolint:errorlint // Run makes it, and wraps it in nothing
			return e.Failures[0], true
		}
	}
	return ObjectFailure{}, false
}

// settled counts an item.
func (r *Result) settled(id string, err error) {
	r.Items++
	if err == nil {
		return
	}
	r.ItemsGivenBack++
	if len(r.GivenBack) < MaxGivenBack {
		r.GivenBack = append(r.GivenBack, GivenBack{ID: id, Err: err})
	}
}

// ended notes how the source came to its end. interrupt is why the context had ended by then, nil when it had not.
func (r *Result) ended(interrupt, err error) {
	if interrupt == nil {
		r.Source = err
		return
	}
	// Items that the source had not come to yet are in no count: the run must not pass for a finished one. A source that
	// breaks off does so because of the interrupt.
	r.Interrupted = &InterruptedError{Before: "the source was at its end", Err: interrupt}
}
