"""Answers nobody thought of: each is refused with a sentence, or gives a project that is clean and works."""

import re
import shutil
import subprocess
import time
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ..harness import clean_environment, render, run_warm
from ..variants import DATABASES, SOFT_DELETE, SUBSETS

pytestmark = pytest.mark.faults

# For each database.
SETS = 60
SENTENCE = re.compile(r"^Validation error for question '\w+': +(Type .+\.|.+ is reserved: .+\.)$")

# What has a meaning somewhere, beside the letters of the world.
SPECIAL = [
    *"\"'\\{}%#$`<>&|*_[]()!?:;,.@=+-~^/ ",
    *("{{", "}}", "{%", "%}", "{#", "#}", "{{ 7 * 7 }}", "{{ nothing }}", "{% raw %}", "{% endraw %}", "{# note #}"),
    *('"""', "''", r"\n", r"\u0041", r"\N{BULLET}", r"\x00", "%(name)s", "${HOME}", "$(id)", "<b>", "&amp;", "-->"),
    *("null", "yes", "1.0", "- a: b", "---", "...", "!!python/name:os.system", "&a", "*a", "[tool.ruff]", "# noqa"),
    *("日本語", "🐘", "ü", "e\u0301", "عرب", "ẞ", "ﬁ"),
]
SPOILT = [
    *(
        "\0",
        "\n",
        "\r",
        "\t",
        "\x07",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\xa0",
        "\xad",
        "\u200b",
        "\u200d",
        "\u200e",
        "\u200f",
    ),
    *("\u202e", "\u2028", "\u2029", "\u3000", "\ufeff", "\ud800", "\udfff", "\ue000", "\uffff", "\U000e0001"),
]
LONG = st.builds(
    str.__mul__, st.sampled_from(["x", "日", "{{", '"', "\\", "long name "]), st.sampled_from([40, 95, 5000])
)
PIECES = st.sampled_from(SPECIAL) | st.text(st.characters(categories=["L", "M", "N", "P", "S"]), max_size=6)
CLEAN = st.lists(PIECES, max_size=8).map("".join).map(str.strip)


def seldom(usual: st.SearchStrategy[str], *others: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Draw mostly what is right, so that most sets of answers reach the files."""
    return st.integers(0, 29).flatmap(lambda number: others[number] if number < len(others) else usual)


SPOIL = st.builds("{}{}{}".format, CLEAN, st.sampled_from(SPOILT), CLEAN)
TEXT = seldom(CLEAN, SPOIL, LONG)
ADDRESS = st.from_regex(r"[A-Za-z0-9.!#$%&*+/=?^_`|~-]{1,9}@[a-z0-9-]{1,9}([.][a-z0-9-]{1,5}){1,2}", fullmatch=True)
ANSWERS = st.fixed_dictionaries(
    {
        "project_name": seldom(CLEAN.filter(bool), SPOIL, LONG),
        "project_description": TEXT,
        "user_name": TEXT,
        "user_email": seldom(st.just("") | ADDRESS, st.builds("{}@{}".format, PIECES, PIECES), SPOIL),
        "example_models": st.sampled_from(["user_and_post", "user", "none"]),
        "mixins": st.sampled_from(SUBSETS),
        "soft_delete": st.sampled_from(SOFT_DELETE),
        "python_version": st.sampled_from(["3.11", "3.14"]),
        "docker": st.booleans(),
        "ci": st.sampled_from(["github", "none"]),
        "license": st.sampled_from(["MIT", "none", "Apache-2.0"]),
    },
    optional={
        "package_name": seldom(
            st.from_regex(r"[a-z][a-z0-9_]{0,46}[a-z]", fullmatch=True),
            st.sampled_from(["json", "None", "a-b", "a_"]),
            TEXT,
        )
    },
)


def smoke(python: Path, project: Path, home: Path) -> str:
    """Return the title that the project's service gives itself; see smoke.py."""
    program = str(Path(__file__).with_name("smoke.py"))
    done = run_warm(python, [program], project, clean_environment(home, PYTHONPATH="src"))
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("\n")[0]


def ask(template: Path, project: Path, answers: dict[str, Any]) -> str:
    """Render a project, and return why it was refused, if it was."""
    try:
        copier.run_copy(str(template), project, data=answers, defaults=True, skip_tasks=True, unsafe=True, quiet=True)
    except ValueError as error:
        return str(error)
    return ""


def check_files(project: Path, answers: dict[str, Any]) -> None:
    """Check that every file can be read by what reads it, and says what was typed."""
    for path in project.rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), path, "exec")
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["description"] == answers["project_description"]
    author = {"name": answers["user_name"], "email": answers["user_email"]}
    given_author = {key: value for key, value in author.items() if value}
    assert metadata.get("authors", [{}]) == [given_author]
    for path in (project / ".copier-answers.yml", *project.rglob("*.yaml"), *project.glob(".github/**/*.yml")):
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path
    recorded = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert {name: recorded[name] for name in answers} == answers
    if answers["license"] == "MIT":
        assert (answers["user_name"] or answers["project_name"]) in (project / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("database", DATABASES)
def test_answers_nobody_thought_of(
    template: Path, tmp_path: Path, environment_for: Callable[[Path], Path], database: str
) -> None:
    """Whatever is typed into the questionnaire is refused with a sentence, or gives a project that is clean and works."""
    # Without .git, which Copier would clone each time.
    source = Path(shutil.copytree(template, tmp_path / "template", ignore=shutil.ignore_patterns(".git")))
    programs = environment_for(render(template, tmp_path / "plain", database=database)) / "bin"
    refused: list[str] = []
    accepted: list[str] = []

    # Not shrunk, which takes longer than to read the answers that failed.
    @settings(
        max_examples=SETS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(drawn=ANSWERS)
    def try_answers(drawn: dict[str, Any]) -> None:
        answers = drawn | {"database": database}
        project = tmp_path / f"project{len(accepted) + len(refused)}"
        if problem := ask(source, project, answers):
            refused.append(problem)
            assert SENTENCE.search(problem)
            assert not project.exists()
            return
        accepted.append(answers["project_name"])
        check_files(project, answers)
        for command in (["check", "--quiet"], ["format", "--check", "--quiet", "--diff"]):
            ruff = str(programs / "ruff")
            done = subprocess.run([ruff, *command], cwd=project, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        assert smoke(programs / "python", project, tmp_path / "home") == answers["project_name"]
        shutil.rmtree(project)

    begun = time.monotonic()
    try_answers()
    reasons = dict(Counter(re.findall(r"question '(\w+)'", " ".join(refused))))
    took = time.monotonic() - begun
    print(f"{database}: {len(accepted)} sets gave a project, {len(refused)} were refused {reasons}, in {took:.0f} s")
    assert len(accepted) + len(refused) >= SETS
    assert min(len(accepted), len(refused)) > SETS / 30
