package lambda

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/seed56735111/penstock"
)

// report is what one invocation did.
type report struct {
	began             time.Time
	counts            penstock.Counts
	failed, continued int64
	newest            time.Time // of the records that say when they happened
}

// newestShaper passes records on and remembers the time of the newest. Records of the future say nothing about how far
// behind the others are.
type newestShaper struct {
	penstock.Shaper
	now time.Time
	at  atomic.Int64 // milliseconds from the epoch
}

// Entry is part of penstock.Shaper.
func (s *newestShaper) Entry(
	o *penstock.Object, id penstock.Identity, entry, format string,
) (penstock.EntryShaper, error) {
	inner, err := s.Shaper.Entry(o, id, entry, format)
	if err != nil {
		return nil, err
	}
	return &newestEntryShaper{EntryShaper: inner, newest: s}, nil
}

func (s *newestShaper) time() time.Time {
	if at := s.at.Load(); at != 0 {
		return time.UnixMilli(at)
	}
	return time.Time{}
}

type newestEntryShaper struct {
	penstock.EntryShaper
	newest *newestShaper
	at     time.Time // the newest of this entry, so that the shared one is rarely touched
}

// Shape is part of penstock.EntryShaper.
func (s *newestEntryShaper) Shape(r *penstock.Record) (penstock.Document, error) {
	if r.Time.After(s.at) && !r.Time.After(s.newest.now) {
		s.at = r.Time
		for at := s.at.UnixMilli(); ; {
			old := s.newest.at.Load()
			if old >= at || s.newest.at.CompareAndSwap(old, at) {
				break
			}
		}
	}
	return s.EntryShaper.Shape(r)
}

// emit writes one line in the embedded metric format: the accounting equation of the invocation, nothing per record.
// See the CloudWatch embedded metric format specification.
func (h *Handler) emit(ctx context.Context, logger *slog.Logger, r report) {
	type metric struct {
		Name string `json:"Name"`
		Unit string `json:"Unit"`
	}
	c := r.counts
	type value struct {
		name, unit string
		value      float64
	}
	values := []value{
		{"RecordsRead", "Count", float64(c.Records)},
		{"RecordsDelivered", "Count", float64(c.Delivered)},
		{"RecordsDuplicate", "Count", float64(c.Duplicate)},
		{"RecordsDeadLettered", "Count", float64(c.DeadLettered)},
		{"RecordsDropped", "Count", float64(c.Dropped)},
		{"RecordsDroppedByDomain", "Count", float64(c.DroppedByDomain)},
		{"RecordsUnacknowledged", "Count", float64(c.Unacknowledged)},
		{"RecordsUnparsed", "Count", float64(c.Unparsed)},
		{"Objects", "Count", float64(c.Objects)},
		{"ItemsGivenBack", "Count", float64(r.failed)},
		{"ObjectsContinued", "Count", float64(r.continued)},
		{"BytesIn", "Bytes", float64(c.BytesIn)},
		{"Duration", "Milliseconds", float64(time.Since(r.began).Microseconds()) / 1000},
	}
	if !r.newest.IsZero() {
		values = append(values, value{"NewestRecordAge", "Milliseconds", float64(time.Since(r.newest).Milliseconds())})
	}
	line := map[string]any{"Function": h.cfg.Function, "Balanced": c.Balanced()}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		line["RequestId"] = lc.AwsRequestID
	}
	metrics := make([]metric, 0, len(values))
	for _, v := range values {
		metrics = append(metrics, metric{v.name, v.unit})
		line[v.name] = v.value
	}
	line["_aws"] = map[string]any{
		"Timestamp": time.Now().UnixMilli(),
		"CloudWatchMetrics": []map[string]any{{
			"Namespace": "penstock", "Dimensions": [][]string{{"Function"}}, "Metrics": metrics,
		}},
	}
	out, err := json.Marshal(line)
	if err != nil {
		logger.ErrorContext(ctx, "metrics not written", "error", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.cfg.Metrics.Write(append(out, '\n')); err != nil {
		logger.ErrorContext(ctx, "metrics not written", "error", err)
	}
}
