package guard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Profile names a wording of refusals. Domains have several, by their age.
type Profile string

// The message profiles, by the year from which domains answered in that way.
const (
	// Profile2015 names the whole resource: "… on resource: arn:aws:es:REGION:ACCOUNT:domain/NAME/PATH".
	Profile2015 Profile = "2015"
	// Profile2017 names the domain: "… on resource: NAME".
	Profile2017 Profile = "2017"
	// Profile2018 stops after the action.
	Profile2018 Profile = "2018"
	// ProfileCurrent says which kind of policy did not allow, or denied, the action.
	ProfileCurrent Profile = "current"
)

// ParseProfile accepts the names of the message profiles.
func ParseProfile(s string) (Profile, error) {
	switch p := Profile(s); p {
	case Profile2015, Profile2017, Profile2018, ProfileCurrent:
		return p, nil
	}
	return "", fmt.Errorf("unknown message profile %q: want 2015, 2017, 2018 or current", s)
}

// Mode says how much of a request the policy is asked about.
type Mode string

const (
	// ModeParity judges method and URL, as the service does. It does not look at the indexes that a _bulk, _mget or
	// _msearch body names: a caller who may POST to /_bulk may write to any index.
	ModeParity Mode = "parity"
	// ModeStrict judges each index that the URL or the body names by itself, and refuses the whole request when one of
	// them is refused.
	ModeStrict Mode = "strict"
)

// ParseMode accepts "parity" and "strict".
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case ModeParity, ModeStrict:
		return m, nil
	}
	return "", fmt.Errorf("unknown mode %q: want parity or strict", s)
}

// Compat is how a domain of a certain time behaved: the wording of its refusals and the engine behind it.
type Compat struct {
	// Messages is the wording of refusals.
	Messages Profile
	// Engine names a profile of the embedded engine.
	Engine string
}

// ParseCompat returns the compatibility that a name stands for. [CompatNames] lists the names.
func ParseCompat(name string) (Compat, error) {
	all := compats()
	if c, ok := all[name]; ok {
		return c, nil
	}
	return Compat{}, fmt.Errorf("unknown compatibility profile %q: want one of %s", name,
		strings.Join(CompatNames(), ", "))
}

// CompatNames lists what ParseCompat accepts, sorted.
func CompatNames() []string { return slices.Sorted(maps.Keys(compats())) }

func compats() map[string]Compat {
	return map[string]Compat{
		"2015-10": {Profile2015, "elasticsearch-1.5.2"},
		"2017":    {Profile2017, "elasticsearch-1.5.2"},
		"2018":    {Profile2018, "elasticsearch-7.10.2"},
		"2021":    {Profile2018, "elasticsearch-7.10.2"},
		"2022":    {Profile2018, "opensearch-2"},
		"2024":    {ProfileCurrent, "opensearch-2"},
		"current": {ProfileCurrent, "opensearch-3"},
	}
}
