// Package cloudwatch reads the payloads of CloudWatch Logs subscriptions, whichever way they come: as an event, as an
// object, or many behind each other as Firehose writes them. Each log event becomes a document with the fields and the
// id that the LogsToElasticsearch function gives it.
package cloudwatch
