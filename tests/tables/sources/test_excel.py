"""Workbooks: names, types, gaps, sheets; damage and bombs in one line; and the line without calamine."""

import datetime
import io
import sys
import zipfile

import pytest
from tests.tables.reading import read_table

from chainrule.errors import DataError
from chainrule.tables.sources import as_source, excel

_CONTENT = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"""
_ROOT = """<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Target="xl/workbook.xml"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>"""
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STYLES = f"""<?xml version="1.0"?><styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/>
<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>"""


def cell(value, place):
    """A cell as the format writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime.date):
        return f'<c r="{place}" s="1"><v>{(value - datetime.date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def workbook(path, **sheets):
    """A workbook by the definition of the format (ECMA-376), a list of rows for each sheet."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    names = "".join(f'<sheet name="{name}" sheetId="{k}" r:id="s{k}"/>' for k, name in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="s{k}" Target="worksheets/s{k}.xml" Type="{kind}/worksheet"/>'
        for k in range(1, len(sheets) + 1)
    )
    links += f'<Relationship Id="t" Target="styles.xml" Type="{kind}/styles"/>'
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", _CONTENT)
        file.writestr("_rels/.rels", _ROOT)
        file.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{kind}"><sheets>{names}</sheets></workbook>'
        )
        file.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{space}">{links}</Relationships>')
        file.writestr("xl/styles.xml", _STYLES)
        for k, rows in enumerate(sheets.values(), 1):
            lines = [
                f'<row r="{r}">{"".join(cell(v, f"{chr(65 + c)}{r}") for c, v in enumerate(row))}</row>'
                for r, row in enumerate(rows, 1)
            ]
            file.writestr(
                f"xl/worksheets/s{k}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>',
            )
    return path


DAY = datetime.date(2021, 1, 5)
ROWS = [
    [],
    ["size", "code", "day", "ok", 2020, None],
    [1.5, "007", DAY, True, 3, None],
    [],
    [2, None, None, False, 4, None],
    [None, 8, DAY, None, 5, None],
]


def refusal(path):
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_sheet_is_a_table(tmp_path):
    pytest.importorskip("python_calamine")
    source = as_source(workbook(tmp_path / "t.xlsx", First=ROWS, Second=[["x"], [1]]))
    assert source.names == ["size", "code", "day", "ok", "2020"]
    assert source.table().to_pydict() == {
        "size": [1.5, 2.0, None],
        "code": ["007", None, "8.0"],
        "day": [DAY, None, DAY],
        "ok": [True, False, None],
        "2020": [3.0, 4.0, 5.0],
    }
    assert source.notes == ["the sheet 'First' is read, not 'Second'"]


def test_sheets_without_rows_and_damaged_files_are_one_line(tmp_path):
    pytest.importorskip("python_calamine")
    assert "empty first sheet" in refusal(workbook(tmp_path / "t.xlsx", First=[[]]))
    assert "no rows" in refusal(workbook(tmp_path / "t.xlsx", First=[["a", "b"]]))
    assert "more than one column 'a'" in refusal(workbook(tmp_path / "t.xlsx", First=[["a", "a"], [1, 2]]))
    whole = workbook(tmp_path / "t.xlsx", First=ROWS).read_bytes()
    for content in (b"", whole[:-30], whole[: len(whole) // 2], b"a,b\n1,2\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        (tmp_path / "t.xlsx").write_bytes(content)
        assert "damaged or not a workbook" in refusal(tmp_path / "t.xlsx")


def test_a_workbook_that_unpacks_to_more_than_the_memory_is_never_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "_calamine", lambda path: pytest.fail("it was opened"))
    monkeypatch.setattr(excel, "available_memory", lambda: 1 << 20)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/worksheets/s1.xml", b"0" * (1 << 20))
    (tmp_path / "t.xlsx").write_bytes(bomb.getvalue())
    assert "unpacks to 1,048,576 bytes" in refusal(tmp_path / "t.xlsx")


def test_without_calamine_the_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    line = refusal(workbook(tmp_path / "t.xlsx", First=ROWS))
    assert "pip install 'chainrule[excel]'" in line
    assert "there is no file" in refusal(tmp_path / "absent.xlsx")
