"""Start the note of an update before Copier changes any file, and add the declarations of the releases to it.

    before_update.py begin FROM TO ANSWERS PACKAGE     starts the note; PACKAGE is the name given with -d, or ''
    before_update.py renamed TABLE.OLD NEW     a release gave a column another name
    before_update.py moved OLD NEW             a release moved a file
    before_update.py removed PATH              a release removed a file
    before_update.py replaced OLD NEW          a release gave a name of the package another name or module

A path may contain {package_name}. When it fails, no file has been changed, and it prints the reason.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import note
import yaml  # Copier's own
from project import refuse_new_name
from repository import UpdateBlocked, git


def refuse_answers(answers_file: str, package_name: str) -> None:
    """Check that the answers are as Copier wrote them, because they determine the last render.

    Raises:
        UpdateBlocked: they were edited, or the package would get another name.
    """
    text = Path(answers_file).read_text(encoding="utf-8")
    written = re.search(r"^# Answers as written: ([0-9a-f]{64})$", text, re.MULTILINE)
    # The owner may have to correct the address of the template and the release.
    answers = {name: value for name, value in yaml.safe_load(text).items() if not name.startswith("_")}
    if written and hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest() != written[1]:
        raise UpdateBlocked(
            f"The answers in {answers_file} were edited since Copier wrote them, so they no longer say what the template"
            f" rendered. `git log -p {answers_file}` shows the edit: undo it, commit, and change answers with"
            " `copier update --trust -d question=answer`. If the answers are right as they are, delete the line"
            " `# Answers as written`."
        )
    refuse_new_name(answers["package_name"], package_name or answers["package_name"])


def begin(version_from: str, version_to: str, answers_file: str, package_name: str) -> None:
    """Start the note of an update.

    Raises:
        UpdateBlocked: the answers cannot be used, or the last update is unfinished.
    """
    refuse_answers(answers_file, package_name)
    note.refuse_unfinished()
    same = version_from == version_to
    note.begin(
        {
            "from": version_from,
            "to": version_to,
            "reason": "template answers" if same else f"template {version_to}",
            "answers": answers_file,
            "head": git("rev-parse", "HEAD"),
            "renames": [],
            "moves": {},
            "names": {},
            "import_script": None,
            "stage": note.WRITING,
            "files": [],
        }
    )
    change = f"with other answers, at {version_to}" if same else f"from {version_from} to {version_to}"
    print(f"Updating {change} of the template ...", flush=True)


def declare(kind: str, *arguments: str) -> None:
    """Note a column that a release renamed, a file that it moved or removed, or a name that it replaced."""
    noted = note.read()
    if kind == "renamed":
        noted["renames"].append("=".join(arguments))
    elif kind == "replaced":
        old, new_name = arguments
        noted["names"] = {name: new_name if now == old else now for name, now in noted["names"].items()} | {
            old: new_name
        }
    else:
        answers = yaml.safe_load(Path(noted["answers"]).read_text(encoding="utf-8"))
        old, *new = (path.format(**answers) for path in arguments)
        # A release before this one may have moved the file already.
        first = next((before for before, after in noted["moves"].items() if after == old), old)
        noted["moves"][first] = new[0] if kind == "moved" else None
    note.write(noted)


def main(action: str, *arguments: str) -> None:
    """Run one action."""
    try:
        if action == "begin":
            begin(*arguments)
        else:
            declare(action, *arguments)
    except UpdateBlocked as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
