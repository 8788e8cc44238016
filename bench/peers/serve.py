"""What the warm Python sides share: questions on stdin, answers on stdout, as JSON lines."""

import json
import sys

from measure import peak_mb

# What the benchmark says to a side when it starts it.
settings = json.loads(sys.argv[1])


def serve(ready, **verbs):
    """Tells `ready`, then answers questions, each by the verb that its "do" names, until stdin ends."""
    tell(ready)
    for line in sys.stdin:
        question = json.loads(line)
        tell(verbs[question["do"]](question))


def tell(answer):
    print(json.dumps({**answer, "peak_rss_mb": peak_mb()}), flush=True)
