"""What the pictures show: an agent that finds out why a shop is slow, as it tells its streams.

It takes as long as it seems to: the gaps and rates that the page shows are those of real appends.
"""

import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any, Literal

from runstreams import Client

RUN = "run_checkout_latency_7f3a"

Status = Literal["completed", "failed", "canceled"]

Ending = tuple[str, Status, str | None]
"""A name, and how what it names ends."""

ANSWER = """\
## Checkout is slow because of one query

Since **14:02 UTC** the p95 of `POST /checkout` went from 310 ms to **4.8 s**. It is not the payment
provider: 92 % of the time passes in a single statement.

| step | before | now | share |
|---|--:|--:|--:|
| load the cart | 41 ms | 44 ms | 1 % |
| **price the cart** | **58 ms** | **4,410 ms** | **92 %** |
| reserve stock | 73 ms | 81 ms | 2 % |
| authorise payment | 130 ms | 244 ms | 5 % |

### What happened

1. Release `2026.11.21-3` added `coupons.region` to the lookup.
2. The index `coupons_by_code` no longer fits, so Postgres reads the whole table.
3. The table has grown to 1.2 million rows since Friday's campaign.

```sql
CREATE INDEX CONCURRENTLY coupons_by_code_and_region
    ON coupons (code, region) WHERE active;
```

> The index takes about 40 seconds to build and locks nothing. On a copy of the data the statement
> is back at **3 ms**.

### What I would do

- [x] try the index on a copy
- [x] check that no other statement depends on the old one
- [ ] build it in production, once you say so

Say *go*, and I open the change.
"""

PLAN: list[tuple[str, str, dict[str, Any]]] = [
    ("plan", "Reading the alert", {"alert": "checkout-p95", "since": "14:02 UTC"}),
    ("search", "Looking for releases since 13:30", {"found": ["2026.11.21-3"], "took_ms": 412}),
    ("trace", "Comparing 2,000 traces", {"slowest": "price_cart", "share": 0.92, "took_ms": 1873}),
    ("query", "Explaining the statement", {"plan": "Seq Scan on coupons", "rows": 1_204_411}),
    ("test", "Trying an index on a copy", {"before_ms": 4410, "after_ms": 3, "locks": []}),
    ("check", "Looking for other statements", {"statements": 17, "affected": 0}),
    ("write", "Writing it down", {"words": 182}),
]

SAID = {
    "web-1": "POST /checkout 200 {} ms cart={} items={}",
    "web-2": "POST /checkout 200 {} ms cart={} items={}",
    "worker-1": "priced cart {1} in {0} ms, {2} coupons tried",
    "db-1": "slow statement: {} ms SELECT … FROM coupons WHERE code = $1 -- cart {}",
}

OTHERS: list[Ending] = [
    ("run_summarise_inbox_c41d", "completed", None),
    ("run_translate_docs_9e20", "completed", None),
    ("run_nightly_import_b7aa", "failed", "row 18,204: 'amount' is not a number: 12,50 €"),
    ("run_draft_release_notes_05fc", "canceled", None),
    ("run_label_tickets_e8d1", "completed", None),
]

ASIDE: list[Ending] = [
    ("index-trial-1", "failed", "the copy ran out of room: 3.1 GB are needed, 2.4 GB are free"),
    ("index-trial-2", "completed", None),
    ("spoken-summary", "canceled", None),
]
"""Streams of the same run that have ended."""


Put = Callable[[str, dict[str, str]], object]
Done = Callable[[str, Status, str | None], object]


def tell(client: Client, put: Put, done: Done, *, slowly: float) -> None:
    """Write it all to *client*; *put* registers a run with its lineage, *done* completes one. With
    *slowly* 1 it takes ten seconds.
    """
    with ThreadPoolExecutor(8) as pool:
        before = [pool.submit(_other, client, done, *other, slowly) for other in OTHERS]
        for part in before:
            part.result()
        put(RUN, {})
        put("run_trace_compare_d2b6", {"parent": RUN})
        put("run_index_trial_31ce", {"parent": RUN})
        parts = [pool.submit(_answer, client, slowly), pool.submit(_progress, client, slowly)]
        parts += [pool.submit(_log, client, who, slowly) for who in SAID]
        for key, status, error in ASIDE:
            _brief(client, RUN, key, status, error)
        for part in parts:
            part.result()


def _other(
    client: Client, done: Done, run: str, status: Status, error: str | None, slowly: float
) -> None:
    sleep(slowly * OTHERS.index((run, status, error)) / 5)
    put = client.streams.writer("answer", target=run)
    for word in _words(run, 40):
        put.write(word)
        sleep(slowly * 0.03)
    put.close()
    put.wait_until_complete()
    client.streams.close("answer", target=run, status=status, error=error)
    done(run, status, error)


def _brief(client: Client, run: str, key: str, status: Status, error: str | None) -> None:
    client.streams.pipe(key, _words(key, 60), target=run).wait_until_complete()
    client.streams.close(key, target=run, status=status, error=error)


def _answer(client: Client, slowly: float) -> None:
    rng = random.Random(7)

    def spoken() -> Iterator[str]:
        sleep(0.9 * slowly)
        for word in re.findall(r"\s*\S+\s*", ANSWER):
            yield word
            sleep(slowly * rng.choice((0.005, 0.015, 0.02, 0.03, 0.06)))

    client.streams.pipe("answer", spoken(), target=RUN).wait_until_complete()


def _progress(client: Client, slowly: float) -> None:
    with client.streams.writer("progress", target=RUN) as writer:
        for number, (step, text, found) in enumerate(PLAN, 1):
            about = {"step": step, "number": number, "of": len(PLAN), "text": text}
            writer.write(about | {"status": "started"})
            sleep(0.5 * slowly)
            writer.write(about | {"status": "done", "found": found})
            sleep(0.4 * slowly)
    client.streams.close("progress", target=RUN)


def _log(client: Client, who: str, slowly: float) -> None:
    rng = random.Random(who)
    with client.streams.writer("log", target=RUN) as writer:
        for _ in range(60):
            spent, cart = round(rng.gammavariate(6, 700)), f"c_{rng.randrange(16**6):06x}"
            text = SAID[who].format(spent, cart, rng.randrange(1, 9))
            level = "warn" if spent > 4000 else "info"
            writer.write(f"{who:9}{level}  {text}")
            sleep(slowly * rng.uniform(0.03, 0.2))


def _words(seed: str, count: int) -> list[str]:
    words, rng = re.findall(r"\s*\S+", ANSWER), random.Random(seed)
    return [rng.choice(words) for _ in range(count)]
