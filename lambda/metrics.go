package lambda

import (
	"context"
	"encoding/json"
	"time"

	"github.com/seed56735111/penstock"
)

// report is what one invocation did.
type report struct {
	began             time.Time
	counts            penstock.Counts
	failed, continued int64
}

// emit writes one line in the embedded metric format: the accounting equation of the invocation, nothing per record. See
// the CloudWatch embedded metric format specification.
func (h *Handler) emit(ctx context.Context, r report) {
	type metric struct {
		Name string `json:"Name"`
		Unit string `json:"Unit"`
	}
	c := r.counts
	values := []struct {
		name, unit string
		value      float64
	}{
		{"RecordsRead", "Count", float64(c.Records)},
		{"RecordsDelivered", "Count", float64(c.Delivered)},
		{"RecordsDuplicate", "Count", float64(c.Duplicate)},
		{"RecordsDeadLettered", "Count", float64(c.DeadLettered)},
		{"RecordsDropped", "Count", float64(c.Dropped)},
		{"RecordsUnacknowledged", "Count", float64(c.Unacknowledged)},
		{"RecordsUnparsed", "Count", float64(c.Unparsed)},
		{"Objects", "Count", float64(c.Objects)},
		{"ItemsGivenBack", "Count", float64(r.failed)},
		{"ObjectsContinued", "Count", float64(r.continued)},
		{"BytesIn", "Bytes", float64(c.BytesIn)},
		{"Duration", "Milliseconds", float64(time.Since(r.began).Microseconds()) / 1000},
	}
	line := map[string]any{"Function": h.cfg.Function, "Balanced": c.Balanced()}
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
		h.cfg.Logger.ErrorContext(ctx, "metrics not written", "error", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.cfg.Metrics.Write(append(out, '\n')); err != nil {
		h.cfg.Logger.ErrorContext(ctx, "metrics not written", "error", err)
	}
}
