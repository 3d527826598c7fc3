"""The command line: `chainrule COMMAND`. Each command is a file here, imported when it is called.

Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 failed (one line says why), 2 wrong usage,
130 and 143 stopped by a signal.
"""

import io
import sys
import traceback

from cyclopts import App, CycloptsError

from chainrule._version import __version__
from chainrule.errors import ChainruleError, SettingError

__all__ = ["main"]

COMMANDS = {
    "demo": "Train on handwritten digits: a first look, with nothing to prepare.\n\n"
    "1,797 images of 8 × 8 pixels, every fifth kept for the test. Writes digits.safetensors (the model) and "
    "digits-test.csv (those images), and says what to try next.",
    "train": "Train a model on a table and save it.\n\n"
    "All columns but the target are inputs: numbers are standardised, words become one input each, missing values are "
    "flagged. Words or few whole numbers as target make a classifier, other numbers a regression. Ctrl-C stops at the "
    "next update and saves the best weights so far; a second one ends at once.",
    "evaluate": "Compare a model's answers with a table's known ones.\n\n"
    "Classes: accuracy and log loss. Numbers: root mean square error and mean absolute error in their own units, R².",
    "predict": "Answer for each row of a table, as CSV.\n\n"
    "The target's column, then the probability of each class. Columns are found by name, in any order; others are "
    "ignored.",
    "inspect": "Show what a model file holds, in words: the architecture, the columns, how it was trained.",
    "doctor": "Check the installation: versions, engines, what is missing and the command that adds it.\n\n"
    "Leaves with 1 if anything that chainrule needs is missing or wrong.",
}

EPILOGUE = "Every command takes --json for output that programs read and --debug for the traceback of an error."


def build() -> App:
    """The app with all its commands."""
    app = App(
        name="chainrule",
        help="Fully connected neural networks, trained by backpropagation and gradient descent.",
        help_epilogue=EPILOGUE,
        help_format="plaintext",
        version=__version__,
        print_error=False,
        exit_on_error=False,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for name, text in COMMANDS.items():
        app.command(f"chainrule.cli.{name}:{name}", name=name, help=text)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without a letter shows its code
    given = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in given
    sys.exit(run([token for token in given if token != "--debug"], debug))


def run(arguments: list[str], debug: bool = False) -> int:
    """The exit code of a command line; with `debug`, errors come as tracebacks."""
    try:
        return build()(arguments) or 0
    except KeyboardInterrupt:
        return _fail("stopped", debug, 130)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone: there is nobody to tell
        return 1
    except CycloptsError as error:
        return _fail(f"{_one_line(error)} (see chainrule --help)", debug, 2)
    except SettingError as error:
        return _fail(_one_line(error), debug, 2)
    except MemoryError:
        return _fail("there is not enough memory for this: try a smaller network or table", debug)
    except (ChainruleError, OSError) as error:
        return _fail(_one_line(error), debug)
    except Exception as error:
        return _fail(f"unexpected {type(error).__name__}: {_one_line(error)}: --debug shows where", debug)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _fail(text: str, debug: bool, code: int = 1) -> int:
    if debug:
        traceback.print_exc()
    print(f"chainrule: {text}", file=sys.stderr)
    return code
