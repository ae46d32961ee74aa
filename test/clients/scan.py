"""Fills an index with opensearch-py's bulk helper and reads it with its scan, without a signature.

Usage: scan.py ENDPOINT COUNT
"""
import os
import sys

os.environ["NO_PROXY"] = "127.0.0.1"

import opensearchpy
from opensearchpy import helpers

endpoint, count = sys.argv[1], int(sys.argv[2])
client = opensearchpy.OpenSearch(endpoint, max_retries=0, timeout=60)
client.indices.delete(index="scanned", ignore_unavailable=True)
helpers.bulk(client, ({"_index": "scanned", "_id": "d/%d" % n, "n": n} for n in range(count)))
client.indices.refresh(index="scanned")
ids = [hit["_id"] for hit in helpers.scan(client, index="scanned", query={"query": {"match_all": {}}}, size=400)]
print("%d documents, %d different" % (len(ids), len(set(ids))))
