package lambda

import (
	"encoding/json"
	"net/url"

	"github.com/seed56735111/penstock/source"
)

// batchOperations is the invocation of an S3 Batch Operations job, and its answer.
type batchOperations struct {
	InvocationSchemaVersion string `json:"invocationSchemaVersion"`
	InvocationID            string `json:"invocationId"`
	Tasks                   []struct {
		TaskID      string `json:"taskId"`
		S3Key       string `json:"s3Key"` // form-encoded
		S3VersionID string `json:"s3VersionId"`
		S3BucketArn string `json:"s3BucketArn"` // schema 1.0
		S3Bucket    string `json:"s3Bucket"`    // schema 2.0
	} `json:"tasks"`
}

// taskResults is what the job wants to know. A task left out counts as TreatMissingKeysAs says.
type taskResults struct {
	InvocationSchemaVersion string       `json:"invocationSchemaVersion"`
	TreatMissingKeysAs      string       `json:"treatMissingKeysAs"`
	InvocationID            string       `json:"invocationId"`
	Results                 []taskResult `json:"results"`
}

type taskResult struct {
	TaskID       string `json:"taskId"`
	ResultCode   string `json:"resultCode"`
	ResultString string `json:"resultString"`
}

func decodeTasks(raw []byte) (event, error) {
	var b batchOperations
	if err := json.Unmarshal(raw, &b); err != nil {
		return event{}, &eventError{what: "S3 Batch Operations: " + err.Error()}
	}
	units := make([]unit, 0, len(b.Tasks))
	for _, t := range b.Tasks {
		u := unit{id: t.TaskID}
		bucket := t.S3Bucket
		if bucket == "" {
			bucket = t.S3BucketArn
		}
		key, err := url.QueryUnescape(t.S3Key)
		switch {
		case err != nil:
			u.err = &eventError{what: "task key: " + err.Error()}
		case bucket == "" || key == "":
			u.err = &eventError{what: "task without a bucket or a key"}
		default:
			u.refs = []Ref{{Bucket: source.BucketName(bucket), Key: key, Version: t.S3VersionID, Size: -1}}
		}
		units = append(units, u)
	}
	return event{shape: shapeTasks, units: units, tasks: &b}, nil
}
