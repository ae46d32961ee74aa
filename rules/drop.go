package rules

// Drop leaves records out.
type Drop struct {
	// Reason is why, in a word or two.
	Reason string
}

// Word is part of Verb.
func (Drop) Word() string { return "drop" }

// Why is the reason.
func (d Drop) Why() string { return d.Reason }

// Compile is part of Verb.
func (Drop) Compile(*Env) (Action, error) { return dropping{}, nil }

type dropping struct{}

// Apply is part of Action.
func (dropping) Apply(*Record) (Verdict, error) { return LeftOut, nil }
