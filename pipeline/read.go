package pipeline

import (
	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/shape"
)

// Read says how objects become documents. Zero fields have the defaults of the stages.
type Read struct {
	// Index is the pattern of index names, shape.DefaultIndex when empty.
	Index string
	// Format is what everything is read as, empty for recognising it.
	Format string
	// Binary says what becomes of content that is no text: "letter", or nothing, makes a dead letter by reference of it, "skip"
	// passes over it.
	Binary string
	// Drop are rules, as in docs/documents.md: records that match one are left out.
	Drop []string
	// MaxRecordBytes is the longest record; a longer one becomes a dead letter by reference.
	MaxRecordBytes int64
	// MaxObjectBytes is the most plain bytes that one object may decode to, and MaxRatio the most for each stored byte.
	MaxObjectBytes int64
	MaxRatio       int
}

// Stages returns a pipeline that lacks a source, a deliverer and dead letters, and has no drop rules yet.
func (o *Read) Stages() (*penstock.Pipeline, error) {
	recognizer, err := o.recognizer()
	if err != nil {
		return nil, err
	}
	shaper, err := shape.New(shape.Config{Index: o.Index})
	if err != nil {
		return nil, &OptionError{BadIndex, err}
	}
	return &penstock.Pipeline{
		Decoder:    decode.New(decode.Limits{MaxBytes: o.MaxObjectBytes, MaxRatio: float64(o.MaxRatio)}),
		Recognizer: recognizer, Shaper: shaper,
	}, nil
}

// Rules returns the drop rules, whose Shaper goes around that of the stages.
func (o *Read) Rules() (*shape.Rules, error) {
	rules, err := shape.ParseRules(o.Drop)
	if err != nil {
		return nil, &OptionError{BadRule, err}
	}
	return rules, nil
}

func (o *Read) recognizer() (*format.Detector, error) {
	if o.Binary != "" && o.Binary != "letter" && o.Binary != "skip" {
		return nil, optionf(BadBinary, "--binary is %q: want letter or skip", o.Binary)
	}
	d, err := format.New(format.Config{Force: o.Format, MaxRecordBytes: int(o.MaxRecordBytes), SkipBinary: o.Binary == "skip"})
	if err != nil {
		return nil, &OptionError{BadFormat, err}
	}
	return d, nil
}
