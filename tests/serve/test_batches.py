"""Requests that wait are answered by one call; nothing waits without need; a wrong request fails alone."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from chainrule.cli.answers import answering
from chainrule.serve.app import Predict
from chainrule.serve.batches import Answer, Batcher
from chainrule.serve.bodies import Body, Limits
from chainrule.serve.served import Prediction, Served, goal_of, number_columns
from chainrule.tables.sources import as_source
from chainrule.tables.targets import Quantity

from .conftest import TABLE

ROWS = [dict(zip(TABLE, row, strict=True)) for row in zip(*TABLE.values(), strict=True)]


class Slow:
    """Predicts 2 x, and waits in a call until it is let go; `calls` has the number of rows of each."""

    kind = "slow"

    def __init__(self) -> None:
        self.columns, self.goals = number_columns(["x"]), [goal_of(Quantity("y", 0.0, 1.0), "y")]
        self.calls: list[int] = []
        self.go, self.called = threading.Event(), threading.Event()
        self.go.set()

    def inputs(self, source: Any) -> list[str]:
        return ["x"]

    def watch(self) -> None:
        """It knows no rows of training."""

    def drift(self) -> None:
        """The same."""

    def predictions(self, source: Any, probabilities: bool = True) -> Iterator[list[Prediction]]:
        x = as_source(source).table().column("x").to_numpy()
        self.calls.append(len(x))
        self.called.set()
        assert self.go.wait(20)
        if (x < 0).any():
            raise ValueError("below zero")
        yield [Prediction("y", 2.0 * x, None)]


def body(*values: float) -> Body:
    return Body(json.dumps([{"x": value} for value in values]).encode(), False)


def within(served: Served, work: Callable[[Batcher], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        batcher = Batcher(served, Limits())
        async with batcher.running():
            return await work(batcher)

    return asyncio.run(run())


def values(answer: Answer) -> list[float]:
    return [row["value"] for row in json.loads(answer.content)["predictions"]]


async def while_busy(batcher: Batcher, slow: Slow, bodies: list[Body]) -> list[Any]:
    """The answers of bodies that come while the worker is busy with another."""
    slow.calls.clear()
    slow.called.clear()
    slow.go.clear()
    first = asyncio.create_task(batcher.answer(body(0.0), False))
    await asyncio.to_thread(slow.called.wait, 20)
    others = [asyncio.create_task(batcher.answer(each, False)) for each in bodies]
    await asyncio.sleep(0.05)
    slow.go.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


def test_requests_that_wait_are_answered_by_one_call() -> None:
    slow = Slow()
    answers = within(slow, lambda batcher: while_busy(batcher, slow, [body(k, k + 0.5) for k in range(20)]))
    assert [values(answer) for answer in answers] == [[0.0], *([2.0 * k, 2.0 * k + 1] for k in range(20))]
    assert slow.calls == [1, 40]
    assert [answer.rows for answer in answers] == [1] + [2] * 20


def test_a_wrong_request_fails_alone() -> None:
    slow = Slow()
    bodies = [body(1.0), body(-1.0), Body(b"nonsense", False), body(3.0)]
    _, one, below, nonsense, three = within(slow, lambda batcher: while_busy(batcher, slow, bodies))
    assert (values(one), values(three)) == ([2.0], [6.0])
    assert isinstance(below, ValueError)
    assert isinstance(nonsense, HTTPException)
    assert slow.calls == [1, 3, 1, 1, 1]


def test_many_rows_are_cut_into_several_calls() -> None:
    slow = Slow()
    answers = within(slow, lambda batcher: while_busy(batcher, slow, [body(*range(3000)) for _ in range(5)]))
    assert all(values(answer) == [2.0 * k for k in range(3000)] for answer in answers[1:])
    assert slow.calls == [1, 6000, 6000, 3000]


def test_a_request_that_comes_alone_goes_at_once() -> None:
    slow = Slow()

    async def one_by_one(batcher: Batcher) -> None:
        slow.calls.clear()
        for k in range(5):
            assert values(await batcher.answer(body(k), False)) == [2.0 * k]

    within(slow, one_by_one)
    assert slow.calls == [1] * 5


def test_the_event_loop_goes_on_while_predictions_are_computed() -> None:
    slow = Slow()

    async def ticking(batcher: Batcher) -> int:
        slow.go.clear()
        answer, ticks = asyncio.create_task(batcher.answer(body(1.0), False)), 0
        while ticks < 20:
            await asyncio.sleep(0.001)
            ticks += 1
        assert not answer.done()
        slow.go.set()
        await answer
        return ticks

    assert within(slow, ticking) == 20


def test_the_answer_of_a_client_that_has_gone_is_dropped() -> None:
    slow = Slow()

    async def leave(batcher: Batcher) -> Answer:
        slow.go.clear()
        gone = asyncio.create_task(batcher.answer(body(1.0), False))
        await asyncio.sleep(0.05)
        gone.cancel()
        slow.go.set()
        return await batcher.answer(body(2.0), False)

    assert values(within(slow, leave)) == [4.0]


def test_stacked_rows_have_the_bits_that_they_have_alone(folder: Path) -> None:
    """Rows of every type: null alone, words for numbers, numbers for words, whole and large numbers, CSV."""
    served = answering(folder / "model")
    changes: list[dict[str, Any]] = [
        {},
        {"a": None, "colour": None, "note": None, "clock": None},
        {"a": "1.5", "price": 1000.5},
        {"a": 3, "wide": 2**60, "note": 7},
        {"a": 2**53 + 1, "colour": 1},
        {"wide": 1e300, "colour": True},
        {"a": True, "price": "2,000.00 EUR", "day": "2020-01-01 12:00"},
        {"price": 2, "colour": "never seen"},
    ]
    bodies = [Body(json.dumps([ROWS[k] | change]).encode(), False) for k in range(3) for change in changes]
    table = ",".join(TABLE) + "\n" + ",".join("" if cell is None else str(cell) for cell in ROWS[5].values())
    bodies.append(Body(table.replace("1,005.50 EUR", '"1,005.50 EUR"').encode(), True))

    async def alone_and_together(batcher: Batcher) -> tuple[list[bytes], list[bytes]]:
        alone = [(await batcher.answer(each, False)).content for each in bodies]
        together = await asyncio.gather(*(batcher.answer(each, False) for each in bodies))
        return alone, [answer.content for answer in together]

    alone, together = within(served, alone_and_together)
    assert alone == together
    assert len(set(alone)) > 5


def test_more_requests_than_seats_are_refused_at_once_and_others_are_answered() -> None:
    slow = Slow()
    predict = Predict(slow, Limits(concurrency=2))

    async def ask(value: float) -> tuple[int, dict[bytes, bytes]]:
        content, sent = body(value).content, []
        scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}

        async def receive() -> Any:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await predict(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"])

    async def run() -> None:
        async with predict.batcher.running():
            slow.go.clear()
            two = [asyncio.create_task(ask(k)) for k in range(2)]
            await asyncio.sleep(0.05)
            with pytest.raises(HTTPException) as refused:
                await ask(3.0)
            assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "1"})
            slow.go.set()
            assert [status for status, _ in await asyncio.gather(*two)] == [200, 200]
            assert (await ask(4.0))[0] == 200

    asyncio.run(run())


def test_a_prediction_of_several_blocks_is_joined(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = answering(folder / "two")
    content = Body(json.dumps(ROWS).encode(), False)

    async def ask(batcher: Batcher) -> bytes:
        return (await batcher.answer(content, False)).content

    whole = within(served, ask)
    monkeypatch.setattr("chainrule.tables.chunks.AT_ONCE", 7 * 20)
    assert within(served, ask) == whole
    assert len(json.loads(whole)["predictions"]) == len(ROWS)
