// Package sigv4 signs and verifies HTTP requests with AWS Signature Version 4, by the rules of Amazon OpenSearch
// Service (service name "es") and OpenSearch Serverless ("aoss").
//
// [Transport] is an [net/http.RoundTripper] that signs for any HTTP client. [Signer] signs one request. [Verifier] is
// the server's side and answers what the service answers. All three make the canonical request in one place, from the
// request target as it is on the wire, never from a parsed and re-encoded form of it.
//
// The package imports the standard library only. Credentials come from a [Provider]: three lines of a [ProviderFunc]
// make an AWS SDK one.
package sigv4
