"""What the README claims is what its tables measure, and its links lead to headings that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def slugs(page: str) -> set[str]:
    """The anchors of a page's headings, as they are made from their text."""
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_anchor_is_a_heading() -> None:
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", README)
    assert links
    for page, anchor in links:
        assert anchor in slugs((ROOT / (page or "README.md")).read_text("utf-8")), f"{page}#{anchor}"


def test_how_much_faster_is_what_the_table_says() -> None:
    sentence = r"on (\d) of the 7 networks that we measure, by ([\d.]+) to ([\d.]+) times"
    claimed = re.search(sentence, " ".join(README.split()))
    assert claimed is not None
    rows = [[cell.strip() for cell in row.split("|")] for row in README.splitlines() if row.startswith("| W")]
    assert len(rows) == 7
    ahead = [ratios for ratios in ((float(row[5]), float(row[9])) for row in rows) if min(ratios) > 1]
    assert len(ahead) == int(claimed[1])
    assert (min(map(min, ahead)), int(max(map(max, ahead)))) == (float(claimed[2]), int(claimed[3]))


def test_how_good_has_the_best_score_of_every_set_in_bold() -> None:
    section = README.split("<!-- tables -->")[1].split("<!-- /tables -->")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    start = next(k for k, cells in enumerate(lines) if cells[:2] == ["set", "seeds"])
    contenders, sets = [cells[0] for cells in lines[2:start]], lines[start + 2 :]
    assert sorted(lines[start][2:]) == sorted(contenders)
    assert f"Of {len(sets)} sets" in section
    for name, _, *scores in sets:
        values = [float(score.strip("*")) for score in scores if score != "-"]
        bold = [float(score.strip("*")) for score in scores if score.startswith("**")]
        assert bold, name
        assert all(max(values) - value < 0.0015 for value in bold), name  # a tie, of which each is rounded
