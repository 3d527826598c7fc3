"""The outputs of a network as C: a struct of answers, the function that fills it, and how it is printed."""

from __future__ import annotations

import dataclasses
from typing import Any

from chainrule.errors import SettingError
from chainrule.export.c.text import Identifiers, comment, number, quoted, table
from chainrule.export.program import ClassOutput, LabelsOutput, NumberOutput, Output, Program
from chainrule.text import shown

__all__ = ["Field", "answer_function", "answer_struct", "fields", "is_plain", "printed", "real_type"]

_LABELS = {str: "const char *", bool: "int ", int: "int64_t ", float: "double "}


@dataclasses.dataclass(frozen=True)
class Field:
    """A member of the struct of answers.

    - kind: its C type, as it stands before the name.
    - count: the numbers of an array; 0 for a single value.
    """

    name: str
    kind: str
    said: str
    count: int = 0

    @property
    def declared(self) -> str:
        array = f"[{self.count}]" if self.count else ""
        return f"  {self.kind}{self.name}{array}; /* {self.said} */"


def is_plain(program: Program) -> bool:
    """Whether the answers are the outputs of the network themselves, as one array."""
    return all(isinstance(output, NumberOutput) and not output.scaled for output in program.outputs)


def fields(program: Program) -> list[tuple[Output | None, list[Field]]]:
    """The members for each target; those of all outputs, with None, where they are no more than numbers."""
    if is_plain(program):
        return [(None, [Field("outputs", _real(program), "the numbers of the last layer", program.layers[-1].b.size)])]
    names = Identifiers()
    endings = ("_class", "_label", "_labels", "_probabilities")
    return [(output, _of_output(output, names.of(output.name, *endings), program)) for output in program.outputs]


def _of_output(output: Output, name: str, program: Program) -> list[Field]:
    if isinstance(output, NumberOutput):
        return [Field(name, "double " if output.scaled else _real(program), comment(output.name))]
    said = comment(output.name)
    if isinstance(output, LabelsOutput):
        labels, more = ", ".join(comment(text, 30) for text in output.texts[:5]), ", ..." * (len(output.texts) > 5)
        count = len(output.texts)
        return [
            Field(f"{name}_labels", "int ", f"{said}: 1 for each label that it has, of {labels}{more}", count),
            Field(f"{name}_probabilities", _real(program), "of these labels", count),
        ]
    assert isinstance(output, ClassOutput)
    members = [
        Field(f"{name}_class", "int ", f"{said}: the number of the class, from 0"),
        Field(f"{name}_label", _LABELS[_class_type(output)], "the class itself"),
    ]
    if output.probable:
        classes = ", ".join(comment(str(value), 30) for value in output.classes[:5])
        more = ", ..." if len(output.classes) > 5 else ""
        members.append(Field(f"{name}_probabilities", _real(program), f"of {classes}{more}", len(output.classes)))
    return members


def real_type(program: Program) -> str:
    """The C type of the network's numbers."""
    return {"float32": "float", "float64": "double"}[program.dtype.name]


def _real(program: Program) -> str:
    return f"{real_type(program)} "


def _class_type(output: ClassOutput) -> type[Any]:
    return type(output.classes[0])


def answer_struct(name: str, program: Program) -> str:
    """The struct of answers."""
    lines = [field.declared for _, members in fields(program) for field in members]
    return "\n".join([f"struct {name}_answer {{", *lines, "};"])


def answer_function(name: str, program: Program) -> str:
    """Tables of classes, and `answer_from(a, answer)`, which fills the struct from the outputs of the network."""
    tables, lines = [], []
    for output, members in fields(program):
        if output is None:
            lines.append(f"  memcpy(answer->outputs, a, {members[0].count} * sizeof *a);")
        elif isinstance(output, NumberOutput):
            lines += _number_lines(output, members[0].name)
        elif isinstance(output, LabelsOutput):
            lines += _label_lines(output, members)
        elif isinstance(output, ClassOutput):
            tables.append(_classes(output, members[1].name))
            lines += _class_lines(output, members)
    head = f"static void answer_from(const real *a, struct {name}_answer *answer) {{"
    return "\n\n".join([*tables, "\n".join([head, *lines, "}"])])


