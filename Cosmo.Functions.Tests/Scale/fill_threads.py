#!/usr/bin/python3
"""Fills a Redis with threads as the old worker wrote them: fill_threads.py [COUNT] [REDIS_URL] [PREFIX].

The ages are spread evenly over 100 days, so a tenth is older than the retention of 90 days. Every tenth thread has the
id of an OpenAI conversation; the others are of the closed Assistants API. Fill a Redis of its own, never a live one.
"""
import json
import sys
import time

import redis

count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
url = sys.argv[2] if len(sys.argv) > 2 else "redis://127.0.0.1:6379/0"
prefix = sys.argv[3] if len(sys.argv) > 3 else "cosmo:"
client = redis.Redis.from_url(url)
now = time.time()
begun = now
for start in range(0, count, 5000):
    pipeline = client.pipeline(transaction=False)
    for i in range(start, min(count, start + 5000)):
        at = now - 100 * 86400 * i / count
        kind = "conv" if i % 10 == 0 else "thread"
        metadata = {"created_at": at - 3600, "message_count": i % 50 + 1, "last_message_at": at}
        pipeline.set(f"{prefix}thread:channel-{i:07d}", f"{kind}_{i:024d}", ex=7776000)
        pipeline.set(f"{prefix}metadata:channel-{i:07d}", json.dumps(metadata), ex=7776000)
    pipeline.execute()
print(f"{count} threads in {time.time() - begun:.0f} s; {sum(i % 50 + 1 for i in range(count))} messages")
