// Command penstock-lambda is the Lambda function alone, the bootstrap in lambda.zip. "penstock lambda" is the same.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/decode/avro"
	"github.com/seed56735111/penstock/decode/parquet"
	"github.com/seed56735111/penstock/internal/advice"
	"github.com/seed56735111/penstock/internal/function"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := function.New(function.Config{
		Metrics: os.Stdout, Tables: decode.Tables{Parquet: parquet.Open, Avro: avro.Open},
		Logger: func(level slog.Level) *slog.Logger {
			return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
		},
	})
	if err != nil {
		way := advice.For(err)
		fmt.Fprintln(os.Stderr, "penstock: error:", err)
		if way.Hint != "" {
			fmt.Fprintln(os.Stderr, "penstock: hint:", way.Hint)
		}
		os.Exit(way.Code) //nolint:gocritic // nothing waits for the signals
	}
	f.Serve(ctx)
}
