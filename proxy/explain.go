package proxy

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"

	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/domain"
)

// maxRefusal bounds a refusal that is kept to be looked into. The service repeats the head of the request, which has a
// bound of its own far below.
const maxRefusal = 1 << 20

// secrets are the places where the service's refusal repeats what came with the request: in the canonical request, in
// its query, and in the sentences about a header that it does not understand.
var secrets = regexp.MustCompile(`(?i)(x-amz-security-token(?::|=|%3d)\s*)[^\s"\\&]+|` +
	`(x-amz-(?:signature|credential)=)[^\s"\\&]+|(authorization[:=]\s*)[^"\\]+|` +
	`(in authorization header: ?')[^'"\\]+|(\{"message":"')[^'"\\]+`)

// explain masks the secrets that a refusal repeats, and names its cause in a header and in the log.
func (p *Proxy) explain(resp *http.Response) error {
	body, err := refusalBody(resp)
	if err != nil {
		return fmt.Errorf("read refusal: %w", err)
	}
	d, _ := doctor.Explain(domain.ClassifyResponse(resp, body))
	body = secrets.ReplaceAll(body, []byte("${1}${2}${3}${4}${5}(masked)"))
	reason := domain.Classify(resp.StatusCode, resp.Header, body).Reason // of the masked answer
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if resp.Request.Method != http.MethodHead {
		resp.ContentLength = int64(len(body))
		resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	resp.Header.Set(CauseHeader, string(d.Cause))
	p.log.LogAttrs(resp.Request.Context(), slog.LevelWarn, "domain refused a request",
		slog.String("method", resp.Request.Method), slog.Int("status", resp.StatusCode),
		slog.String("cause", string(d.Cause)), slog.String("reason", reason), slog.String("detail", d.Detail),
		slog.String("fix", d.Cause.Info().Fix))
	return nil
}

// refusalBody reads a refusal, decompressed.
func refusalBody(resp *http.Response) ([]byte, error) {
	defer func() { _ = resp.Body.Close() }()
	var src io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" && resp.Request.Method != http.MethodHead {
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			return nil, err
		}
		src = z
		resp.Header.Del("Content-Encoding")
	}
	return io.ReadAll(io.LimitReader(src, maxRefusal))
}
