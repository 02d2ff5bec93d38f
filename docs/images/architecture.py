#!/usr/bin/env python3
"""Draws architecture.svg: python3 docs/images/architecture.py > docs/images/architecture.svg

A test draws it again and compares. Boxes stand by their middle, in pixels; arrows go between the sides that are named."""

WIDTH, HEIGHT = 1000, 440

# name: (x, y, width, height, kind, lines)
BOXES = {
    "producer": (75, 130, 110, 46, "other", ["Producer"]),
    "rabbit": (75, 240, 110, 56, "service", ["RabbitMQ", "queue"]),
    "dead": (75, 370, 110, 46, "service", ["Dead letters"]),
    "receiving": (285, 240, 150, 56, "room", ["Receiving", "queue, browsers, AG-UI"]),
    "answering": (490, 240, 190, 56, "main", ["Answering", "one orchestration a message"]),
    "delivery": (695, 240, 130, 56, "room", ["Delivery", "numbers, fence, log"]),
    "threads": (330, 370, 145, 50, "service", ["Redis", "threads, turns, updates"]),
    "assistants": (490, 370, 125, 50, "service", ["OpenAI", "or Azure OpenAI"]),
    "tools": (650, 370, 125, 50, "service", ["Tools", "HTTP, SQL, MCP"]),
    "durable": (490, 110, 190, 50, "service", ["Durable store", "Azure Storage, SQLite"]),
    "pubsub": (900, 240, 120, 56, "service", ["Web PubSub"]),
    "browser": (900, 105, 120, 46, "other", ["Browser"]),
}

# from, side, to, side, what goes there
ARROWS = [
    ("producer", "bottom", "rabbit", "top", ""),
    ("rabbit", "right", "receiving", "left", "message"),
    ("receiving", "right", "answering", "left", ""),
    ("answering", "right", "delivery", "left", ""),
    ("delivery", "right", "pubsub", "left", "updates"),
    ("pubsub", "top", "browser", "bottom", "text, as it grows"),
    ("rabbit", "bottom", "dead", "top", "not answered"),
    ("durable", "bottom", "answering", "top", "steps, timers"),
    ("answering", "bottom", "threads", "top", ""),
    ("answering", "bottom", "assistants", "top", ""),
    ("answering", "bottom", "tools", "top", ""),
]

STYLE = """
  .page { fill: #ffffff; stroke: #d9d9e3 }
  .app { fill: #f4f3ff; stroke: #8b83e6; stroke-dasharray: 5 4 }
  .room { fill: #e5e2ff; stroke: #8b83e6 }
  .main { fill: #4338ca; stroke: #4338ca }
  .service { fill: #eef2f6; stroke: #9aa5b1 }
  .other { fill: #ffffff; stroke: #9aa5b1 }
  text { font: 13px system-ui, "Segoe UI", Roboto, sans-serif; fill: #1b1b29; text-anchor: middle }
  .name { font-weight: 600 }
  .small { font-size: 10.5px; fill: #55556a }
  .on-main { fill: #ffffff }
  .arrow { stroke: #55556a; fill: none; stroke-width: 1.4; marker-end: url(#head) }
  .back { stroke-dasharray: 4 3 }
  .head { fill: #55556a }
  @media (prefers-color-scheme: dark) {
    .page { fill: #16161f; stroke: #33334a }
    .app { fill: #1d1b33; stroke: #6d64d8 }
    .room { fill: #2c2950; stroke: #6d64d8 }
    .main { fill: #5b50e0; stroke: #5b50e0 }
    .service { fill: #23262e; stroke: #59616e }
    .other { fill: #16161f; stroke: #59616e }
    text { fill: #ececf4 }
    .small { fill: #a9a9bd }
    .on-main { fill: #ffffff }
    .arrow { stroke: #a9a9bd }
    .head { fill: #a9a9bd }
  }
"""


def side(name, where):
    x, y, width, height, _, _ = BOXES[name]
    return {"left": (x - width / 2, y), "right": (x + width / 2, y), "top": (x, y - height / 2), "bottom": (x, y + height / 2)}[where]


def box(name):
    x, y, width, height, kind, lines = BOXES[name]
    on = " on-main" if kind == "main" else ""
    yield f'<rect class="{kind}" x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width}" height="{height}" rx="8"/>'
    first = y + 4.5 - (len(lines) - 1) * 8
    for number, line in enumerate(lines):
        yield f'<text class="{"name" if number == 0 else "small"}{on}" x="{x}" y="{first + number * 16:g}">{line}</text>'


def arrow(start, start_side, end, end_side, label):
    (x1, y1), (x2, y2) = side(start, start_side), side(end, end_side)
    middle = (y1 + y2) / 2
    if start_side in ("left", "right") or x1 == x2:
        yield f'<path class="arrow" d="M{x1:g} {y1:g} L{x2:g} {y2:g}"/>'
    else:
        yield f'<path class="arrow" d="M{x1:g} {y1:g} C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2:g}"/>'
    if label and start_side in ("left", "right"):
        yield f'<text class="small" x="{(x1 + x2) / 2:g}" y="{y1 - 7:g}">{label}</text>'
    elif label:
        yield f'<text class="small" x="{x1 + 8:g}" y="{middle + 4:g}" style="text-anchor: start">{label}</text>'


def picture():
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title">'
    yield "<!-- Made by docs/images/architecture.py, which prints it. -->"
    yield '<title id="title">A message comes from a producer or a browser through RabbitMQ into the Functions app, whose orchestration asks OpenAI and tools; updates go over Web PubSub to the browser.</title>'
    yield f"<style>{STYLE}</style>"
    yield '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0 L10 5 L0 10 z"/></marker></defs>'
    yield f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="12"/>'
    yield '<rect class="app" x="196" y="180" width="578" height="120" rx="12"/>'
    yield '<text class="small" x="764" y="196" style="text-anchor: end">Azure Functions, or one machine</text>'
    for line in ARROWS:
        yield from arrow(*line)
    # What a browser sends goes over Web PubSub into the same queue.
    yield '<path class="arrow back" d="M900 82 V48 Q900 38 890 38 H295 Q285 38 285 48 V212"/>'
    yield '<text class="small" x="592" y="31">messages, cancel, approve, AG-UI</text>'
    yield '<path class="arrow back" d="M210 252 L130 252"/>'
    for name in BOXES:
        yield from box(name)
    yield "</svg>"


if __name__ == "__main__":
    print("\n".join(picture()))
