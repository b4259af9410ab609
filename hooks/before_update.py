"""Before `copier update` changes anything: notes what the releases on the way declare.

    before_update.py begin FROM TO             every update begins with it
    before_update.py renamed TABLE.OLD NEW     a release gave a column another name
    before_update.py moved OLD NEW             a release moved a file
    before_update.py removed PATH              a release removed a file

{package_name} may stand in a path. Always exits 0: Copier would stop halfway otherwise.
"""

import sys

import note


def main(action: str, *arguments: str) -> int:
    """Note one thing."""
    if action == "begin":
        version_from, version_to = arguments
        reason = "template answers" if version_from == version_to else f"template {version_to}"
        note.write({"from": version_from, "to": version_to, "reason": reason, "renames": [], "moves": {}})
        return 0
    noted = note.read()
    match action:
        case "renamed":
            noted["renames"].append("=".join(arguments))
        case "moved":
            old, new = arguments
            # Moved again by a later release, it is one move.
            first = next((before for before, after in noted["moves"].items() if after == old), old)
            noted["moves"][first] = new
        case "removed":
            (old,) = arguments
            first = next((before for before, after in noted["moves"].items() if after == old), old)
            noted["moves"][first] = None
    note.write(noted)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
