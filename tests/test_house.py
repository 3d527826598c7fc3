"""What a machine can check of the house: lint, format, types, who imports whom, and that the README is true."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
NATIVE = sorted(str(path.relative_to(ROOT)) for end in ("h", "cpp") for path in (ROOT / "native").rglob(f"*.{end}"))

CHECKS = {
    "lint": ["ruff", "check", "--no-cache", "."],
    "format": ["ruff", "format", "--no-cache", "--check", "."],
    "types": ["mypy", "--no-incremental"],
    "imports": ["lint-imports", "--no-cache"],
    "format of the core": ["clang-format", "--dry-run", "--Werror", *NATIVE],
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_checkout_passes(name: str) -> None:
    tool, *arguments = CHECKS[name]
    done = subprocess.run([BIN / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_line_of_the_core_is_wider_than_its_code() -> None:
    lines = [(path, k, line) for path in NATIVE for k, line in enumerate((ROOT / path).read_text().splitlines(), 1)]
    assert [f"{path}:{k}" for path, k, line in lines if len(line) > 120] == []


OF_THE_WHOLE = ["cli/completion.py", "cli/reference.py"]  # they describe every command, so they need the app itself


def imports_from_around(path: Path) -> list[str]:
    """The names, other than modules, that a module imports from a package that it is in."""
    package = ".".join(path.relative_to(ROOT / "src").parent.parts)
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and f"{package}.".startswith(f"{node.module}."):
            folder = ROOT / "src" / node.module.replace(".", "/")
            modules = {file.stem for file in folder.iterdir()}
            found += [alias.name for alias in node.names if alias.name not in modules]
    return found


def test_a_module_takes_nothing_from_the_packages_around_it() -> None:
    """What a package exports comes from its modules: one that imports it back closes a circle that no contract sees."""
    modules = (ROOT / "src" / "chainrule").rglob("*.py")
    found = {path.relative_to(ROOT / "src/chainrule").as_posix(): imports_from_around(path) for path in modules}
    assert sorted(name for name, names in found.items() if names) == OF_THE_WHOLE


def test_the_test_command_of_the_readme_is_what_continuous_integration_runs() -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme.split("\n## Test\n")[1].split("\n## ")[0]
    assert re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL) == [
        'python3 -m venv .venv && .venv/bin/pip install -e ".[dev]" && .venv/bin/pytest'
    ]
    run = (ROOT / ".ci" / "run").read_text()
    assert "README.md" in run
    required = " ".join(f"CHAINRULE_REQUIRE_{name}=1" for name in ("CORE", "BROWSER", "MPIRUN"))
    assert f"export {required}\n" in run  # nothing of these is skipped there


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
)
def test_links_inside_the_project_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []
