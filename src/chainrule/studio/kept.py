"""What is kept of a session below its folder, so that a studio that is started again goes on where another one ended.

One file holds the state of the training, as a checkpoint does, with the data's source and the design among its
settings. It is read only when the person asks for it, and every part of it is checked as if it came from the page.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError, SettingError
from chainrule.studio.design import Design
from chainrule.studio.folder import DROPPED
from chainrule.studio.work import Work
from chainrule.training.fingerprint import Fingerprint, differences, fingerprint_of
from chainrule.training.state_file import Stored, read_state, write_state

__all__ = ["Kept"]

NAME = ".chainrule-studio"


class Kept:
    """The training that is kept of a session's work; none is written where `path` is None."""

    def __init__(self, work: Work, keeps: bool) -> None:
        self._work = work
        self.path: Path | None = work.folder.root / NAME if keeps else None
        self._update = 0  # the one that was written last

    def write(self) -> None:
        """Keep the training of now, where there is one with updates and it is not kept yet.

        Raises OSError where the folder cannot be written.
        """
        trainer, source = self._work.trainer, self._work.source
        if self.path is None or trainer is None or trainer.updates in (0, self._update):
            return
        if "arrays" in source or str(source.get("path", "")).startswith(DROPPED):
            return
        words = {"source": source, "design": trainer.design.document(), "title": trainer.dataset.title}
        fingerprint = fingerprint_of(trainer.training.problem, {"studio": json.dumps(words)})
        write_state(self.path, Stored(trainer.training.state, fingerprint))
        self._update = trainer.updates

    def about(self) -> dict[str, Any] | None:
        """What is kept, for the page to offer: its title and update; None where nothing can be read."""
        try:
            stored, words = self._read()
        except (ChainruleError, OSError):
            return None
        return {"title": str(words.get("title"))[:200], "update": stored.state.run.step}

    def resume(self) -> None:
        """Go on with what is kept.

        Raises SettingError where nothing is kept or the rows have changed since, and what a damaged file raises.
        """
        stored, words = self._read()
        work = self._work
        work.start(dict(words["source"]), Design().changed(words["design"]))
        trainer = work.required()
        now: Fingerprint = fingerprint_of(trainer.training.problem, {})
        if other := differences(now.data, stored.fingerprint.data):
            raise SettingError(f"the rows have changed since ({', '.join(other)}): this training starts again")
        trainer.resume(stored.state)
        self._update = trainer.updates

    def _read(self) -> tuple[Stored, dict[str, Any]]:
        if self.path is None or not self.path.is_file():
            raise SettingError("no training is kept in this folder")
        stored = read_state(self.path)
        try:
            words = json.loads(stored.fingerprint.settings["studio"])
            return stored, {"source": {**words["source"]}, "design": {**words["design"]}, "title": words["title"]}
        except (LookupError, TypeError, ValueError):
            raise SettingError("what is kept in this folder is not a training of the studio") from None
