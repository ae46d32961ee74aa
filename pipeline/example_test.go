package pipeline_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed56735111/penstock/pipeline"
)

// What lies below a prefix of S3 goes into a domain.
func Example() {
	ctx := context.Background()
	p, err := pipeline.Open(ctx, pipeline.Options{
		Sources: pipeline.Sources{Names: []string{"s3://my-logs/AWSLogs/"}},
		Target:  pipeline.Target{URL: "https://search-x.eu-west-1.es.amazonaws.com"},
	})
	if err != nil {
		log.Fatal(err)
	}
	result, err := p.Run(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Delivered, "delivered,", result.ItemsGivenBack, "to be shipped again")
}

// What a stream brings goes into a domain without a gate. The health checks stay out.
func ExampleOpen() {
	records := `{"time":"2026-11-24T08:00:00Z","path":"/orders"}
{"time":"2026-11-24T08:00:01Z","path":"/health"}
`
	domain := httptest.NewServer(http.HandlerFunc(takeEverything))
	defer domain.Close()

	p, err := pipeline.Open(context.Background(), pipeline.Options{
		Sources: pipeline.Sources{Names: []string{"-"}, Stdin: strings.NewReader(records)},
		Read:    pipeline.Read{Index: "app-{yyyy.MM}", Drop: []string{"path=/health"}},
		Target:  pipeline.Target{URL: domain.URL, NoSign: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	result, err := p.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Records, "records:", result.Delivered, "delivered,", result.Dropped, "dropped")
	// Output: 2 records: 1 delivered, 1 dropped
}

// takeEverything answers as a domain does that stores every document.
func takeEverything(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, `{"version":{"number":"2.19.1","distribution":"opensearch"},"tagline":"x"}`)
		return
	}
	body, _ := io.ReadAll(r.Body)
	items := make([]string, strings.Count(string(body), "\n")/2)
	for i := range items {
		items[i] = `{"create":{"status":201}}`
	}
	_, _ = fmt.Fprintf(w, `{"errors":false,"items":[%s]}`, strings.Join(items, ","))
}
