"""Before `copier update` changes anything: notes what the releases on the way declare.

    before_update.py begin FROM TO ANSWERS     every update begins with it
    before_update.py renamed TABLE.OLD NEW     a release gave a column another name
    before_update.py moved OLD NEW             a release moved a file
    before_update.py removed PATH              a release removed a file

{package_name} may stand in a path. It fails only where nothing has been changed yet, and says why.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import note
import yaml  # Copier's own


def refuse_edited(answers_file: str) -> None:
    """See that the answers are as Copier wrote them, since what they had made could not be told otherwise.

    Raises:
        SystemExit: it was edited.
    """
    text = Path(answers_file).read_text(encoding="utf-8")
    written = re.search(r"^# Answers as written: ([0-9a-f]{64})$", text, re.MULTILINE)
    # Where the template is, and which release this is, its owner may have to mend.
    answers = {name: value for name, value in yaml.safe_load(text).items() if not name.startswith("_")}
    if written and hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest() != written[1]:
        raise SystemExit(
            f"The answers in {answers_file} were edited since Copier wrote them, so that they no longer tell what the"
            f" template had made of this project. `git log -p {answers_file}` shows the edit: take it back, commit, and"
            " change answers with `copier update --trust -d question=answer`. If they are right as they are, delete the"
            " line `# Answers as written`."
        )


def main(action: str, *arguments: str) -> int:
    """Note one thing."""
    if action == "begin":
        version_from, version_to, answers_file = arguments
        refuse_edited(answers_file)
        reason = "template answers" if version_from == version_to else f"template {version_to}"
        about = {"from": version_from, "to": version_to, "reason": reason, "answers": answers_file}
        note.write({**about, "head": note.git("rev-parse", "HEAD").strip(), "renames": [], "moves": {}})
        if version_from != version_to:
            print(f"From {version_from} to {version_to} of the template ...", flush=True)
        return 0
    noted = note.read()
    if action == "renamed":
        noted["renames"].append("=".join(arguments))
    else:
        answers = yaml.safe_load(Path(noted["answers"]).read_text(encoding="utf-8"))
        old, *new = (path.format(**answers) for path in arguments)
        # A file that an earlier release on the way has moved here already.
        first = next((before for before, after in noted["moves"].items() if after == old), old)
        noted["moves"][first] = new[0] if action == "moved" else None
    note.write(noted)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
