// Package advice knows the way out of an error: the code to exit with and a hint for the person who reads it, in the
// words of the command line.
package advice

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/lambda"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/shape"
	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/source"
)

// The exit codes of every command.
const (
	OK          = 0
	Internal    = 1
	Usage       = 2
	DeadLetters = 3
	Incomplete  = 4
	Refused     = 5
)

// UsageError is a wrong flag, argument or setting.
type UsageError struct {
	Err  error
	Hint string
}

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// ErrorType is the type of the error in the function's answers.
func (e *UsageError) ErrorType() string { return lambda.ErrorConfig }

// Usagef makes a UsageError with a hint.
func Usagef(hint, format string, args ...any) error {
	return &UsageError{Err: fmt.Errorf(format, args...), Hint: hint}
}

// Advice is what to do about an error: the code to exit with, and a hint for a person.
type Advice struct {
	Code int
	Hint string
}

const (
	runAgain  = "run the same command again; what has arrived is not doubled"
	thenAgain = "then run the same command again; what has arrived is not doubled"
)

var interrupted = Advice{Incomplete, "interrupted; run the same command again, what has arrived is not doubled"}

// For looks an error up by its type. An error may be of several types: the ones that tell most come first.
func For(err error) Advice {
	if e, ok := errors.AsType[*UsageError](err); ok {
		return Advice{Usage, e.Hint}
	}
	if e, ok := errors.AsType[*pipeline.OptionError](err); ok {
		return Advice{Usage, optionHints[e.Problem]}
	}
	if _, ok := errors.AsType[*pipeline.CheckpointError](err); ok {
		return Advice{Incomplete, "see to it that the file of --checkpoint can be written; " + runAgain}
	}
	if _, ok := errors.AsType[*penstock.BrakeError](err); ok {
		return Advice{Incomplete, "check --format, --index and the mapping of the index, then run the same command again; " +
			"nothing was put into the dead letters. --keep-going goes on"}
	}
	if _, ok := errors.AsType[*penstock.LetterError](err); ok {
		if e, ok := errors.AsType[*source.Error](err); ok {
			return sourceAdvice(e)
		}
		return Advice{Incomplete, "free space or name another directory with --dead-letters, then run the same command " +
			"again; a source is acknowledged only when its dead letters are stored"}
	}
	if errors.Is(err, sigv4.ErrNoCredentials) || errors.Is(err, sigv4.ErrExpiredCredentials) {
		return Advice{Refused, credentialsHint}
	}
	if e, ok := errors.AsType[*deadletter.Error](err); ok {
		if e.Op == "read" {
			return Advice{Usage, "name the directory of the dead letters with --dead-letters; " +
				"this user must be able to read it"}
		}
		return Advice{Incomplete, "let this user write there and free space, " + thenAgain}
	}
	if e, ok := errors.AsType[*pipeline.CredentialsError](err); ok {
		if e.Silent {
			return Advice{Incomplete, "the source of the credentials does not answer: run the same command again, " +
				"or give credentials in another way"}
		}
		d, _ := doctor.Explain(e)
		return Advice{Refused, Hint(d)}
	}
	if _, ok := errors.AsType[*sigv4.InsecureError](err); ok {
		return Advice{Usage, "use an https endpoint"}
	}
	if _, ok := errors.AsType[*bulk.IDsError](err); ok {
		return Advice{Incomplete, "run the same command again with --no-ids: time series and vector collections take no " +
			"ids; documents that are sent twice are then stored twice"}
	}
	if _, ok := errors.AsType[*penstock.AlteredError](err); ok {
		return Advice{Incomplete, "the object's bytes were altered on their way, and documents of them are in the domain: " +
			"when the connection to S3 is sound again, ship the object once with --overwrite; " +
			"in a data stream, delete its documents first"}
	}
	if e, ok := errors.AsType[*bulk.IndexError](err); ok {
		return indexAdvice(e)
	}
	if e, ok := errors.AsType[*domain.Error](err); ok {
		if errors.Is(e, context.Canceled) {
			return interrupted
		}
		return domainAdvice(e)
	}
	if _, ok := errors.AsType[*domain.ConfigError](err); ok {
		return Advice{Usage, "write it as " + endpointForm}
	}
	if e, ok := errors.AsType[*source.Error](err); ok {
		return sourceAdvice(e)
	}
	if _, ok := errors.AsType[*bulk.FatalError](err); ok {
		return Advice{Incomplete, runAgain}
	}
	if errors.Is(err, context.Canceled) {
		return interrupted
	}
	if penstock.IsTemporary(err) {
		return Advice{Incomplete, runAgain}
	}
	return Advice{Internal, ""}
}

const endpointForm = "https://search-name-id.region.es.amazonaws.com"

