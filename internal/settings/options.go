package settings

import (
	"github.com/seed56735111/penstock/internal/version"
	"github.com/seed56735111/penstock/pipeline"
)

// The groups of flags in help texts.
const (
	groupDomain = "Domain and credentials"
	groupS3     = "S3"
	groupSelect = "Which objects"
	groupRead   = "Reading, and what documents look like"
	groupLogs   = "Log events of CloudWatch Logs"
	groupWrite  = "Sending"
)

// Groups are the titles of the groups of flags, in the order of help texts.
func Groups() []string {
	return []string{groupDomain, groupS3, groupSelect, groupRead, groupLogs, groupWrite}
}

// AWS registers who signs.
func (f Flags) AWS(o *pipeline.AWS) {
	f.group = groupDomain
	f.Text(&o.Profile, "profile")
	f.Text(&o.Region, "region")
	f.Text(&o.RoleARN, "role-arn")
	f.Text(&o.ExternalID, "external-id")
	f.Duration(&o.Stall, "stall-timeout")
}

// S3 registers how S3 is reached.
func (f Flags) S3(o *pipeline.S3) {
	f.group = groupS3
	f.Text(&o.EndpointURL, "endpoint-url")
	f.Boolean(&o.PathStyle, "path-style")
	f.Text(&o.Profile, "s3-profile")
	f.Text(&o.Region, "s3-region")
	f.Text(&o.RoleARN, "s3-role-arn")
	f.Text(&o.ExternalID, "s3-external-id")
	f.Boolean(&o.RequesterPays, "requester-pays")
}

// Target registers which domain is meant, and who signs.
func (f Flags) Target(o *pipeline.Target) {
	f.group = groupDomain
	f.Text(&o.URL, "domain")
	f.Text(new(string), "target")
	f.AWS(&o.AWS)
	f.Text(&o.Service, "service")
	f.Boolean(&o.NoSign, "no-sign")
	f.Text(&o.Collection, "collection")
	f.Text(&o.CAFile, "ca-file")
	f.Text(&o.SignFor, "sign-for")
	o.UserAgent = version.UserAgent()
}

// Read registers how objects become documents.
func (f Flags) Read(o *pipeline.Read) {
	f.group = groupRead
	f.Text(&o.Index, "index")
	f.Text(&o.Format, "format")
	f.Text(&o.TimeZone, "time-zone")
	f.Text(&o.TimeField, "time-field")
	f.Text(&o.Encoding, "encoding")
	f.Text(&o.Binary, "binary")
	f.Rules(&o.Drop, "drop")
	f.Text(&o.Fields, "fields")
	f.Boolean(&o.Original, "original")
	f.Size(&o.MaxRecordBytes, "max-record-bytes")
	f.Size(&o.MaxObjectBytes, "max-object-bytes")
	f.Number(&o.MaxRatio, "max-ratio")
	f.group = groupLogs
	f.Text(&o.Logs.Numbers, "logs-numbers")
	f.Text(&o.Logs.JSON, "logs-json")
	f.Text(&o.Logs.Messages, "logs-messages")
	f.Text(&o.Logs.NestUnder, "logs-nest-under")
	f.Text(&o.Logs.Index, "logs-index")
}

// Select registers which objects are taken.
func (f Flags) Select(o *pipeline.Selection) {
	f.group = groupSelect
	f.Rules(&o.Include, "include")
	f.Rules(&o.Exclude, "exclude")
	f.Text(&o.Since, "since")
	f.Text(&o.Until, "until")
	f.Text(&o.Sample, "sample")
	f.Text(&o.Order, "order")
}

// Write registers the budgets of the writer.
func (f Flags) Write(o *pipeline.Write) {
	f.group = groupWrite
	f.Number(&o.MaxInFlight, "max-in-flight")
	f.Size(&o.BatchBytes, "batch-bytes")
	f.Number(&o.BatchDocs, "batch-docs")
	f.Duration(&o.Linger, "linger")
	f.Duration(&o.RetryBudget, "retry-budget")
	f.Boolean(&o.Gzip, "gzip")
	f.Boolean(&o.IndexInPath, "index-in-path")
	f.Boolean(&o.NoIDs, "no-ids")
	f.Text(&o.Conflicts, "conflicts")
}
