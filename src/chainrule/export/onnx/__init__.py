"""ONNX: the format that onnxruntime and many other programs run, on every system and in browsers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from chainrule.errors import SettingError
from chainrule.export.format import Format, Rows, Runner
from chainrule.export.onnx.model import model_of
from chainrule.export.onnx.running import answers, session
from chainrule.export.program import Answer, Program

__all__ = ["Onnx"]


class Onnx(Format):
    """A graph of operators of opset 20 and ai.onnx.ml 3, for onnxruntime 1.17 and newer."""

    name: ClassVar[str] = "onnx"
    ending: ClassVar[str] = ".onnx"
    title: ClassVar[str] = "ONNX"

    def written(self, program: Program, **options: Any) -> bytes:
        """The model. Raises SettingError as `Format.written` does, and where onnx is not installed."""
        try:
            import onnx  # noqa: F401
        except ImportError:
            raise SettingError("ONNX needs onnx, which is not installed: pip install 'chainrule[onnx]'") from None
        content: bytes = model_of(program).SerializeToString(deterministic=True)
        return content

    def runner(self, path: Path, program: Program) -> Runner:
        """What runs the file in onnxruntime, or in onnx.reference where that is not installed."""
        run = session(path)

        def run_rows(rows: Rows) -> dict[str, Answer]:
            return answers(run, program, rows)

        return run_rows