var optionHints = map[pipeline.Problem]string{
	pipeline.BadRegion:          "write it as eu-west-1",
	pipeline.BadRole:            "write it as arn:aws:iam::123456789012:role/NAME",
	pipeline.NoProfile:          "name a profile of ~/.aws/config with --profile",
	pipeline.NoRoleRegion:       "say where to ask for the role with --region",
	pipeline.LoneExternalID:     "name the role with --s3-role-arn",
	pipeline.NoDomain:           "name the endpoint with --domain https://… or PENSTOCK_DOMAIN",
	pipeline.BadDomain:          "write it as " + endpointForm,
	pipeline.BadEndpoint:        "write it as " + endpointForm + "; plain http is for loopback only",
	pipeline.BadSignFor:         "write it as search-name-id.region.es.amazonaws.com, without https:// and path",
	pipeline.NoRegion:           "say it with --region; this host name does not tell it, and it is never guessed",
	pipeline.BadService:         "es is a domain, aoss a serverless collection",
	pipeline.NeedlessCollection: "say --service aoss when this is a collection under another name",
	pipeline.NoCollection:       "name it with --collection",
	pipeline.BadAuthorities:     "name a PEM file with --ca-file",
	pipeline.BadS3Endpoint:      "write it as https://HOST or http://HOST:PORT",
	pipeline.BadLocation:        "write it as s3://bucket/prefix",
	pipeline.BadIndex:           "docs/documents.md explains index patterns; the default is " + shape.DefaultIndex,
	pipeline.BadChain:           "penstock check FILE says what is wrong with its rules; docs/redaction.md explains keys",
	pipeline.BadRule:            "docs/documents.md explains drop rules: --drop level=debug",
	pipeline.BadFields:          "docs/templates.md explains names of fields, docs/ocsf.md those of OCSF",
	pipeline.BadConflicts:       "docs/templates.md explains conflicts of types",
	pipeline.BadBinary:          "letter makes a dead letter of it, skip passes over it",
	pipeline.BadFormat:          `"penstock formats" lists the names`,
	pipeline.BadTimeZone: "--time-zone Europe/Berlin is for all formats, " +
		"--time-zone mysql-error=Europe/Berlin for one",
	pipeline.BadEncoding: "the names are those of https://encoding.spec.whatwg.org: " +
		"windows-1252, shift_jis, gbk, utf-16le",
	pipeline.BadLogs:       "docs/cloudwatch-logs.md explains them",
	pipeline.BadRoute:      "docs/routes.md explains routes; penstock check reports every mistake of a file",
	pipeline.NoTarget:      "define it under targets of the configuration file; docs/configuration.md explains targets",
	pipeline.BadRetention:  "docs/templates.md explains retention",
	pipeline.BadCheckpoint: "name another file, or remove this one to begin anew; docs/ship.md explains checkpoints",
	pipeline.BadSelection:  "docs/ship.md explains which objects are taken",
}

// credentialsHint is for whoever asks for credentials, of S3 too.
var credentialsHint = doctor.CredentialsMissing.Info().Fix

func indexAdvice(e *bulk.IndexError) Advice {
	if strings.HasPrefix(e.Err.Reason, "only write ops with an op_type of create") {
		return Advice{Incomplete, "leave --overwrite out: a data stream takes new documents only; " +
			"delete a wrong document there before its source is shipped again"}
	}
	what := "mend the index or choose another with --index"
	switch e.Err.Type {
	case "index_not_found_exception":
		what = "make the index, or let the domain make it (action.auto_create_index)"
	case "index_closed_exception":
		what = "open the index"
	case "validation_exception":
		what = "delete old indexes or allow more shards (cluster.max_shards_per_node)"
	case "mapper_parsing_exception", "document_parsing_exception":
		what = "map @timestamp as a date in an index template, and write to a new index"
	}
	return Advice{Incomplete, what + ", then run the same command again; the records are not in the dead letters"}
}

func domainAdvice(e *domain.Error) Advice {
	switch e.Kind {
	case domain.Unreachable, domain.NotADomain, domain.Refused, domain.Clock:
		d, _ := doctor.Explain(e)
		return Advice{domainCodes[e.Kind], Hint(d)}
	case domain.BadRequest:
		if strings.Contains(e.Reason, "explicit index in bulk is not allowed") {
			return Advice{Incomplete, "run the same command again with --index-in-path: " +
				"rest.action.multi.allow_explicit_index is false on this domain"}
		}
		return Advice{Incomplete, "the domain does not take such requests: check the index, its template and the domain's " +
			"settings, then run the same command again; nothing was lost"}
	}
	return Advice{Incomplete, "run the same command again when the domain has recovered; " +
		"what has arrived is not doubled"}
}

var domainCodes = map[domain.Kind]int{
	domain.Unreachable: Incomplete, domain.NotADomain: Usage, domain.Refused: Refused, domain.Clock: Refused,
}

// Hint is what to do about a cause, with its name.
func Hint(d doctor.Diagnosis) string {
	cause := Cause(d.Cause, d.Candidates)
	if d.Detail != "" {
		cause += "; " + d.Detail
	}
	return fmt.Sprintf("%s (cause: %s)", d.Cause.Info().Fix, cause)
}

