package cli

import (
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/decode/avro"
	"github.com/seed56735111/penstock/decode/parquet"
)

// tables read the files that have rows.
var tables = decode.Tables{Parquet: parquet.Open, Avro: avro.Open}
