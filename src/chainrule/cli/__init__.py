"""The command line: `chainrule COMMAND`. Each command is a file here, imported when it is called.

Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 failed (one line says why), 2 wrong usage,
130 and 143 stopped by a signal.
"""

import os
import sys

from cyclopts import App, CycloptsError

from chainrule._version import __version__
from chainrule.cli import streams
from chainrule.cli.config import Config
from chainrule.cli.signals import Ended, Interrupt
from chainrule.errors import ChainruleError, SettingError

__all__ = ["main"]

COMMANDS = {
    "demo": "Train on handwritten digits: a first look, with nothing to prepare.\n\n"
    "1,797 images of 8 × 8 pixels, every fifth kept for the test. Writes digits.safetensors (the model) and "
    "digits-test.csv (those images), and says what to try next.",
    "train": "Train a model on a table and save it.\n\n"
    "All columns but the target are inputs: numbers are scaled, words and dates become inputs of their own, missing "
    "values are flagged, what says nothing is left out. Words or few whole numbers as target make a classifier, other "
    "numbers a regression. Ctrl-C stops at the next update and saves the best weights so far; a second ends at once.",
    "evaluate": "Compare a model's answers with a table's known ones.\n\n"
    "Classes: accuracy, balanced accuracy, F1 (the classes' mean), area under the ROC curve, log loss. Numbers: root "
    "mean square, mean absolute and median absolute error in their own units, R². What the rows do not define is left "
    "out.",
    "predict": "Answer for each row of a table, as CSV.\n\n"
    "The target's column, then the probability of each class. Columns are found by name, in any order; others are "
    "ignored.",
    "minimize": "Minimise a formula by gradient descent, and draw the way there.\n\n"
    'Such as chainrule minimize "(1-x)^2 + 100*(y-x^2)^2" --start -1,2 --plot path.png. A formula has '
    "numbers, variables, + - * / ^, parentheses, pi, e, and exp, log, sqrt, sin, cos, tanh, abs, min, max and their "
    "like. Gradients are exact, by complex step. Leaves with 1 where it has not converged: the best point seen is "
    "printed all the same, as after Ctrl-C.",
    "inspect": "Show what a model file holds, in words: the architecture, the columns, how it was trained.",
    "doctor": "Check the installation: versions, engines, what is missing and the command that adds it.\n\n"
    "Leaves with 1 if anything that chainrule needs is missing or wrong.",
    "completion": "Print the script that makes a shell complete commands, options, their choices and file names.\n\n"
    'Bash: put eval "$(chainrule completion bash)" into ~/.bashrc. Zsh: chainrule completion zsh > _chainrule, in a '
    "folder of $fpath. Fish: chainrule completion fish > ~/.config/fish/completions/chainrule.fish.",
}

EPILOGUE = "With --json a command writes for programs; with --debug an error shows its traceback."


def build(config: Config | None = None) -> App:
    """The app with all its commands, which read options from files as well with `config`."""
    app = App(
        name="chainrule",
        help="Fully connected neural networks, trained by backpropagation and gradient descent.",
        help_epilogue=EPILOGUE,
        help_format="plaintext",
        version=__version__,
        config=config,
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
    streams.prepare()
    given = sys.argv[1:] if arguments is None else list(arguments)
    end = given.index("--") if "--" in given else len(given)
    debug = "--debug" in given[:end]
    with Interrupt() as interrupt:
        try:
            code = run([token for token in given[:end] if token != "--debug"] + given[end:], debug)
            streams.finish()
        except Ended as again:  # another signal, while the first was told
            code = again.code
        if interrupt.asked():
            os._exit(code)  # at once: Python's own end would take signals as it likes
    sys.exit(code)


def run(arguments: list[str], debug: bool = False) -> int:
    """The exit code of a command line; with `debug`, errors come as tracebacks."""
    config = Config(COMMANDS)
    try:
        code = build(config)(arguments) or 0
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as stop:
        return _fail("stopped", debug, getattr(stop, "code", 130))
    except BrokenPipeError:
        return 1  # whoever read our output has gone: there is nobody to tell
    except CycloptsError as error:
        command = " ".join(("chainrule", *(error.command_chain or ())))
        return _fail(f"{config.named(_one_line(error))} (see {command} --help)", debug, 2)
    except SettingError as error:
        return _fail(config.named(_one_line(error)), debug, 2)
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
    streams.complain(text, debug)
    return code
