package mapping

// FirstTyped is the first major version whose errors have types.
const FirstTyped = 2

// FirstKeyword is the first major version that tells text and keyword apart; before, both are strings.
const FirstKeyword = 5

// FirstUntyped is the first major version without mapping types in its paths.
const FirstUntyped = 7

// FirstThird is the major version that stands for OpenSearch 3.
const FirstThird = 9