def _number_lines(output: NumberOutput, name: str) -> list[str]:
    a = f"a[{output.start}]"
    if not output.scaled:
        return [f"  answer->{name} = {a};"]
    lines = [f"  answer->{name} = {number(output.mean)} + {number(output.scale)} * (double){a};"]
    if output.logarithm:
        most = number(output.greatest)
        lines.append(f"  answer->{name} = exp(answer->{name} > {most} ? {most} : answer->{name});")
    return lines


def _label_lines(output: LabelsOutput, members: list[Field]) -> list[str]:
    flags, chances = (f"answer->{member.name}" for member in members)
    a, count = f"a + {output.start}", len(output.texts)
    lines = [f"  memcpy({chances}, {a}, {count} * sizeof *a);"]
    return [*lines, f"  for (int k = 0; k < {count}; k++) {flags}[k] = {chances}[k] > (real)0.5;"]


def _class_lines(output: ClassOutput, members: list[Field]) -> list[str]:
    code, label = (f"answer->{member.name}" for member in members[:2])
    a, count = f"a + {output.start}", len(output.classes)
    best = f"(a[{output.start}] > (real)0.5)" if output.yes_or_no else f"greatest({a}, {count})"
    best = f"steps_above({a}, {count - 1})" if output.ordered else best
    answered = [f"  {code} = {best};", f"  {label} = {members[1].name}s[{code}];"]
    lines = answered if output.threshold is None else []
    for member in members[2:]:
        chances = f"answer->{member.name}"
        if output.yes_or_no:
            lines += [f"  {chances}[0] = 1 - a[{output.start}];", f"  {chances}[1] = a[{output.start}];"]
        elif output.ordered:
            lines.append(f"  between({a}, {count}, {chances});")
        elif output.divided:
            lines.append(f"  shares({a}, {count}, {chances});")
        else:
            lines.append(f"  memcpy({chances}, {a}, {count} * sizeof *a);")
    return lines if output.threshold is None else [*lines, *_decided(output, members), answered[1]]


def _decided(output: ClassOutput, members: list[Field]) -> list[str]:
    """The number of the class by the threshold, from the probabilities. Raises SettingError where there are none."""
    if len(members) < 3 or output.threshold is None:
        raise SettingError(f"{output.name!r} has a threshold, but its outputs are no probabilities: leave it out")
    over = f"answer->{members[2].name}[{output.decided}] >= (real){number(output.threshold)}"
    return [f"  answer->{members[0].name} = {over} ? {output.decided} : {1 - output.decided};"]


def _classes(output: ClassOutput, label: str) -> str:
    """The table of the classes."""
    kind = _LABELS[_class_type(output)]
    kind = "char *const " if kind == "const char *" else kind
    return table(f"{kind}{label}s[{len(output.classes)}]", [_class(value) for value in output.classes])


def _class(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return number(value)
    if not -(2**63) < value < 2**63:
        raise SettingError(f"the class {shown(value)} needs more than 64 bits: choose another format")
    return f"INT64_C({value})"


def printed(program: Program) -> list[str]:
    """Statements that print the answers."""
    digits = "%.9g" if program.dtype.name == "float32" else "%.17g"
    lines = []
    for output, members in fields(program):
        if output is None:
            lines.append(_loop(members[0], digits))
            continue
        if isinstance(output, LabelsOutput):
            lines += [f'printf("%s:\\n", {quoted(output.name)});', *(_loop(member, digits) for member in members)]
            continue
        value = f"answer.{members[-1].name if isinstance(output, NumberOutput) else members[1].name}"
        kind = members[0].kind if isinstance(output, NumberOutput) else members[1].kind
        form, value = _FORMS.get(kind, (digits, f"(double){value}"))[0], _FORMS.get(kind, ("", "{}"))[1].format(value)
        lines.append(f'printf("%s: {form}\\n", {quoted(output.name)}, {value});')
        lines += [_loop(member, digits) for member in members[2:]]
    return lines


_FORMS = {
    "const char *": ("%s", "{}"),
    "int ": ("%d", "{}"),
    "int64_t ": ("%lld", "(long long){}"),
    "double ": ("%.17g", "{}"),
}


def _loop(member: Field, digits: str) -> str:
    """A statement that prints an array."""
    return f'for (int k = 0; k < {member.count}; k++) printf("{digits}\\n", (double)answer.{member.name}[k]);'
