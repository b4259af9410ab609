"""The questionnaire: every default works, every wrong answer gets one sentence, any right text gives a project that works."""

import ast
import sys
import tomllib
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..harness import ROOT, Project, render
from ..variants import PAIRWISE, describe

QUESTIONS: dict[str, dict[str, Any]] = {
    name: question for name, question in yaml.safe_load((ROOT / "copier.yml").read_text()).items() if name[0] != "_"
}
ASKED = {name: question for name, question in QUESTIONS.items() if question.get("when", True) is not False}


@pytest.mark.parametrize("name", ASKED)
def test_a_question_has_help_and_a_default(name: str) -> None:
    question = ASKED[name]
    assert question["help"].rstrip().endswith(("?", "."))
    assert "\n" not in question["help"]
    assert question.get("default") is not None
    free_text = question["type"] == "str" and "choices" not in question
    assert ("validator" in question) is free_text


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"project_name": ""}, "Type a name of 1 to 100 printable characters"),
        ({"project_name": " My Service"}, "without spaces at its ends"),
        ({"project_name": "My\nService"}, "on one line"),
        ({"project_name": "My\x07Service"}, "printable"),
        ({"project_name": "x" * 101}, "1 to 100"),
        ({"package_name": ""}, "for example my_service"),
        ({"package_name": "My"}, "lower-case letters"),
        ({"package_name": "1st"}, "starts with a letter"),
        ({"package_name": "my-service"}, "lower-case letters, digits and underscores"),
        ({"package_name": "my_"}, "ends with none"),
        ({"package_name": "_my"}, "starts with a letter"),
        ({"package_name": "dienst_ü"}, "lower-case letters"),
        ({"package_name": "x" * 49}, "at most 48"),
        (
            {"package_name": "class"},
            "class is reserved: a keyword, a module or a folder of the project. Type another name, for example class_service",
        ),
        ({"package_name": "json"}, "json is reserved"),
        ({"package_name": "sqlalchemy"}, "sqlalchemy is reserved"),
        ({"package_name": "tests"}, "tests is reserved"),
        ({"package_name": "alembic"}, "alembic is reserved"),
        ({"project_description": "one\ntwo"}, "Type one line of at most 200 printable characters, or nothing"),
        ({"project_description": "x" * 201}, "at most 200"),
        ({"user_name": "x" * 101}, "Type a name of at most 100 printable characters"),
        ({"user_name": "a\tb"}, "printable"),
        ({"user_email": "nobody"}, "Type an address such as name@example.com, or nothing"),
        ({"user_email": "a b@example.com"}, "Type an address"),
        ({"user_email": 'a"@example.com'}, "Type an address"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_a_wrong_answer_gets_a_sentence_and_no_project(
    template: Path, tmp_path: Path, answers: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match="Validation error") as error:
        render(template, tmp_path / "project", **answers)
    assert sentence in str(error.value)
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize(
    ("project_name", "package_name"),
    [
        ("My Service", "my_service"),
        ("  ".join("ab"), "a_b"),
        ("Café-Bar 2", "caf_bar_2"),
        ("3D Shop", "app_3d_shop"),
        ("日本語", "my_service"),
        ("!", "my_service"),
        ("JSON", "json_service"),
        ("Tests", "tests_service"),
        ("import", "import_service"),
        ("x" * 100, "x" * 40),
        ("{{ name }}", "name"),
    ],
)
def test_the_suggested_package_name_is_always_good(
    template: Path, tmp_path: Path, project_name: str, package_name: str
) -> None:
    project = render(template, tmp_path / "project", project_name=project_name)
    assert [path.name for path in (project / "src").iterdir()] == [package_name]


def test_reserved_names_hold_what_a_project_can_import(make_project: Callable[..., Project]) -> None:
    reserved = set(QUESTIONS["reserved_names"]["default"].split())
    standard = {name for name in sys.stdlib_module_names if name[0] != "_" and name.islower()}
    assert standard <= reserved
    modules: set[str] = set()
    for number, database in enumerate(("postgresql", "sqlite", "both")):
        project = make_project(f"project{number}", database=database)
        found = project.run(
            "python", "-c", "from importlib.metadata import packages_distributions as p; print(*p().keys())"
        )
        modules |= {name for name in found.stdout.split() if name.isidentifier() and name[0] != "_" and name.islower()}
        modules |= {path.name for path in project.path.iterdir() if path.is_dir() and path.name.isidentifier()}
    assert modules <= reserved, f"add to reserved_names in copier.yml: {' '.join(sorted(modules - reserved))}"


HOSTILE = [
    'He said "hi"',
    "It's",
    "\"both\" and 'both'",
    "back\\slash",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "{# note #}",
    "%(name)s %s",
    "${HOME} `id` $(id)",
    "ünïcödé 日本 🐘",
    "<b>&amp;</b> | # * _ [x](y)",
    "null",
    "yes",
    "1.0",
    "- item: value",
    "'''",
    '"""',
    "end\\",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_printable_text_gives_a_project_that_says_it(make_project: Callable[..., Project], text: str) -> None:
    answers = {"project_name": text, "project_description": text, "user_name": text, "license": "MIT"}
    project = make_project(database="sqlite", package_name="my_service", **answers)
    check_texts(project.path, text)
    project.run("ruff", "check")
    project.run("ruff", "format", "--check")
    shown = project.run("python", "-c", "from my_service.main import app; print(app.title)", PYTHONPATH="src")
    assert shown.stdout == f"{text}\n"


def check_texts(project: Path, text: str) -> None:
    """Check that the files which carry answers can be read, and say what was typed."""
    metadata = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    assert metadata["description"] == text
    assert metadata["authors"] == [{"name": text}]
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["project_name"] == text
    calls = [
        node
        for node in ast.walk(ast.parse((project / "src/my_service/main.py").read_text()))
        if isinstance(node, ast.Call)
    ]
    titles = [
        word.value.value
        for call in calls
        for word in call.keywords
        if word.arg == "title" and isinstance(word.value, ast.Constant)
    ]
    assert titles == [text]
    assert text in (project / "LICENSE").read_text()
    for workflow in project.glob(".github/workflows/*.yml"):
        assert yaml.safe_load(workflow.read_text())
    assert yaml.safe_load((project / "compose.yaml").read_text())


def test_the_pairwise_answers_hold_every_pair() -> None:
    values = {
        name: list(question["choices"].values() if isinstance(question["choices"], dict) else question["choices"])
        if "choices" in question
        else [True, False]
        for name, question in ASKED.items()
        if "choices" in question or question["type"] == "bool"
    }
    values["mixins"] = [[], ["title"], ["description", "slug"], ["title", "description", "slug"]]
    wanted = {
        (one, str(a), other, str(b))
        for one, other in combinations(values, 2)
        for a in values[one]
        for b in values[other]
    }
    held = {
        (one, str(answers[one]), other, str(answers[other]))
        for answers in PAIRWISE
        for one, other in combinations(values, 2)
    }
    assert not wanted - held


@pytest.mark.parametrize("answers", PAIRWISE, ids=describe)
def test_other_answers_give_a_clean_project(template: Path, tmp_path: Path, answers: dict[str, Any]) -> None:
    project = render(template, tmp_path / "project", **answers)
    assert (project / "Dockerfile").exists() is answers["docker"]
    assert (project / ".github").exists() is (answers["ci"] == "github")
    assert (project / "LICENSE").exists() is (answers["license"] != "none")
    assert (
        tomllib.loads((project / "pyproject.toml").read_text())["project"]["requires-python"]
        == f">={answers['python_version']}"
    )
