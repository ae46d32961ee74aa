// Package iam decides what access policies allow: it parses, validates, evaluates, explains, checks and writes the
// policies of an Amazon OpenSearch Service domain and of the identities that call it.
//
// A domain's access policy is a resource policy; the caller brings identity policies, perhaps a permissions boundary
// and session policies. [Evaluate] puts them together as AWS does: any Deny wins; within the domain's account one Allow
// from either side is enough; a caller from another account needs an Allow from both. The [Decision] names the
// statement that decided, or says what was missing, and [Explain] goes through all statements one by one.
//
// What AWS rejects when a policy is saved is an [*Error] when it is parsed. Nothing in a document is ignored: a
// misspelled operator must not turn a restriction into nothing.
//
// Parsed policies are immutable and may be used by any number of goroutines.
package iam
