"""Requests that wait are answered together: one worker thread takes all that have come, and asks for predictions once.

Nothing waits for others to come: a request that arrives while the worker is idle goes at once, those that arrive while
it works make the next batch. Bodies are read and answers written in the worker too, so that the event loop only moves
bytes. Rows whose columns have the same types are stacked in one call, in which a cell is read as it would be alone, and
a row has the same bits. If the call fails, the rows of each request are tried alone, so that an error reaches the
request that it is about.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from chainrule.serve.answers import json_bytes, written
from chainrule.serve.bodies import Body, Limits, Rows, rows_of, stacked
from chainrule.serve.served import Prediction, Served
from chainrule.tables.arrow import pa

__all__ = ["Answer", "Batcher"]

_ROWS = 8192  # that go into one call together
_BODIES = 1 << 25  # bytes that are taken at once


class Answer(NamedTuple):
    """The bytes that answer a request, and its number of rows."""

    content: bytes
    rows: int


class _Waiting(NamedTuple):
    body: Body
    as_csv: bool
    answer: asyncio.Future[Answer]


class Batcher:
    """Answers bodies in batches. `running` starts and stops it."""

    def __init__(self, served: Served, limits: Limits) -> None:
        self._served, self._limits = served, limits
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self.batches = 0  # how many were answered

    async def answer(self, body: Body, as_csv: bool) -> Answer:
        """The answer, as CSV or else as JSON. Raises what `rows_of` raises, and DataError for wrong cells."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Waiting(body, as_csv, answer))
        return await answer

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer what comes while the block runs."""
        worker = ThreadPoolExecutor(1, "chainrule-serve")
        await asyncio.get_running_loop().run_in_executor(worker, self._outcomes, self._examples())
        self._served.watch()
        collector = asyncio.create_task(self._collect(worker))
        try:
            yield
        finally:
            collector.cancel()
            worker.shutdown(wait=False, cancel_futures=True)

    def _examples(self) -> list[_Waiting]:
        """Requests that no one waits for: what is imported at its first use is there when the first one comes."""
        body = Body(json_bytes({column.name: column.example for column in self._served.columns}), False)
        nobody: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        return [_Waiting(body, as_csv, nobody) for as_csv in (False, True)]

    async def _collect(self, worker: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = self._come(await self._queue.get())
            outcomes = await loop.run_in_executor(worker, self._outcomes, batch)
            self.batches += 1
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if waiting.answer.done():  # its client has gone
                    continue
                if isinstance(outcome, Answer):
                    waiting.answer.set_result(outcome)
                else:
                    waiting.answer.set_exception(outcome)

    def _come(self, first: _Waiting) -> list[_Waiting]:
        """The requests that have come, up to a number of bytes."""
        batch, size = [first], len(first.body.content)
        while not self._queue.empty() and size < _BODIES:
            batch.append(self._queue.get_nowait())
            size += len(batch[-1].body.content)
        return batch

    def _outcomes(self, batch: Sequence[_Waiting]) -> list[Answer | Exception]:
        """In the worker: the answer or the error of each request."""
        outcomes: list[Any] = [None] * len(batch)
        parts: dict[int, Rows] = {}
        for k, waiting in enumerate(batch):
            try:
                parts[k] = rows_of(self._served, waiting.body, self._limits)
            except Exception as error:
                outcomes[k] = error
        for group in _groups(parts):
            for k, outcome in zip(group, self._of_group([parts[k] for k in group]), strict=True):
                outcomes[k] = outcome if isinstance(outcome, Exception) else _answer(outcome, batch[k].as_csv)
        return outcomes

    def _of_group(self, parts: list[Rows]) -> list[list[Prediction] | Exception]:
        """The predictions for the rows of each body, all of the same types, or its error."""
        try:
            whole = predicted(self._served, stacked(parts))
        except Exception as error:
            return [error] if len(parts) == 1 else [self._of_group([part])[0] for part in parts]
        stops = np.cumsum([part.size for part in parts]).tolist()
        slices = [slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False)]
        return [[prediction.rows(rows) for prediction in whole] for rows in slices]


def predicted(served: Served, table: pa.Table) -> list[Prediction]:
    """The predictions of each target for a table: the one place where the server asks for them."""
    blocks = list(served.predictions(table))
    if len(blocks) == 1:
        return blocks[0]
    return [Prediction.joined(parts) for parts in zip(*blocks, strict=True)]


def _groups(parts: dict[int, Rows]) -> Iterator[list[int]]:
    """The numbers of those that can be stacked, so many that they have about `_ROWS` rows together."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    counts: Counter[tuple[Any, ...]] = Counter()
    for k, part in parts.items():
        if part.types in groups and counts[part.types] + part.size > _ROWS:
            yield groups.pop(part.types)
            del counts[part.types]
        counts[part.types] += part.size
        groups.setdefault(part.types, []).append(k)
    yield from groups.values()


def _answer(predictions: Sequence[Prediction], as_csv: bool) -> Answer | Exception:
    try:
        return Answer(written(predictions, as_csv), len(predictions[0].values))
    except Exception as error:
        return error
