package format

import (
	"path"
	"strings"
)

// marker says why an object of this name holds no records, or nothing. The names are those that tools give to markers
// and indexes beside their data, and services to their tests, where these belong to no format. A name that ends like a
// folder's is none of them: there may be content behind it.
func marker(name string) string {
	base := path.Base(name)
	switch {
	case base == "_SUCCESS", strings.HasPrefix(base, "_committed_"), strings.HasPrefix(base, "_started_"),
		strings.HasSuffix(base, ".crc"),
		strings.HasPrefix(name, "_temporary/"), strings.Contains(name, "/_temporary/"):
		return "job marker"
	case base == "ConfigWritabilityCheckFile", base == "aws-logs-write-test":
		return "write test of a service"
	}
	return ""
}

// nothing says what an object without a byte is.
func nothing(name string) string {
	if strings.HasSuffix(name, "/") || strings.HasSuffix(name, "_$folder$") {
		return "folder marker"
	}
	return "empty"
}
