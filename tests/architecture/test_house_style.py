"""The rules of the house that a machine can check."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "generation", "metering", "shortsproject")
SOURCES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
VAGUE_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py", "exceptions.py"}
LONGEST_FUNCTION = 40
LONGEST_FILE = 400
LONGEST_TEST = 25
EDGES = (
    "views", "api", "api_browse", "tasks", "admin", "management", "local", "apps", "admin_pages",
    "metrics", "context", "history_views", "deletion_views", "instants",
)  # fmt: skip
LOOPS_ALLOWED = ("concurrency", "crash", "journeys", "architecture", "local")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def length(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    has_text = ast.get_docstring(function) is not None
    documented = (first.end_lineno or 0) - first.lineno + 1 if has_text else 0
    return (function.end_lineno or 0) - function.lineno + 1 - documented


def calls(path: Path, name: str) -> list[int]:
    """Lines on which something is called that ends in this name."""
    tree = ast.parse(path.read_text())
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_functions_and_files_are_short(path: Path) -> None:
    too_long = [f.name for f in functions(path) if length(f) > LONGEST_FUNCTION]

    assert too_long == []
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [name_of(path) for path in SOURCES if path.name in VAGUE_NAMES] == []


def test_below_the_edges_time_is_an_argument() -> None:
    inner = [p for p in SOURCES if not set(EDGES) & {*p.relative_to(ROOT).parts, p.stem}]

    assert {name_of(path): calls(path, "timezone.now") for path in inner} == {
        name_of(path): [] for path in inner
    }


def test_metering_knows_no_floats() -> None:
    trees = [ast.parse(p.read_text()) for p in SOURCES if p.is_relative_to(ROOT / "metering")]
    nodes = [node for tree in trees for node in ast.walk(tree)]

    floats = [n for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, float)]
    names = [n for n in nodes if isinstance(n, ast.Name) and n.id in ("float", "FloatField")]

    assert (floats, names) == ([], [])


def test_only_one_function_rounds_dollars_to_tokens() -> None:
    rounding = [name_of(p) for p in SOURCES if "ROUND_HALF_UP" in p.read_text()]

    assert rounding == ["metering/rates.py"]


def test_only_the_ledger_calls_the_ledgers_functions() -> None:
    callers = [name_of(p) for p in SOURCES if "metering_hold_v1(" in p.read_text()]

    assert callers == ["metering/ledger.py"]


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name == "tasks.py"], ids=name_of)
def test_a_task_is_one_call(path: Path) -> None:
    assert [f.name for f in functions(path) if length(f) > 10] == []


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name.endswith("views.py")], ids=name_of)
def test_a_view_is_thin(path: Path) -> None:
    assert [f.name for f in functions(path) if length(f) > 15] == []


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_tests_are_short_and_straight(path: Path) -> None:
    tests = [f for f in functions(path) if f.name.startswith("test_")]
    branching = [
        f.name
        for f in tests
        if not set(LOOPS_ALLOWED) & set(path.parts)
        and any(isinstance(node, ast.For | ast.While | ast.If) for node in ast.walk(f))
    ]

    assert [f.name for f in tests if length(f) > LONGEST_TEST] == []
    assert branching == []
