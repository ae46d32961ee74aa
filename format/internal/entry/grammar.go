package entry

// Grammar is how the entries of a format are told and read. It is used by many goroutines at once; what it keeps from
// one entry to the next is kept with the Reader, by [State].
type Grammar interface {
	// Told reports whether the sample of an entry that is about to be read is of the format.
	Told(r *Reader) bool
	// Read hands over all records of an entry. It allocates nothing for a record. What does not fit becomes an unparsed
	// record; what frames records is given to [Reader.Frame].
	Read(r *Reader, y Yield)
	// Documented returns the fields that a document may have, as far as their types are known.
	Documented() []Field
}

// Configurable is a Grammar with parameters.
type Configurable interface {
	Grammar
	// With returns the grammar with a parameter.
	With(key, value string) (Grammar, error)
}

// Timed is a Grammar whose records have names, of which somebody may say that they have the time.
type Timed interface {
	Grammar
	// TimedBy returns the grammar with the names of the time, the best one first.
	TimedBy(names []string) Grammar
}

// Forcible is a Grammar that reads in another way what it is forced to read.
type Forcible interface {
	Grammar
	Forced() Grammar
}
