"""Requests that wait are answered together: one worker thread takes all that have come, and asks for predictions once.

Nothing waits for others to come: a request that arrives while the worker is idle goes at once, those that arrive while
it works make the next batch. Bodies are read and answers written in the worker too, so that the event loop only moves
bytes. Each body becomes a table by itself; tables of the same types lie one below the other in one call, and a row has
the same bits in every table. If the call fails, each of its tables is tried alone, so that an error reaches the request
whose row it is about.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from chainrule.serve.answers import written
from chainrule.serve.bodies import Body, Limits, table_of
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
        """The answer, as CSV or else as JSON. Raises what `table_of` raises, and DataError for wrong cells."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Waiting(body, as_csv, answer))
        return await answer

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer what comes while the block runs."""
        worker = ThreadPoolExecutor(1, "chainrule-serve")
        collector = asyncio.create_task(self._collect(worker))
        try:
            yield
        finally:
            collector.cancel()
            worker.shutdown(wait=False, cancel_futures=True)

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
        tables: dict[int, pa.Table] = {}
        for k, waiting in enumerate(batch):
            try:
                tables[k] = table_of(self._served, waiting.body, self._limits)
            except Exception as error:
                outcomes[k] = error
        for group in _groups(tables):
            for k, outcome in zip(group, self._of_group([tables[k] for k in group]), strict=True):
                outcomes[k] = outcome if isinstance(outcome, Exception) else _answer(outcome, batch[k].as_csv)
        return outcomes

    def _of_group(self, tables: list[pa.Table]) -> list[list[Prediction] | Exception]:
        """The predictions for each of some tables of the same types, or its error."""
        try:
            whole = predicted(self._served, pa.concat_tables(tables))
        except Exception as error:
            return [error] if len(tables) == 1 else [self._of_group([table])[0] for table in tables]
        stops = np.cumsum([table.num_rows for table in tables]).tolist()
        parts = [slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False)]
        return [[prediction.rows(part) for prediction in whole] for part in parts]


def predicted(served: Served, table: pa.Table) -> list[Prediction]:
    """The predictions of each target for a table: the one place where the server asks for them."""
    blocks = list(served.predictions(table))
    if len(blocks) == 1:
        return blocks[0]
    return [Prediction.joined(parts) for parts in zip(*blocks, strict=True)]


def _groups(tables: dict[int, pa.Table]) -> Iterator[list[int]]:
    """The numbers of tables that have the same types, so many that they have about `_ROWS` rows together."""
    groups: dict[tuple[pa.DataType, ...], list[int]] = {}
    rows: dict[tuple[pa.DataType, ...], int] = {}
    for k, table in tables.items():
        types = tuple(table.schema.types)
        if types in groups and rows[types] + table.num_rows > _ROWS:
            yield groups.pop(types)
        rows[types] = (rows[types] if types in groups else 0) + table.num_rows
        groups.setdefault(types, []).append(k)
    yield from groups.values()


def _answer(predictions: Sequence[Prediction], as_csv: bool) -> Answer | Exception:
    try:
        return Answer(written(predictions, as_csv), len(predictions[0].values))
    except Exception as error:
        return error
