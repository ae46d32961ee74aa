package rules

// Keep keeps records: no drop and no sample behind it leaves them out.
type Keep struct {
	// Reason is why, in a word or two.
	Reason string
}

// Word is part of Verb.
func (Keep) Word() string { return "keep" }

// Why is the reason.
func (k Keep) Why() string { return k.Reason }

// Compile is part of Verb.
func (Keep) Compile(*Env) (Action, error) { return keeping{}, nil }

type keeping struct{}

// Apply is part of Action.
func (keeping) Apply(r *Record) (Verdict, error) {
	r.kept = true
	return Done, nil
}
