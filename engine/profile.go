package engine

import (
	"encoding/json"
	"fmt"
	"strings"
)

// profile is a version of a real engine that this one answers like.
type profile struct {
	major        int    // 8 and 9 are OpenSearch 2 and 3
	distribution string // "opensearch", or empty
	number       string
	banner       func(e *Engine) []byte
}

// Profiles lists the names that Config.Profile takes.
func Profiles() []string {
	return []string{"elasticsearch-1.5.2", "elasticsearch-7.10.2", "opensearch-2", "opensearch-3"}
}

func profiles() map[string]profile {
	return map[string]profile{
		"elasticsearch-1.5.2":  {1, "", "1.5.2", banner1},
		"elasticsearch-7.10.2": {7, "", "7.10.2", banner7},
		"opensearch-2":         {8, "opensearch", "2.19.1", bannerOpenSearch},
		"opensearch-3":         {9, "opensearch", "3.3.0", bannerOpenSearch},
	}
}

// banner1 is the answer of a domain of 2015, spaces and all.
func banner1(e *Engine) []byte {
	return fmt.Appendf(nil, `{
  "status" : 200,
  "name" : "Man-Killer",
  "cluster_name" : %s,
  "version" : {
    "number" : "1.5.2",
    "build_hash" : "62ff9868b4c8a0c45860bebb259e21980778ab1c",
    "build_timestamp" : "2015-04-27T09:21:06Z",
    "build_snapshot" : false,
    "lucene_version" : "4.10.4"
  },
  "tagline" : "You Know, for Search"
}
`, quote(e.cfg.ClusterName))
}

func banner7(e *Engine) []byte {
	return fmt.Appendf(nil, `{
  "name" : %s,
  "cluster_name" : %s,
  "cluster_uuid" : "mJ0y1BqVQzGmW4q1nXKq3w",
  "version" : {
    "number" : "7.10.2",
    "build_flavor" : "oss",
    "build_type" : "tar",
    "build_hash" : "unknown",
    "build_date" : "2021-01-13T00:42:12.435326Z",
    "build_snapshot" : false,
    "lucene_version" : "8.7.0",
    "minimum_wire_compatibility_version" : "6.8.0",
    "minimum_index_compatibility_version" : "6.0.0-beta1"
  },
  "tagline" : "You Know, for Search"
}
`, quote(e.node), quote(e.cfg.ClusterName))
}

func bannerOpenSearch(e *Engine) []byte {
	lucene, wire, index := "9.12.1", "7.10.0", "7.0.0"
	if strings.HasPrefix(e.profile.number, "3.") {
		lucene, wire, index = "10.3.1", "2.19.0", "2.0.0"
	}
	return fmt.Appendf(nil, `{
  "name" : %s,
  "cluster_name" : %s,
  "cluster_uuid" : "mJ0y1BqVQzGmW4q1nXKq3w",
  "version" : {
    "distribution" : "opensearch",
    "number" : "%s",
    "build_type" : "tar",
    "build_hash" : "unknown",
    "build_date" : "2025-10-14T00:00:00.000000Z",
    "build_snapshot" : false,
    "lucene_version" : "%s",
    "minimum_wire_compatibility_version" : "%s",
    "minimum_index_compatibility_version" : "%s"
  },
  "tagline" : "The OpenSearch Project: https://opensearch.org/"
}
`, quote(e.node), quote(e.cfg.ClusterName), e.profile.number, lucene, wire, index)
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

func (c *call) banner() error {
	c.raw(200, jsonType, c.profile.banner(c.Engine))
	return nil
}
