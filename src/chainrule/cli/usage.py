"""Wrong usage in words: what came on the command line, what the command takes, and what to write."""

from cyclopts import CycloptsError, MissingArgumentError, UnusedCliTokensError

from chainrule.tables.names import listed

__all__ = ["usage_in_words"]


def usage_in_words(error: CycloptsError) -> str:
    """What is wrong with a command line, in one line with the command whose --help says more."""
    command = " ".join(("chainrule", *(error.command_chain or ())))
    return f"{_said(error, command)} (see {command} --help)"


def _said(error: CycloptsError, command: str) -> str:
    if isinstance(error, UnusedCliTokensError):
        return _too_many(error, command)
    if isinstance(error, MissingArgumentError) and error.keyword is None and error.argument is not None:
        return f"{error.argument.name} is missing"
    return " ".join(str(error).split())


def _too_many(error: UnusedCliTokensError, command: str) -> str:
    """That more came than the command takes, and how a file to write is named."""
    came, arguments = error.unused_tokens or [], error.app.assemble_argument_collection() if error.app else ()
    takes = " ".join(each.name for each in arguments if each.field_info.is_positional) or "no arguments"
    line = f"{listed(came)} {'is' if len(came) == 1 else 'are'} too much: {command} takes {takes}"
    if any("--out" in each.names for each in arguments):
        line += f", and the file to write with --out, as in --out {came[-1]}"
    return line
