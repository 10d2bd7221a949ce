"""Our own rules, where no linter knows them."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
NO_NAMES = {"utils", "helpers", "common", "base", "misc"}
ERRCODES = ROOT / "src/teahouse/http/errors.py"
# The project speaks of the product: these are words of how it was made, or of where.
NO_WORDS = re.compile(r"/work/|/root/|\bas an AI\b|\bsubagent|\bTODO\b|\bFIXME\b", re.IGNORECASE)
TEXTS = (".py", ".md", ".toml", ".sql", ".yml", ".mjs", "")


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return (first.end_lineno or first.lineno) - first.lineno + 1 if is_text else 0


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT / "src/teahouse")))
def test_files_and_functions_stay_readable(source: Path) -> None:
    text = source.read_text()
    assert len(text.splitlines()) <= FILE_LINES_MAX
    assert source.stem not in NO_NAMES
    tree = ast.parse(text)
    assert ast.get_docstring(tree) or source.name == "__init__.py", "a module opens with its promise"
    for function in functions(tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1 - docstring_lines(function)
        assert lines <= FUNCTION_LINES_MAX, function.name


def test_only_one_file_spells_errcodes() -> None:
    for source in SOURCES:
        if source != ERRCODES:
            assert not re.findall(r"[\"']M_[A-Z_]{4,}[\"']", source.read_text()), source


def test_every_limit_says_why() -> None:
    for source in SOURCES:
        lines = source.read_text().splitlines()
        for number, line in enumerate(lines):
            if re.match(r"[A-Z_]+_MAX(_[A-Z]+)?(: [^=]+)? = [\d_<* ]+", line):
                assert "#" in line or lines[number - 1].lstrip().startswith("#"), f"{source.name}: {line}"


def test_the_project_speaks_of_the_product_alone() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in listed:
        path = ROOT / name
        if path.suffix in TEXTS and path.is_file() and path != Path(__file__) and "package-lock" not in name:
            found = NO_WORDS.search(path.read_text(errors="ignore"))
            assert found is None, f"{name}: {found and found[0]}"
