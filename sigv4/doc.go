// Package sigv4 signs and verifies HTTP requests with AWS Signature Version 4, by the rules of Amazon OpenSearch Service
// (service name "es") and OpenSearch Serverless ("aoss").
//
// [Transport] is an [net/http.RoundTripper] that signs for any HTTP client; [Signer] signs one request; [Verifier] is
// the server's side and answers what the service answers. All three share one canonicaliser. It reads the request
// target as it is on the wire, never a parsed and re-encoded form of it, and changes nothing.
//
// The package imports the standard library only. Credentials come from a [Provider]; an AWS SDK is one, by a
// [ProviderFunc] of three lines.
package sigv4
