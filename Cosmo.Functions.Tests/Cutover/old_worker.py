#!/usr/bin/env python3
"""A stand-in for the old worker, to try a cutover with (docs/cutover.md): it declares the same queues, takes messages from the same queue one at a time, and keeps threads under
the same keys of the same Redis. Its answers are a line on the screen, and its threads have ids that OpenAI does not know. Needs pika and redis (Debian: python3-pika, python3-redis).

Usage: old_worker.py AMQP_URL REDIS_URL [SECONDS_AN_ANSWER]
"""
import json
import sys
import time
import uuid

import pika
import redis

EXPIRY = 7_776_000
RABBITMQ, REDIS, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 0.2

store = redis.Redis.from_url(REDIS, decode_responses=True)
channel = pika.BlockingConnection(pika.URLParameters(RABBITMQ)).channel()
channel.exchange_declare("cosmo_exchange", "direct", durable=True)
channel.exchange_declare("cosmo_exchange_dlx", "direct", durable=True)
channel.queue_declare("cosmo_queue", durable=True, arguments={"x-max-priority": 10, "x-message-ttl": 3_600_000, "x-dead-letter-exchange": "cosmo_exchange_dlx"})
channel.queue_declare("cosmo_queue_failed", durable=True)
channel.queue_bind("cosmo_queue", "cosmo_exchange", "cosmo_key")
channel.queue_bind("cosmo_queue_failed", "cosmo_exchange_dlx", "cosmo_key")
channel.basic_qos(prefetch_count=1)


def thread_of(name):
    """The channel's thread, its expiry renewed; a new one where there is none, or one that is not of this worker's kind."""
    key, now = f"cosmo:thread:{name}", time.time()
    thread = store.get(key)
    if thread is None or not thread.startswith("thread_"):
        thread = f"thread_{uuid.uuid4().hex}"
        store.set(f"cosmo:metadata:{name}", store.get(f"cosmo:metadata:{name}") or json.dumps({"created_at": now, "message_count": 0, "last_message_at": now}), ex=EXPIRY)
    store.set(key, thread, ex=EXPIRY)
    return thread


def answer(_, method, properties, body):
    try:
        message = json.loads(body)
        name, text, number = message["channel"], message["message"], message["message_id"]
        if text == "broken":
            raise ValueError("broken")
    except (ValueError, KeyError):
        channel.basic_reject(method.delivery_tag, requeue=False)
        print("refused", body[:60], flush=True)
        return

    thread = thread_of(name)
    time.sleep(SECONDS)
    metadata = json.loads(store.get(f"cosmo:metadata:{name}"))
    metadata["message_count"] += 1
    metadata["last_message_at"] = time.time()
    store.set(f"cosmo:metadata:{name}", json.dumps(metadata), ex=EXPIRY)
    channel.basic_ack(method.delivery_tag)
    print("answered", name, number, thread, flush=True)


channel.basic_consume("cosmo_queue", answer)
try:
    channel.start_consuming()
except KeyboardInterrupt:
    pass
