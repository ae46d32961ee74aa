package rules

import (
	"errors"
	"math"

	"github.com/zeebo/xxh3"
)

// Sample keeps a part of the records and leaves the others out. Which they are follows from their ids, so that the same
// ones are kept another time.
type Sample struct {
	// Share is the part to keep, above 0 and at most 1.
	Share float64
}

// Word is part of Verb.
func (Sample) Word() string { return "sample" }

// Compile is part of Verb.
func (s Sample) Compile(*Env) (Action, error) {
	if !(s.Share > 0 && s.Share <= 1) {
		return nil, errors.New("the part is not between 0% and 100%")
	}
	if s.Share == 1 {
		return sampling(math.MaxUint64), nil
	}
	return sampling(s.Share * (1 << 64)), nil
}

// sampling is the highest hash of an id that is kept.
type sampling uint64

// seed parts the samples from everything else that is made of a hash.
const seed = 0x73616d706c65

// Apply is part of Action.
func (s sampling) Apply(r *Record) (Verdict, error) {
	if xxh3.HashSeed(r.ID(), seed) <= uint64(s) {
		return Nothing, nil
	}
	return LeftOut, nil
}

func (sampling) byID() {}
