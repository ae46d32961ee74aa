// Package python is the Python package around the program. Of it, the program itself has the data model by which the
// AWS command line and boto3 read and write the documents of a domain.
package python

import (
	"embed"
	"io/fs"
)

// files are embedded as they are in the wheel.
//
//go:embed src/penstock_aws/data
var files embed.FS

// Models returns the data models, as a directory for AWS_DATA_PATH has them.
func Models() fs.FS {
	models, err := fs.Sub(files, "src/penstock_aws/data")
	if err != nil {
		panic(err) // the path is one of those embedded
	}
	return models
}
