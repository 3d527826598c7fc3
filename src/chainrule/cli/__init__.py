"""The command line: `chainrule COMMAND`. Each command has a file in this package, imported when the command runs.

Results go to stdout, progress and errors to stderr. Exit codes: 0 success, 1 failure (one line says why), 2 wrong
usage, 130 and 143 stopped by a signal.
"""

import os
import sys
import warnings

from cyclopts import App, CycloptsError, UnknownOptionError

from chainrule._version import __version__
from chainrule.cli import streams
from chainrule.cli.config import Config
from chainrule.cli.signals import Interrupt, SignalExit
from chainrule.cli.threads import threads_can_start
from chainrule.cli.usage import usage_in_words
from chainrule.errors import ChainruleError, SettingError
from chainrule.paths import STDIN

__all__ = ["main"]

COMMANDS = {
    "demo": "Train on handwritten digits: try chainrule without data of your own.\n\n"
    "The data are 1,797 images of 8 × 8 pixels; every fifth image is kept for the test. Writes digits.safetensors (the "
    "model) and digits-test.csv (the test images), and shows which commands to try next.",
    "train": "Train a model on a table and save it.\n\n"
    "All columns but the target are inputs: numbers are scaled, words and dates are turned into numeric inputs, "
    "missing values are flagged, and columns without information are left out. A target of words or few whole numbers "
    "makes a classifier, other numbers make a regression. Ctrl-C stops at the next update and saves the best weights; "
    "a second Ctrl-C exits at once.",
    "cv": "Show how good a model of a table is on rows that it has not seen, beside a linear model and boosting.\n\n"
    "The rows are divided into parts; each part is tested by a model that was trained on the others, with the options "
    "of train. Shows the mean and the standard deviation of each score over the parts, and by how much the network "
    "differs from the other models on the same rows. --group keeps rows together, --time-column predicts later rows "
    "from earlier ones.",
    "tune": "Search for the settings with which a model of a table is best, and write them to a file of options.\n\n"
    "Each trial trains with other settings (learning rate, weight decay, hidden layers, activation, dropout, batch "
    "size; --search names some of them) and is scored on rows that are held out; bad ones end early. Options that are "
    "set are the same in every trial. --time or --trials ends the search, as does Ctrl-C, and --study keeps it, to go "
    "on later. Writes chainrule.toml, with which `train` makes the best model again, to the bit. It needs "
    "pip install 'chainrule[tune]'.",
    "rate": "Find a learning rate for a table: the range test.\n\n"
    "Trains for some updates while the learning rate grows, from the weights at which `train` begins, and suggests the "
    "rate at which the cost falls most steeply. It is a place to begin, not the best rate. Saves no model. Exits with "
    "status 1 if the cost only rises.",
    "evaluate": "Compare the answers of a model with the true values in a table.\n\n"
    "Classes: accuracy, balanced accuracy, F1 (mean over the classes), area under the ROC curve, log loss. Numbers: "
    "root mean square error, mean and median absolute error in the unit of the target, R². A score that these rows do "
    "not define is left out.",
    "predict": "Predict the target for each row of a table, as CSV.\n\n"
    "The CSV has the target's column, then the probability of each class. Input columns are matched by name, in any "
    "order; other columns are ignored. With - for the table, rows are read from standard input as they come and "
    "answered block by block, in memory that does not grow.",
    "export": "Write a model as a program that runs without chainrule: the preprocessing, the network, the answers.\n\n"
    "The format is that of --to, or of the ending of --out. --check TABLE runs what was written, where this machine "
    "has something that runs it, and shows the largest difference and how many labels differ; the status is 1 if "
    "rounding does not explain them.",
    "serve": "Answer rows over HTTP with the predictions of a model.\n\n"
    "POST /predict takes rows as JSON or CSV and answers with the predictions of `chainrule predict`. GET / names the "
    "columns, GET /health says whether it is ready, GET /openapi.json describes it for programs. Ctrl-C and SIGTERM "
    "end it when the requests under way are answered; after SIGTERM it exits with status 0. It needs "
    "pip install 'chainrule[serve]'.",
    "studio": "Watch a network learn, in the browser, and read every number of it.\n\n"
    "Opens a page of this machine alone: a network learns the table, or a small set of points, and can be stopped at "
    "any update. Each weight, neuron and layer shows its equation with the numbers of that update. The page reads and "
    "writes files in the table's folder, or in this one, and nowhere else. It needs pip install 'chainrule[studio]'.",
    "check": "Certify the gradient of a model: compare it with derivatives of the cost, parameter by parameter.\n\n"
    "The derivatives are computed without backpropagation. Layer by layer, and for each activation and cost alone, it "
    "shows how many parameters were compared, the worst error as a share of the largest derivative, what rounding "
    "allows, and where. Exits with status 1 if the gradient is wrong, or if nothing can be said.",
    "backprop": "Show the numbers of backpropagation for a row of a table, put into the equations.\n\n"
    "Every Z, A and delta of the network, and every derivative of the cost: a summary of each layer, a layer as "
    "matrices (--layer), or a neuron number by number (--layer --neuron), as text, LaTeX, MathML or JSON. Layers and "
    "neurons are counted from 1.",
    "explain": "Show which columns a model uses, why it answers a row as it does, or how it depends on a column.\n\n"
    "Without more it shows the permutation importance: how much worse each score is when the cells of a column are "
    "dealt out among the rows. --row N shows how far each column moves the answer for that row away from that for the "
    "mean row of the table (integrated gradients, which add up to the difference), and with --what-if age=20,40 what "
    "other cells would do. --column NAME shows the mean answer for values of a column.",
    "report": "Write one HTML file with all that can be said of a model: its model card.\n\n"
    "With a table it has the scores beside a linear model and boosting, calibration, errors and the worst rows, the "
    "importance of the columns, and how the answers depend on them; always the columns, the training, the settings and "
    "the versions. The file runs no script and loads nothing. 20,000 rows at most are taken of a large table.",
    "suspects": "Show the rows of a table that may have a wrong label or odd values, the most suspect first.\n\n"
    "chainrule suspects TABLE --target COLUMN trains on the table. With several members the score of a row is the cost "
    "of its prediction by the member that was not trained on it, with one member the sum of its squared gradient norms "
    "over the epochs. chainrule suspects MODEL TABLE scores other rows by the cost of the model's predictions; a "
    "wrong label that the model was trained on may have a small one.",
    "minimize": "Minimise a formula by gradient descent, and plot the path.\n\n"
    'For example: chainrule minimize "(1-x)^2 + 100*(y-x^2)^2" --start -1,2 --plot path.png. A formula contains '
    "numbers, variables, + - * / ^, parentheses, pi, e, and functions such as exp, log, sqrt, sin, cos, tanh, abs, min "
    "and max. Gradients are exact (complex step). Exits with status 1 if it has not converged; it then prints the best "
    "point so far, as it does after Ctrl-C.",
    "inspect": "Show in words what a model file contains: the architecture, the columns, how it was trained.",
    "doctor": "Check the installation: versions, engines, what is missing and the command that installs it.\n\n"
    "Exits with status 1 if anything that chainrule needs is missing or wrong.",
    "completion": "Print the script that lets a shell complete commands, options, their choices and file names.\n\n"
    'Bash: put eval "$(chainrule completion bash)" into ~/.bashrc. Zsh: chainrule completion zsh > _chainrule, in a '
    "folder of $fpath. Fish: chainrule completion fish > ~/.config/fish/completions/chainrule.fish.",
}

