// Package shape makes the document of a record: which index it goes to, its id, its time, and what is added to it.
//
// A document is the record with a few fields in front: "@timestamp" unless the record has one, "aws.s3.bucket" and
// "aws.s3.key", and "penstock" with the format, the archive member or file, and the position in the plain bytes. Ids
// derive from the object's identity and that position, so that the same record has the same id whoever reads it, and
// whenever.
package shape
