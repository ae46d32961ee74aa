package lambda

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed56735111/penstock"
)

// batchResponse is the answer to a batch of SQS messages or Kinesis records. An empty list means that all succeeded, so
// the list is never empty because of an error of ours.
type batchResponse struct {
	BatchItemFailures []itemFailure `json:"batchItemFailures"`
}

type itemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// summary is the answer to an event that expects none: for the person who invoked it by hand.
type summary struct {
	penstock.Counts
	Continued int64    `json:"continued,omitempty"`
	Notes     []string `json:"notes,omitempty"`
}

// answer turns the outcomes into what the event's shape expects.
func answer(ev event, results []outcome, rep report) (any, error) {
	switch ev.shape {
	case shapeSQS:
		return sqsAnswer(ev.units, results)
	case shapeKinesis:
		return kinesisAnswer(ev.units, results)
	case shapeTasks:
		return taskAnswer(ev, results), nil
	case shapeItems:
		return itemsAnswer(ev.units, results, rep)
	case shapePing, shapeAsync:
	}
	var errs []error
	var notes []string
	for i, u := range ev.units {
		errs = append(errs, results[i].err)
		if u.note != "" {
			notes = append(notes, u.note)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, briefly(err)
	}
	return summary{Counts: rep.counts, Continued: rep.continued, Notes: notes}, nil
}

// sqsAnswer lists the messages to be given back. In a FIFO queue the first failure of a group takes the rest of the
// group with it, or later messages would overtake it.
func sqsAnswer(units []unit, results []outcome) (any, error) {
	resp := batchResponse{BatchItemFailures: []itemFailure{}}
	stopped := map[string]bool{}
	for i, u := range units {
		if results[i].err == nil && !stopped[u.group] {
			continue
		}
		if u.id == "" {
			return nil, nameless(i, results[i].err)
		}
		if u.group != "" {
			stopped[u.group] = true
		}
		resp.BatchItemFailures = append(resp.BatchItemFailures, itemFailure{u.id})
	}
	return resp, nil
}

// kinesisAnswer names the first failure: the service goes on from the lowest number that is returned.
func kinesisAnswer(units []unit, results []outcome) (any, error) {
	resp := batchResponse{BatchItemFailures: []itemFailure{}}
	for i, u := range units {
		if results[i].err == nil {
			continue
		}
		if u.id == "" {
			return nil, nameless(i, results[i].err)
		}
		resp.BatchItemFailures = append(resp.BatchItemFailures, itemFailure{u.id})
		break
	}
	return resp, nil
}

// nameless is for a failed part of a batch that cannot be named: the whole batch has to come again.
func nameless(i int, err error) error {
	if err == nil {
		err = errors.New("an earlier message of its group failed")
	}
	return fmt.Errorf("part %d of the batch has no id: %w", i, err)
}

// itemResults is the answer to the items of a map state: the counts of all, and of each in the order of the items.
type itemResults struct {
	summary
	Results []itemResult `json:"results"`
}

type itemResult struct {
	Records      int64  `json:"records"`
	Delivered    int64  `json:"delivered"`
	Duplicate    int64  `json:"duplicate"`
	DeadLettered int64  `json:"dead_lettered"`
	Dropped      int64  `json:"dropped"`
	Continued    int64  `json:"continued,omitempty"`
	Note         string `json:"note,omitempty"`
}

// itemsAnswer fails when any of the items did: a state machine counts a result as done, whatever it says. The message
// says in the order of the items which ones, and running the others again adds no document.
func itemsAnswer(units []unit, results []outcome, rep report) (any, error) {
	out := itemResults{
		summary: summary{Counts: rep.counts, Continued: rep.continued}, Results: make([]itemResult, 0, len(units)),
	}
	var errs []error
	for i, u := range units {
		if err := results[i].err; err != nil {
			errs = append(errs, fmt.Errorf("item %d: %w", i, err))
		}
		c := results[i].counts
		out.Results = append(out.Results, itemResult{
			Records: c.Records, Delivered: c.Delivered, Duplicate: c.Duplicate, DeadLettered: c.DeadLettered, Dropped: c.Dropped,
			Continued: results[i].continued, Note: u.note,
		})
	}
	if len(errs) > 0 {
		return nil, briefly(fmt.Errorf("%d of %d items failed: %w", len(errs), len(units), errors.Join(errs...)))
	}
	return out, nil
}

func taskAnswer(ev event, results []outcome) taskResults {
	out := taskResults{
		InvocationSchemaVersion: ev.tasks.InvocationSchemaVersion, InvocationID: ev.tasks.InvocationID,
		TreatMissingKeysAs: "TemporaryFailure", Results: make([]taskResult, 0, len(results)),
	}
	for i, u := range ev.units {
		r := taskResult{TaskID: u.id, ResultCode: "Succeeded"}
		if err := results[i].err; err != nil {
			const longest = 1000
			r.ResultCode, r.ResultString = "TemporaryFailure", truncate(err.Error(), longest)
			if permanent(err) {
				r.ResultCode = "PermanentFailure"
			}
		}
		out.Results = append(out.Results, r)
	}
	return out
}

// permanent reports whether the same task would fail the same way again. Whatever does not say so is tried again.
func permanent(err error) bool {
	t, ok := errors.AsType[penstock.Temporary](err)
	return ok && !t.Temporary() && !penstock.IsFatal(err)
}

// truncate shortens a text to at most n bytes, whole characters.
func truncate(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}

// briefly bounds the text of an error that may be about thousands of objects.
func briefly(err error) error { return briefError{err} }

type briefError struct{ error }

func (e briefError) Error() string {
	const longest = 8 << 10
	text := e.error.Error()
	if len(text) <= longest {
		return text
	}
	return fmt.Sprintf("%s … and %d bytes more", truncate(text, longest), len(text)-longest)
}

func (e briefError) Unwrap() error { return e.error }
