package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/source"
)

// batchInput is what the ItemBatcher of a Distributed Map puts beside the items of each batch. Only the bucket is
// looked at.
type batchInput struct {
	Bucket string `json:"bucket"` // "Bucket" is taken too
}

// decodeList reads a list: messages or records of an EventBridge pipe, or items that each have a result of their own.
func decodeList(list []json.RawMessage) (event, error) {
	var first record
	_ = json.Unmarshal(list[0], &first) // what is wrong with it is found where it is read
	switch first.EventSource {
	case "aws:sqs":
		return event{shape: shapeSQS, units: each(list, sqsUnit)}, nil
	case "aws:kinesis":
		return event{shape: shapeKinesis, units: each(list, kinesisUnit)}, nil
	}
	return itemEvent("", list, nil)
}

// itemEvent reads the items of a map state. When none of them is understood, neither is the event.
func itemEvent(name string, list []json.RawMessage, input json.RawMessage) (event, error) {
	units := itemUnits(name, list, input, 0)
	understood := len(units) == 0
	for i := range units {
		understood = understood || units[i].err == nil || units[i].holds()
	}
	if !understood {
		return event{}, briefly(units[0].err)
	}
	return event{shape: shapeItems, units: units}, nil
}

// itemUnits reads the items of a list, one unit each. Keys without a bucket get the one that the batch names.
func itemUnits(name string, list []json.RawMessage, input json.RawMessage, depth int) []unit {
	var in batchInput
	_ = json.Unmarshal(input, &in) // whatever else a batch input is, it names no bucket
	units := make([]unit, 0, len(list))
	for i, raw := range list {
		u := unwrap(raw, depth+1)
		if u.err != nil {
			u.err = fmt.Errorf("%s[%d]: %w", name, i, u.err)
		}
		u.inBucket(in.Bucket)
		units = append(units, u)
	}
	return units
}

// merge makes one unit of many, which succeed or come again together.
func merge(units []unit) unit {
	var all unit
	var errs []error
	for _, u := range units {
		all.refs = append(all.refs, u.refs...)
		all.logs = append(all.logs, u.logs...)
		if all.note == "" {
			all.note = u.note
		}
		if u.err != nil {
			errs = append(errs, u.err)
		}
	}
	// One part that nobody understands gives the whole unit back; what is understood is delivered all the same.
	all.err = errors.Join(errs...)
	return all
}

// inBucket gives the keys that came without a bucket one.
func (u *unit) inBucket(bucket string) {
	for i := range u.refs {
		if u.refs[i].Bucket == "" {
			u.refs[i].Bucket = source.BucketName(bucket)
		}
	}
}

// needBuckets takes the keys out that nobody named a bucket for.
func (u *unit) needBuckets() {
	kept := u.refs[:0]
	for _, ref := range u.refs {
		if ref.Bucket != "" {
			kept = append(kept, ref)
			continue
		}
		u.err = errors.Join(u.err,
			&eventError{
				what: fmt.Sprintf("key %q without a bucket: name it as \"bucket\" of the map's BatchInput or in PENSTOCK_BUCKET",
					ref.Key),
			})
	}
	u.refs = kept
}

// row is an element of an S3 Inventory or of a listing, as a map state reads them.
type row struct {
	Bucket         string          `json:"Bucket"`
	Key            string          `json:"Key"`
	VersionID      string          `json:"VersionId"`
	ETag           string          `json:"ETag"`
	IsDeleteMarker json.RawMessage `json:"IsDeleteMarker"`
	Size           json.RawMessage `json:"Size"`
	Listed         json.RawMessage `json:"LastModified"` // of a listing; an inventory has LastModifiedDate
}

// decodeRow reads a row. The key of an inventory is form-encoded, that of a listing is not. An inventory names its
// bucket, with a capital letter; a listing has a bucket only where somebody put one.
func decodeRow(raw []byte, inventory bool) unit {
	var r row
	if err := json.Unmarshal(raw, &r); err != nil {
		return unit{err: unreadable("", err)}
	}
	key := r.Key
	if inventory && r.Listed == nil {
		var err error
		if key, err = url.QueryUnescape(key); err != nil {
			return unit{err: &eventError{what: fmt.Sprintf("key %q: %v", r.Key, err)}}
		}
	}
	if key == "" {
		return unit{err: &eventError{what: "an empty key"}}
	}
	if strings.EqualFold(strings.Trim(string(r.IsDeleteMarker), `"`), "true") {
		return unit{note: "ignored a delete marker"}
	}
	size, err := strconv.ParseInt(strings.Trim(string(r.Size), `"`), 10, 64) // text in CSV, a number in a listing
	if err != nil || size < 0 {
		size = -1
	}
	return unit{
		refs: []Ref{
			{Bucket: source.BucketName(r.Bucket), Key: key, Version: r.VersionID, ETag: strings.Trim(r.ETag, `"`), Size: size},
		},
	}
}
