"""A recording: the view, the weights and the steps of a training in one HTML file, which opens without a server."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.studio.assets import script, style
from chainrule.studio.tour import STEPS
from chainrule.studio.trainer import Trainer
from chainrule.studio.work import Work

Ask = Callable[[dict[str, Any]], dict[str, Any]]

__all__ = ["Recording", "html_of"]

FRAMES = 60
EVERY = 0.2  # seconds between two frames

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '{digest}'; \
style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<title>A training of chainrule</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main id="studio"></main>
<script type="application/json" id="recorded">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""


class Recording:
    """The views of some updates, thinned out where they are many."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self._trainer: Trainer | None = None
        self._at = 0.0

    def add(self, work: Work) -> None:
        """Add the view of now; those of another training are forgotten, and those of later updates."""
        trainer, now = work.trainer, time.monotonic()
        if trainer is None:
            return
        if trainer is not self._trainer:
            self.frames, self._trainer, self._at = [], trainer, 0.0
        self.frames = [frame for frame in self.frames if frame["place"]["update"] < trainer.updates]
        if now - self._at < EVERY and work.running:
            return
        self._at = now
        self.frames.append(work.view())
        if len(self.frames) > FRAMES:
            self.frames = self.frames[::2]


def html_of(ask: Ask, recording: Recording) -> bytes:
    """The file: the frames, the set-up, the tour of row 1, and the equations of a few weights, with the view."""
    view = ask({"do": "view"})
    before = [frame for frame in recording.frames if frame["place"]["update"] != view["place"]["update"]]
    data = {
        "form": ask({"do": "form"}) | {"files": {"tables": [], "models": []}, "folder": "", "kept": None},
        "setup": ask({"do": "setup"}),
        "frames": [*before, view],
        "spread": ask({"do": "spread"}),
        "tour": [ask({"do": "tour", "row": 0, "step": step + 1}) for step in range(STEPS)],
        "equations": _equations(ask),
        "python": ask({"do": "python"}),
    }
    code = script("recorded.js")
    digest = "sha256-" + base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    text = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    page = PAGE.replace("{digest}", digest).replace("{style}", style())
    head, _, tail = page.partition("{data}")
    return (head + text + tail.replace("{script}", code)).encode()


def _equations(ask: Ask) -> list[dict[str, Any]]:
    """The equations of every neuron and weight, where they are few."""
    sizes = ask({"do": "setup"})["sizes"]
    answers = []
    if sum(a * b for a, b in itertools.pairwise(sizes)) > 60:
        return []
    for layer in range(2, len(sizes) + 1):
        picks: list[dict[str, Any]] = [{"kind": "layer", "layer": layer}]
        for j in range(1, sizes[layer - 1] + 1):
            picks.append({"kind": "neuron", "layer": layer, "j": j})
            picks += [{"kind": "weight", "layer": layer, "i": i, "j": j} for i in range(1, sizes[layer - 2] + 1)]
        for pick in picks:
            try:
                answers.append(ask({"do": "equation", **pick}))
            except ChainruleError:
                continue
    return answers
