// Package fault makes a domain misbehave on purpose, for people who test their own clients. [Faults.Around] wraps a
// gate: it draws the [Plan] of each request, and the gate asks the plan wherever a gate can fail. [Faults.Before] wraps
// the engine behind the gate.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

// Faults are the faults of one domain. The zero value injects nothing. All methods may be called from several
// goroutines, and Set while requests are served.
type Faults struct {
	mu    sync.Mutex
	spec  string
	rules []fault
	rng   *rand.Rand
	fired map[string]int64
}

// fault is one rule of a specification.
type fault struct {
	kind     string
	chance   float64
	duration time.Duration
	eitherWay
	status int
}

// eitherWay says that the sign of a duration is drawn anew for each request.
type eitherWay bool

// The kinds of faults.
const (
	fault429        = "429"
	fault503        = "503"
	faultText429    = "text429"
	faultLatency    = "latency"
	faultBefore     = "reset-before"
	faultAfter      = "reset-after"
	faultToken      = "expired-token"
	faultSkew       = "clock-skew"
	faultBulkItem   = "bulk-item"
	faultAuthz      = "authz"
	faultNoDump     = "short-signature"
	faultSeed       = "seed"
	defaultSeed     = 1
	maxFaultLatency = 10 * time.Minute
)

// Parse reads a comma-separated list of faults. Each may end with @P%, the share of the requests that it strikes.
// Without it, it strikes all of them:
//
//	429              the engine rejects the call (JSON)
//	503              the engine has no master
//	text429          the edge throttles, in plain text
//	latency=200ms    the answer is held back
//	reset-before     the connection is reset before the call reaches the engine
//	reset-after      the connection is reset after the engine carried the call out
//	expired-token    a signed call is told that its token has expired
//	clock-skew=10m   the domain's clock is fast; slow with a minus; fast or slow with ±
//	bulk-item=429    a share of the items of a _bulk call is refused with this status (400 403 404 409 429 500 503);
//	                 409 strikes a "create" with an id, after the engine has created the document
//	authz            the authorization engine fails
//	short-signature  signature errors do not show the canonical request
//	seed=7           the seed of the draws; the same seed gives the same draws
//
// A request counts for every fault on its own: "429@10%,503@10%" strikes about 19 of 100 requests.
func Parse(spec string) (*Faults, error) {
	f := &Faults{}
	if err := f.Set(spec); err != nil {
		return nil, err
	}
	return f, nil
}

// Set replaces the faults, and starts the draws and counts anew. When it returns an error nothing has changed.
func (f *Faults) Set(spec string) error {
	var rules []fault
	seed := uint64(defaultSeed)
	for text := range strings.SplitSeq(spec, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		rule, err := parseFault(text)
		if err != nil {
			return fmt.Errorf("parse fault %q: %w", text, err)
		}
		if rule.kind == faultSeed {
			seed = uint64(rule.status) //nolint:gosec // the parser refuses negative seeds
			continue
		}
		rules = append(rules, rule)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spec, f.rules = spec, rules
	f.rng = rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)) //nolint:gosec // draws that a seed repeats are the point
	f.fired = map[string]int64{}
	return nil
}

func parseFault(text string) (fault, error) {
	head, share, limited := strings.Cut(text, "@")
	kind, value, _ := strings.Cut(head, "=")
	f := fault{kind: kind, chance: 1}
	if limited {
		percent, err := strconv.ParseFloat(strings.TrimSuffix(share, "%"), 64)
		if err != nil || !strings.HasSuffix(share, "%") || !(percent >= 0 && percent <= 100) {
			return f, fmt.Errorf("share %q: want a percentage such as 10%%", share)
		}
		f.chance = percent / 100
	}
	var err error
	switch kind {
	case fault429, fault503, faultText429, faultBefore, faultAfter, faultToken, faultAuthz, faultNoDump:
		if value != "" {
			err = errors.New("takes no value")
		}
	case faultLatency:
		f.duration, err = faultDuration(kind, value)
		if err == nil && (f.duration < 0 || f.duration > maxFaultLatency) {
			err = fmt.Errorf("latency outside 0 to %v", maxFaultLatency)
		}
	case faultSkew:
		rest, either := strings.CutPrefix(value, "±")
		f.eitherWay = eitherWay(either)
		f.duration, err = faultDuration(kind, rest)
	case faultBulkItem:
		f.status, err = faultNumber(kind, value)
		if _, known := itemErrors()[f.status]; err == nil && !known {
			err = fmt.Errorf("status %d: want one of %v", f.status, slices.Sorted(maps.Keys(itemErrors())))
		}
	case faultSeed:
		f.status, err = faultNumber(kind, value)
		if err == nil && f.status < 0 {
			err = errors.New("a seed is not negative")
		}
	default:
		err = errors.New("unknown fault")
	}
	return f, err
}