// Cause is a cause, with what an open one may turn out to be.
func Cause(c doctor.Cause, candidates []doctor.Cause) string {
	var b strings.Builder
	b.WriteString(string(c))
	for i, c := range candidates {
		_, _ = fmt.Fprintf(&b, "%s%s", [...]string{", perhaps ", " or "}[min(i, 1)], c)
	}
	return b.String()
}

// sourceCauses are the kinds of failures of S3 that the table of causes has.
var sourceCauses = map[source.Kind]doctor.Cause{
	source.KindMissing:     doctor.BucketMissing,
	source.KindNoBucket:    doctor.BucketMissing,
	source.KindDenied:      doctor.BucketDenied,
	source.KindCredentials: doctor.CredentialsMissing,
	source.KindRegion:      doctor.BucketRegion,
	source.KindKey:         doctor.KMSDenied,
	source.KindArchived:    doctor.Archived,
	source.KindUnreachable: doctor.Unreached,
	source.KindThrottled:   doctor.Throttled,
}

// Explain is [doctor.Explain] for the failures of S3 too.
func Explain(err error) (doctor.Diagnosis, bool) {
	if d, ok := doctor.Explain(err); ok {
		return d, true
	}
	e, ok := errors.AsType[*source.Error](err)
	if !ok {
		return doctor.Diagnosis{}, false
	}
	if e.Kind == source.KindDenied && changes(e) {
		return doctor.Diagnosis{Cause: doctor.DeadLettersDenied, Fix: missing(e)}, true
	}
	cause, ok := sourceCauses[e.Kind]
	d := doctor.Diagnosis{Cause: cause}
	if cause == doctor.BucketDenied {
		d.Fix = missing(e)
	}
	return d, ok
}

// missing is the one statement that a refused call to S3 lacks.
func missing(e *source.Error) string {
	action, ok := map[string]string{
		"list": "s3:ListBucket", "open": "s3:GetObject", "read": "s3:GetObject", "write": "s3:PutObject",
		"delete": "s3:DeleteObject",
	}[e.Op]
	place, inBucket := strings.CutPrefix(e.Object, "s3://")
	if !ok || !inBucket || strings.HasPrefix(place, "arn:") {
		return ""
	}
	if e.Op == "list" {
		place, _, _ = strings.Cut(place, "/")
	}
	place, _, _ = strings.Cut(place, "?versionId=")
	return fmt.Sprintf("allow the caller this: {\"Effect\":\"Allow\",\"Action\":%q,\"Resource\":%q}", action,
		"arn:aws:s3:::"+place)
}

// changes reports whether something of ours was to be written or removed.
func changes(e *source.Error) bool { return e.Op == "write" || e.Op == "delete" }

func sourceAdvice(e *source.Error) Advice {
	if !strings.HasPrefix(e.Object, "s3://") {
		switch e.Kind {
		case source.KindMissing:
			if strings.HasPrefix(strings.ToLower(e.Object), "s3:") {
				return Advice{Usage, "an object of S3 is written as s3://bucket/key"}
			}
			return Advice{Usage, "check the name"}
		case source.KindDenied:
			return Advice{Refused, "let this user read it"}
		}
	}
	if e.Kind == source.KindDenied && changes(e) {
		return Advice{Refused, doctor.DeadLettersDenied.Info().Fix}
	}
	switch e.Kind {
	case source.KindMissing:
		return Advice{Usage, doctor.BucketMissing.Info().Fix}
	case source.KindNoBucket:
		return Advice{Usage, "check the bucket's name, and --endpoint-url when it is not in AWS"}
	case source.KindDenied:
		return Advice{Refused, doctor.BucketDenied.Info().Fix}
	case source.KindCredentials:
		return Advice{Refused, credentialsHint}
	case source.KindKey:
		return Advice{Refused, doctor.KMSDenied.Info().Fix}
	case source.KindRegion:
		return Advice{Usage, "name the bucket's region with --s3-region, " +
			"and with --endpoint-url an endpoint that serves it"}
	case source.KindName:
		return Advice{Usage, "name a bucket or the ARN of an access point, " +
			"s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/KEY; for an ARN leave out --path-style"}
	case source.KindUnreachable:
		return Advice{Incomplete, "check the network and --endpoint-url if you give it, " + thenAgain}
	case source.KindArchived:
		return Advice{Incomplete, doctor.Archived.Info().Fix}
	case source.KindNotAFile:
		return Advice{Usage, "name a file, a directory, - or an s3:// URL"}
	case source.KindAnswer:
		return Advice{Incomplete, "something between here and S3 may answer in its place: " +
			"check --endpoint-url and the proxies on the way, " + thenAgain}
	case source.KindChanged:
		return Advice{Incomplete, "run the same command again when nobody writes to it; what has arrived is not doubled"}
	}
	return Advice{Incomplete, runAgain}
}
