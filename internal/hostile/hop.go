package hostile

import (
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// Hop passes requests on to a server, with the request target and the headers as they came, except for what alter does
// to them. A nil alter does nothing.
func Hop(server string, alter func(*http.Request)) http.Handler {
	to, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL = &url.URL{Scheme: to.Scheme, Host: to.Host, Opaque: r.In.RequestURI}
		r.Out.Host = r.In.Host
		if r.In.ContentLength == 0 {
			r.Out.Body = nil
		}
		if alter != nil {
			alter(r.Out)
		}
	}}
}

// SetBody gives a request that is on its way another body.
func SetBody(r *http.Request, body io.Reader, length int64) {
	r.Body, r.ContentLength = io.NopCloser(body), length
	r.Header.Del("Content-Length")
}