func faultDuration(kind, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0, fmt.Errorf("%s %q: want a duration such as 200ms", kind, value)
	}
	return d, nil
}

func faultNumber(kind, value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil {
		return 0, fmt.Errorf("%s %q: want a number", kind, value)
	}
	return n, nil
}

// Spec is the specification that was last set.
func (f *Faults) Spec() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.spec
}

// Fired counts the faults that struck since the last Set, by their names in the specification.
func (f *Faults) Fired() map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := maps.Clone(f.fired)
	if out == nil {
		out = map[string]int64{}
	}
	return out
}

func (f *Faults) count(kind string, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fired[kind] += n
}

// Plan holds the faults that strike one request, wherever it gets far enough for them.
type Plan struct {
	faults *Faults
	hits   []fault
	skew   time.Duration
}

// draw decides which faults strike the next request. It returns nil when nothing is to be injected.
func (f *Faults) draw() *Plan {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.rules) == 0 {
		return nil
	}
	p := &Plan{faults: f}
	for _, rule := range f.rules {
		// The share of bulk-item is a share of items, which are drawn later, one by one.
		if rule.kind != faultBulkItem && f.rng.Float64() >= rule.chance {
			continue
		}
		if rule.kind == faultSkew {
			if rule.eitherWay && f.rng.IntN(2) == 0 {
				rule.duration = -rule.duration
			}
			p.skew += rule.duration
			f.fired[faultSkew]++
		}
		p.hits = append(p.hits, rule)
	}
	return p
}

// strike returns the request's fault of a kind and counts it, or returns nil.
func (p *Plan) strike(kind string) *fault {
	if p == nil {
		return nil
	}
	for i := range p.hits {
		if p.hits[i].kind == kind {
			p.faults.count(kind, 1)
			return &p.hits[i]
		}
	}
	return nil
}

// ExpiresToken says that the token of a signed call has expired, and counts it.
func (p *Plan) ExpiresToken() bool { return p.strike(faultToken) != nil }

// FailsAuthorization says that the authorization engine fails, and counts it.
func (p *Plan) FailsAuthorization() bool { return p.strike(faultAuthz) != nil }

// HidesRequest says that an error about a signature does not show the canonical request, and counts it.
func (p *Plan) HidesRequest() bool { return p.strike(faultNoDump) != nil }

// ClockSkew is how far the domain's clock is off for this request.
func (p *Plan) ClockSkew() time.Duration {
	if p == nil {
		return 0
	}
	return p.skew
}

// bulkRules are the faults that strike items.
func (p *Plan) bulkRules() []fault {
	if p == nil {
		return nil
	}
	var rules []fault
	for _, h := range p.hits {
		if h.kind == faultBulkItem {
			rules = append(rules, h)
		}
	}
	return rules
}

// item draws the status that one item of a _bulk call is refused with; 0 lets it pass. Only the creation of a document
// under an id can conflict.
func (p *Plan) item(rules []fault, of edge.BulkItem) int {
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	for _, rule := range rules {
		if rule.status == http.StatusConflict && (of.Op != "create" || of.ID == "") {
			continue
		}
		if p.faults.rng.Float64() < rule.chance {
			p.faults.fired[faultBulkItem+"="+strconv.Itoa(rule.status)]++
			return rule.status
		}
	}
	return 0
}
