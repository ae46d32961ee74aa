// Package edge is what the parts of a domain's edge share: it reads the bodies of requests and the items of _bulk
// calls, and writes the answers that do not come from the engine.
package edge

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Answer is a complete answer of the domain's edge. The body is JSON without a trailing newline.
type Answer struct {
	Status int
	Body   []byte
}

// LowerMessage is the body of the authentication layer, which writes its key in lower case.
func LowerMessage(text string) []byte {
	return Marshal(struct {
		Message string `json:"message"`
	}{text})
}

// UpperMessage is the body of the authorization layer and of the edge, which write their key with a capital.
func UpperMessage(text string) []byte {
	return Marshal(struct {
		Message string `json:"Message"`
	}{text})
}

// Marshal is encoding/json without the escapes for HTML, which the service does not write.
func Marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		// Structs of our own always encode.
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Write sends a with the headers of the edge. A HEAD request gets the status and the headers alone.
func Write(w http.ResponseWriter, r *http.Request, a Answer) {
	h := w.Header()
	Headers(h)
	h.Set("Content-Type", "application/json")
	if r.ProtoMajor == 1 && h.Get("Connection") == "" {
		h.Set("Connection", "keep-alive") // the server replaces it when it closes
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(a.Status)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	// The error means that the client is gone, which the server notices by itself.
	_, _ = w.Write(a.Body)
}

// requestIDHeader is written in the service's own spelling.
const requestIDHeader = "x-amzn-RequestId"

// Headers sets what every answer of the edge carries, unless it was set before.
func Headers(h http.Header) {
	if RequestIDOf(h) == "" {
		SetRequestID(h, NewRequestID())
	}
	h["Access-Control-Allow-Origin"] = []string{"*"}
}

// SetRequestID sets the request id under the service's spelling, which http.Header's own methods would change.
func SetRequestID(h map[string][]string, id string) { h[requestIDHeader] = []string{id} }

// RequestIDOf is the id that was set; empty when none was.
func RequestIDOf(h map[string][]string) string { return strings.Join(h[requestIDHeader], "") }

// NewRequestID returns a random UUID (RFC 9562, version 4).
func NewRequestID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails, by its documentation
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], u[0:4])
	hex.Encode(s[9:13], u[4:6])
	hex.Encode(s[14:18], u[6:8])
	hex.Encode(s[19:23], u[8:10])
	hex.Encode(s[24:36], u[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}
