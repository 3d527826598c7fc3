"""What a machine can check of the house: lint, format, types, who imports whom, and that the README is true."""

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


def test_the_test_command_of_the_readme_is_what_continuous_integration_runs() -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme.split("\n## Test\n")[1].split("\n## ")[0]
    assert re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL) == [
        'python3 -m venv .venv && .venv/bin/pip install -e ".[dev]" && .venv/bin/pytest'
    ]
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
)
def test_links_inside_the_project_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []
