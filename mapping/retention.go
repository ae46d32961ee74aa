package mapping

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/domain"
)

// Retention says which indexes a domain deletes by itself, and when.
type Retention struct {
	// Name is that of the policy in the domain.
	Name string
	// Pattern are the indexes: a text that ends in -*, or the name of a data stream.
	Pattern string
	// Stream says that the pattern is of data streams, whose indexes follow one another.
	Stream bool
	// Keep is how long their records stay, as it was asked for, and Age how old an index is then, counted from when it was
	// made, or of a data stream from when the next one followed: 30d, 36h.
	Keep, Age string
	// Of is what it was asked for by, in a sentence.
	Of string
}

// Keeper is what deletes indexes in a domain.
type Keeper string

// The keepers that there are.
const (
	ISM    Keeper = "/_plugins/_ism/policies"    // Index State Management of OpenSearch
	OldISM Keeper = "/_opendistro/_ism/policies" // the same in the managed Elasticsearch 6.8 to 7.10
	ILM    Keeper = "/_ilm/policy"               // index lifecycle management of Elasticsearch
)

// ErrNoKeeper says that a domain deletes no indexes by itself.
var ErrNoKeeper = errors.New("the domain has neither Index State Management nor index lifecycle management")

// FindKeeper asks a domain what deletes its indexes.
func FindKeeper(ctx context.Context, d *domain.Domain, e Engine) (Keeper, error) {
	all := []Keeper{ISM, OldISM}
	if e.Distribution == "elasticsearch" {
		all = []Keeper{OldISM, ILM}
	}
	for _, k := range all {
		path := string(k)
		if k != ILM { // not every version lists them; where there is no such thing, there is no such path
			path += "/penstock-none"
		}
		_, err := exchange(ctx, d, http.MethodGet, path, nil)
		answer, ok := errors.AsType[*domain.Error](err)
		switch {
		case err == nil, ok && k != ILM && answer.Status == http.StatusNotFound:
			return k, nil
		case ok && (answer.Status == http.StatusNotFound || answer.Kind == domain.BadRequest):
			continue // no such path in this engine
		}
		return "", fmt.Errorf("look for retention: GET %s: %w", path, err)
	}
	return "", ErrNoKeeper
}

// Policy is the body of a retention's policy.
func (r *Retention) Policy(k Keeper) map[string]any {
	if k == ILM {
		phases := map[string]any{
			"hot":    map[string]any{"actions": map[string]any{}},
			"delete": map[string]any{"min_age": r.Age, "actions": map[string]any{"delete": map[string]any{}}},
		}
		if r.Stream {
			phases["hot"] = map[string]any{"actions": map[string]any{
				"rollover": map[string]any{"max_age": rolloverAge, "max_size": rolloverSize},
			}}
		}
		return map[string]any{"policy": map[string]any{"phases": phases}}
	}
	actions, condition := []any{}, "min_index_age"
	if r.Stream {
		actions = []any{map[string]any{
			"rollover": map[string]any{"min_index_age": rolloverAge, "min_size": rolloverSize},
		}}
		condition = "min_rollover_age"
	}
	var template any = map[string]any{
		"index_patterns": []any{r.Pattern}, "priority": priority(r.Pattern),
	}
	if k == ISM { // the older one takes no list
		template = []any{template}
	}
	return map[string]any{"policy": map[string]any{
		"description":   "written by " + author + ": " + r.Of + " keeps its records for " + r.Keep,
		"default_state": "kept",
		"states": []any{
			map[string]any{"name": "kept", "actions": actions, "transitions": []any{
				map[string]any{"state_name": "deleted", "conditions": map[string]any{condition: r.Age}},
			}},
			map[string]any{
				"name": "deleted", "actions": []any{map[string]any{"delete": map[string]any{}}}, "transitions": []any{},
			},
		},
		"ism_template": template,
	}}
}

// When an index of a data stream is followed by the next one.
const (
	rolloverAge  = "1d"
	rolloverSize = "50gb"
)

// Serverless is the lifecycle policy of a collection, as its service's own API takes it, which no request to the
// collection makes.
func (r *Retention) Serverless(collection string) map[string]any {
	return map[string]any{"Rules": []any{map[string]any{
		"ResourceType": "index", "Resource": []any{"index/" + collection + "/" + r.Pattern}, "MinIndexRetention": r.Keep,
	}}}
}

// Kept is a retention with what the domain has in its place.
type Kept struct {
	Retention
	Keeper Keeper
	State  State
	// Indexes are those that are there today and that it takes in.
	Indexes []string

	there   map[string]any
	version string // of what is there, for a request that replaces it
}

// ReadRetention compares a retention with that of the domain, and lists what it takes in today.
func ReadRetention(ctx context.Context, d *domain.Domain, k Keeper, r Retention) (*Kept, error) {
	out := &Kept{Retention: r, Keeper: k, State: Missing}
	path := string(k) + "/" + url.PathEscape(r.Name)
	text, err := exchange(ctx, d, http.MethodGet, path, nil)
	if err == nil {
		err = out.read(d, text)
	} else if isMissing(err) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("read retention: GET %s: %w", path, err)
	}
	out.Indexes, err = indexesOf(ctx, d, r.Pattern)
	return out, err
}

