package edge

import (
	"bytes"
	"maps"
	"net/http"
)

// Recorder keeps an answer.
type Recorder struct {
	header http.Header
	status int
	Body   bytes.Buffer
}

// NewRecorder returns an empty recorder, for one answer.
func NewRecorder() *Recorder { return &Recorder{header: http.Header{}} }

// Header implements http.ResponseWriter.
func (r *Recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *Recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *Recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.Body.Write(p)
}

// Code is the status; 200 when none was written.
func (r *Recorder) Code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// CopyTo writes the answer to w.
func (r *Recorder) CopyTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.WriteHeader(r.Code())
	_, _ = w.Write(r.Body.Bytes())
}
