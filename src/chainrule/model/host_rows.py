"""The part of a table that one of several hosts prepares: inputs of its own shards, and of some columns the profiles.

    every host   the targets and the weights of all rows
    host h       the profiles of the columns h, h + N, h + 2 N, ...; the inputs of the rows of its shards
    host 0       also the inputs of the rows that are held out, and of those for the test

A column is profiled by one host, in the order of its rows, so that no bit depends on the number of hosts.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.examples import LocalRows
from chainrule.hosts import Link, host_shards, link_of, shard_edges
from chainrule.model.settings import TableSettings
from chainrule.tables.chunks import Chunk, chunks_of, cut_chunks
from chainrule.tables.profile import ColumnProfile, profile_columns
from chainrule.tables.profile.sending import packed, unpacked
from chainrule.tables.row_roles import HELD_OUT, TEST, TRAIN, WEIGHTLESS, RowRoles
from chainrule.tables.sources import Source

__all__ = ["HostRows", "profile_by_column", "settings_on", "target_chunks"]


@dataclasses.dataclass(frozen=True)
class HostRows:
    """The rows to train on that this host encodes.

    - link: the other hosts.
    - edges: where each shard of the rows to train on begins, and where the last one ends, (S + 1,).
    """

    link: Link
    edges: Array

    @classmethod
    def of(cls, link: Link, settings: TableSettings, count: int) -> "HostRows":
        """The rows for resolved settings, of `count` rows to train on."""
        shards = settings.shards or settings.devices or 1
        return cls(link, shard_edges(count, settings.rows_of_update(count), shards))

    @property
    def own(self) -> slice:
        """The places of the rows of this host among all rows to train on."""
        shards = host_shards(self.link.host, self.link.hosts, len(self.edges) - 1)
        return slice(int(self.edges[shards.start]), int(self.edges[shards.stop]))

    @property
    def first(self) -> slice:
        """The places of the rows of shard 0, by which decisions are made that are not of all rows; host 0 has them."""
        return slice(0, int(self.edges[1]))

    def encoded(self, roles: RowRoles, is_main: bool) -> Array:
        """Which rows (n,) of a table this host encodes; `is_main`: of the one that has rows to train on."""
        chosen = np.isin(roles.of, (HELD_OUT, TEST)) if self.link.first else np.zeros(len(roles.of), np.bool_)
        if is_main:
            chosen[roles.rows(TRAIN)[self.own]] = True
        return chosen

    def chunks(
        self, source: Source, roles: RowRoles, names: Sequence[str], width: int, is_main: bool
    ) -> Iterator[Chunk]:
        """The rows of a table that this host encodes, in chunks for so many inputs."""
        chosen = self.encoded(roles, is_main)
        return iter(()) if not chosen.any() else cut_chunks(chunks_of(source, names, chosen), width)

    def count(self, count: int) -> int:
        """How many of so many rows that are held out are here."""
        return count if self.link.first else 0

    def local(self, X: Array) -> Any:
        """The rows to train on, of which X are those of this host."""
        return X if self.link.alone else LocalRows(X, self.own.start, int(self.edges[-1]))

    def held_out(self, X: Array, count: int) -> Any:
        """The rows held out, of which X are here: all or none."""
        return X if self.link.first else LocalRows(X, 0, count)

    def first_shard(self, X: Any) -> Array:
        """The inputs of the rows of shard 0; only on host 0."""
        return np.asarray((X.local if isinstance(X, LocalRows) else X)[self.first])


def settings_on(settings: TableSettings) -> tuple[Link, TableSettings]:
    """The link to the other hosts, and the settings with their shards.

    Raises SettingError for what several hosts do not do together, HostsError where they do not come together.
    """
    link = link_of(settings.hosts)
    if link.alone:
        return link, settings
    if settings.devices not in (None, link.devices):
        raise SettingError(f"devices is {settings.devices}, but the hosts have {link.devices}: leave it out")
    shards = settings.shards or link.devices
    if shards % link.devices:
        raise SettingError(f"shards is {shards}, but {link.devices} devices must divide it: give a multiple of them")
    single = {"members": settings.members in ("auto", 1), "start": settings.start != "linear"}
    for name in (name for name, ok in single.items() if not ok):
        raise SettingError(f"{name} is {getattr(settings, name)!r}, which one host computes alone: leave it out")
    return link, dataclasses.replace(settings, shards=shards)


def profile_by_column(
    link: Link, chunks: Callable[[list[str]], Iterator[Chunk]], profiles: list[ColumnProfile]
) -> list[ColumnProfile]:
    """Profile each column on one host, and give every host all profiles; `chunks` begins a pass over some columns."""
    own = profiles[link.host :: link.hosts]
    if own:
        profile_columns(lambda: chunks([profile.name for profile in own]), own)
    if link.alone:
        return profiles
    by_host = [unpacked(message) for message in link.gather_bytes(packed(own))]
    return [by_host[k % link.hosts][k // link.hosts] for k in range(len(profiles))]


def target_chunks(source: Source, roles: RowRoles, unparsed: Sequence[str], most: int = 2**16) -> Iterator[Chunk]:
    """All rows that have a weight, in chunks of the columns `unparsed`; without any, no row is read."""
    if unparsed:
        yield from chunks_of(source, unparsed, roles.of != WEIGHTLESS)
        return
    rows = np.flatnonzero(roles.of != WEIGHTLESS)
    for start in range(0, len(rows), most):
        yield Chunk(None, rows[start : start + most])
