"""Make a project from this clone: `make new DEST=../my-service ARGS="-d database=sqlite"`.

Copier prints a traceback for a wrong choice and ignores a misspelt question. This program reports both in one sentence.
"""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from copier import run_copy
from copier.errors import CopierAnswersInterrupt, CopierError

ROOT = Path(__file__).resolve().parent.parent


def git(*arguments: str) -> str:
    """Return the output of git in this clone."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.strip()


def questions() -> dict[str, dict[str, Any]]:
    """Return the questions that are asked, by name."""
    spec = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    return {name: q for name, q in spec.items() if not name.startswith("_") and q.get("when", True) is not False}


def parse_answers(pairs: list[str]) -> dict[str, Any]:
    """Return the answers given as name=value.

    Raises:
        SystemExit: a name is not a question, or a value is not one of its choices.
    """
    asked = questions()
    answers: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SystemExit(f"-d {pair}: write it as name=value")
        if name not in asked:
            raise SystemExit(f"-d {pair}: there is no question {name}; there are {', '.join(asked)}")
        answers[name] = check_choice(pair, asked[name], value)
    return answers


def check_choice(pair: str, question: dict[str, Any], value: str) -> Any:
    """Return the value in the form that Copier needs.

    Raises:
        SystemExit: the value is not one of the question's choices.
    """
    choices = question.get("choices")
    if question["type"] == "bool":
        parsed = yaml.safe_load(value) if value else None
        if not isinstance(parsed, bool):
            raise SystemExit(f"-d {pair}: answer yes or no")
        return parsed
    if choices is None:
        return value
    known = list(choices.values()) if isinstance(choices, dict) else list(choices)
    if not question.get("multiselect"):
        if value not in known:
            raise SystemExit(f"-d {pair}: choose one of {', '.join(known)}")
        return value
    chosen = [part.strip() for part in value.strip("[] ").split(",") if part.strip()]
    if unknown := [part for part in chosen if part not in known]:
        raise SystemExit(
            f"-d {pair}: {unknown[0]} is not one of {', '.join(known)}. Write a list such as [{', '.join(known[:2])}]"
        )
    return [part for part in known if part in chosen]


def destination() -> Path:
    """Return the folder for the project.

    Raises:
        SystemExit: DEST is missing or within this clone, or the folder is not empty.
    """
    given = os.environ.get("DEST", "").strip()
    if not given:
        raise SystemExit("Say where the project goes: make new DEST=../my-service")
    path = (ROOT / Path(given).expanduser()).resolve()
    if path == ROOT or path.is_relative_to(ROOT):
        raise SystemExit(f"{path} is inside the template. Choose a folder beside it, such as ../my-service")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise SystemExit(f"{path} exists and is not empty: choose another folder, or remove it first")
    return path


def project_name(path: Path) -> str:
    """Return the name that the folder of a project suggests: My Service for my-service."""
    return " ".join(path.name.replace("-", " ").replace("_", " ").split()).title()


def check_clone() -> None:
    """Warn about the limits of a project made from this state of the clone.

    Raises:
        SystemExit: there are uncommitted changes, and DIRTY=1 is not set.
    """
    if git("status", "--porcelain"):
        if os.environ.get("DIRTY") != "1":
            raise SystemExit(
                "This clone has changes that are not committed, and a project made from them could never be updated:"
                " commit them, or say DIRTY=1 for a project to throw away."
            )
        print("DIRTY=1: this project cannot be updated.")
    elif (tag := git("describe", "--tags", "--abbrev=0")) and git("rev-parse", f"{tag}^{{commit}}") != git(
        "rev-parse", "HEAD"
    ):
        print(f"This clone is past its newest release, {tag}: updates of the project start with the next one.")


def main() -> int:
    """Ask the questions if there is a terminal, and make the project."""
    parser = argparse.ArgumentParser(prog='make new DEST=../my-service ARGS="..."', description="Make a project.")
    parser.add_argument("-d", "--data", action="append", default=[], metavar="NAME=VALUE", help="answer a question")
    parser.add_argument("--defaults", action="store_true", help="ask nothing: the rest are the defaults")
    arguments = parser.parse_args(shlex.split(os.environ.get("ARGS", "")))
    answers = parse_answers(arguments.data)
    path = destination()
    check_clone()
    try:
        run_copy(
            str(ROOT),
            path,
            data=answers,
            user_defaults={"project_name": project_name(path)},
            defaults=arguments.defaults or not sys.stdin.isatty(),
            vcs_ref="HEAD",
            unsafe=True,
            quiet=False,
        )
    except CopierAnswersInterrupt:
        print("Interrupted; nothing was made.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if not path.exists():
            print("\nInterrupted; nothing was made.", file=sys.stderr)
        elif not (path / ".venv").exists():  # otherwise the hook has printed how to finish the project
            print(
                f"\nInterrupted. If {path} was being set up, `make setup` in it goes on. If not, remove it: it is"
                " incomplete.",
                file=sys.stderr,
            )
        return 1
    except (CopierError, ValueError) as error:
        print(str(error).removeprefix("Validation error for question ").strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