// read takes what the domain has.
func (k *Kept) read(d *domain.Domain, text []byte) error {
	var whole map[string]any
	if err := unmarshal(d, text, &whole); err != nil {
		return err
	}
	if k.Keeper == ILM {
		whole, _ = whole[k.Name].(map[string]any)
	} else {
		var numbers struct {
			SeqNo       int64 `json:"_seq_no"`
			PrimaryTerm int64 `json:"_primary_term"`
		}
		if err := unmarshal(d, text, &numbers); err != nil {
			return err
		}
		k.version = fmt.Sprintf("?if_seq_no=%d&if_primary_term=%d", numbers.SeqNo, numbers.PrimaryTerm)
	}
	k.there, _ = whole["policy"].(map[string]any)
	want, _ := k.Policy(k.Keeper)["policy"].(map[string]any)
	description, _ := k.there["description"].(string)
	switch {
	case holds(k.there, plain(want)):
		k.State = Same
	case k.Keeper != ILM && !strings.HasPrefix(description, "written by "+author):
		k.State = Foreign
	default:
		k.State = Older
	}
	return nil
}

// plain is a value as it comes out of JSON.
func plain(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var out any
	if json.Unmarshal(text, &out) != nil {
		return v
	}
	return out
}

// holds reports whether a value of the domain is what it should be. What the domain adds to an object is its own; a
// list has no more than it should.
func holds(have, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		if list, isList := have.([]any); isList && len(list) == 1 {
			have = list[0]
		}
		have, ok := have.(map[string]any)
		for name, value := range want {
			ok = ok && holds(have[name], value)
		}
		return ok
	case []any:
		list, ok := have.([]any)
		if !ok { // one object stands for a list of one
			list = []any{have}
		}
		if have == nil {
			list = nil
		}
		return slices.EqualFunc(list, want, holds)
	}
	return reflect.DeepEqual(have, want)
}

// indexesOf lists the indexes of a pattern, those behind data streams among them.
func indexesOf(ctx context.Context, d *domain.Domain, pattern string) ([]string, error) {
	path := "/" + url.PathEscape(pattern) + "/_settings/index.creation_date?flat_settings=true&expand_wildcards=all" +
		"&ignore_unavailable=true&allow_no_indices=true"
	text, err := exchange(ctx, d, http.MethodGet, path, nil)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list indexes: GET %s: %w", path, err)
	}
	var all map[string]json.RawMessage
	if err := unmarshal(d, text, &all); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// Apart leaves each index to the retention with the longest pattern, as the keepers do with those to come.
func Apart(all []*Kept) {
	for _, k := range all {
		k.Indexes = slices.DeleteFunc(k.Indexes, func(name string) bool {
			return slices.ContainsFunc(all, func(other *Kept) bool {
				prefix, ok := strings.CutSuffix(other.Pattern, "*")
				return ok && len(other.Pattern) > len(k.Pattern) && strings.HasPrefix(name, prefix)
			})
		})
	}
}

// PutRetention puts the policy of a retention and has it take in the indexes that are there.
func PutRetention(ctx context.Context, d *domain.Domain, k *Kept) error {
	path := string(k.Keeper) + "/" + url.PathEscape(k.Name)
	if err := put(ctx, d, path+k.version, k.Policy(k.Keeper)); err != nil {
		return fmt.Errorf("put retention: PUT %s: %w", path, err)
	}
	for _, index := range k.Indexes {
		var err error
		at := "/" + url.PathEscape(index)
		if k.Keeper == ILM {
			at += "/_settings"
			err = put(ctx, d, at, map[string]any{lifecycleName: k.Name})
		} else {
			err = k.take(ctx, d, index)
		}
		if err != nil {
			return fmt.Errorf("put retention: %s: %w", index, err)
		}
	}
	return nil
}

// take has Index State Management take in an index. One that has a policy already gets this one.
func (k *Kept) take(ctx context.Context, d *domain.Domain, index string) error {
	base := strings.TrimSuffix(string(k.Keeper), "/policies")
	var failed struct {
		Failures bool `json:"failures"`
		Indexes  []struct {
			Reason string `json:"reason"`
		} `json:"failed_indices"`
	}
	for _, verb := range []string{"add", "change_policy"} {
		body, err := json.Marshal(map[string]any{"policy_id": k.Name})
		if err != nil {
			return err
		}
		text, err := exchange(ctx, d, http.MethodPost, base+"/"+verb+"/"+url.PathEscape(index), body)
		if err != nil {
			return err
		}
		failed.Failures = false
		if err := unmarshal(d, text, &failed); err != nil {
			return err
		}
		if !failed.Failures {
			return nil
		}
	}
	why := "the domain does not take it in"
	if len(failed.Indexes) > 0 {
		why = failed.Indexes[0].Reason
	}
	return errors.New(why)
}
