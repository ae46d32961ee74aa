// Package change makes changes to the documents of an index: it indexes, creates, updates and deletes them, with their
// versions and what the engines say of conflicts.
package change

import (
	"encoding/json"
	"net/http"

	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// Op is one change to one document, and what came of it.
type Op struct {
	Action  string // index, create, update, delete
	Index   string
	DocType string
	ID      string
	Routing string
	Source  json.RawMessage // of an update: what the API's body says

	Pipeline     string
	RequireAlias bool
	Version      int64  // 0: any
	VersionType  string // external, external_gte, or empty
	IfSeq        int64  // -1: any
	IfTerm       int64  // -1: any
	Update       *Update
	WantSource   *wire.SourceFilter // of an update

	// What came of it.
	Err        *wire.Failure
	Result     string
	NewVersion int64
	NewSeq     int64
	Target     *store.Index

	updated json.RawMessage // the source that an update left
}

// NewOp is a change that may find the document in any state.
func NewOp() *Op { return &Op{IfSeq: -1, IfTerm: -1} }

// SetVersionType takes what version_type says.
func (o *Op) SetVersionType(value string) error {
	switch value {
	case "internal":
	case "external", "external_gt":
		o.VersionType = "external"
	case "external_gte":
		o.VersionType = value
	default:
		return wire.Illegal("No version type match [%s]", value)
	}
	return nil
}

// maxID is how long an id may be, in bytes.
const maxID = 512

// Check refuses what no index takes.
func (o *Op) Check() *wire.Failure {
	if len(o.ID) > maxID {
		return wire.Invalid("id [%s] is too long, must be no longer than %d bytes but was: %d", o.ID, maxID, len(o.ID))
	}
	if o.Action == "update" {
		switch {
		case o.Update == nil || o.Update.doc == nil && !o.Update.script && o.Update.upsert == nil:
			return wire.Invalid("script or doc is missing")
		case o.Update.doc == nil && !o.Update.script:
			return wire.Invalid("script or doc is missing")
		case o.Update.doc != nil && o.Update.script:
			return wire.Invalid("can't provide both script and doc")
		case o.Update.docAsUpsert && o.Update.doc == nil:
			return wire.Invalid("doc must be specified if doc_as_upsert is enabled")
		}
	}
	if o.Version != 0 && o.VersionType == "" {
		return wire.Invalid("internal versioning can not be used for optimistic concurrency control. Please use " +
			"`if_seq_no` and `if_primary_term` instead")
	}
	return nil
}

// Status is that of the answer about a change that was made.
func (o *Op) Status() int {
	switch o.Result {
	case "created":
		return http.StatusCreated
	case "not_found":
		return http.StatusNotFound
	}
	return http.StatusOK
}

// Updated is the source of an updated document, when it was asked for.
func (o *Op) Updated() any {
	if o.Action != "update" || o.WantSource == nil || o.updated == nil || !o.WantSource.Wanted() {
		return nil
	}
	return wire.Obj("_seq_no", o.NewSeq, "_primary_term", 1, "found", true, "_source", o.WantSource.Apply(o.updated))
}