PREDICT_TAKES = (
    "--out",
    "--id",
    "--threshold",
    "--interval",
    "--sets",
    "--sets-by",
    "--host",
)  # its options that take a value, which may be `-`

EPILOGUE = "With --json a command writes JSON for programs; with --debug an error shows its traceback."


def build(config: Config | None = None) -> App:
    """The app with all its commands; with `config`, the commands also read options from files."""
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
    """Run the command line, then exit with its exit code."""
    streams.prepare()
    tokens = sys.argv[1:] if arguments is None else list(arguments)
    end = tokens.index("--") if "--" in tokens else len(tokens)
    debug = "--debug" in tokens[:end]
    with warnings.catch_warnings(), Interrupt() as interrupt:
        warnings.showwarning = streams.print_warning
        try:
            if threads_can_start():
                code = run([token for token in tokens[:end] if token != "--debug"] + tokens[end:], debug)
            else:
                code = _fail("too few threads can be started: raise the limit (ulimit -u) or end other programs", debug)
            streams.finish()
            _leave_hosts(code)
        except SignalExit as stop:  # a signal while the results were being written
            code = stop.code
        if interrupt.signalled():
            os._exit(code)  # at once: during Python's shutdown a signal would have its default effect
    sys.exit(code)


def _leave_hosts(code: int) -> None:
    """Leave the other hosts, if there are any: in good order, or with the line that says why this one failed."""
    starting = sys.modules.get("chainrule.hosts.starting")  # if it was never imported, there are none
    link = None if starting is None else starting.process_link()
    if link is None or link.alone:
        return
    if code in (0, 130, 143):
        link.leave()
    else:
        link.fail(streams.last_error())
    streams.finish()
    os._exit(code)


def run(arguments: list[str], debug: bool = False) -> int:
    """Run a command line and return its exit code; with `debug`, errors show their traceback."""
    config = Config(COMMANDS)
    try:
        code = build(config)(_with_standard_input(arguments)) or 0
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as stop:
        return _fail("stopped", debug, getattr(stop, "code", 130))
    except BrokenPipeError:
        return 1  # the reader of our output has closed it, so no message is written
    except CycloptsError as error:
        if isinstance(error, UnknownOptionError) and "-" in (error.token.value, error.token.keyword):
            return _fail("'-' is standard input, but a table is read several times: write it to a file first", debug, 2)
        return _fail(config.with_source(usage_in_words(error)), debug, 2)
    except SettingError as error:
        return _fail(config.with_source(_one_line(error)), debug, 2)
    except MemoryError:
        return _fail("there is not enough memory for this: try a smaller network or table", debug)
    except (ChainruleError, OSError) as error:
        return _fail(_one_line(error), debug)
    except Exception as error:
        return _fail(f"unexpected {type(error).__name__}: {_one_line(error)}: --debug shows where", debug)


def _with_standard_input(arguments: list[str]) -> list[str]:
    """The arguments, where `-` as the table of `predict`, which reads it once, is the path of standard input."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    before = ("", *arguments)
    is_table = [token == "-" and before[k] not in PREDICT_TAKES for k, token in enumerate(arguments[:end])]
    if arguments[:1] != ["predict"]:
        return arguments
    return [str(STDIN) if table else token for table, token in zip(is_table, arguments, strict=False)] + arguments[end:]


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _fail(text: str, debug: bool, code: int = 1) -> int:
    streams.print_error(text, debug)
    return code
