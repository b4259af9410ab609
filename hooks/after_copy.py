"""Set up the new project after `copier copy`. Always exit with 0, because Copier deletes the project otherwise.

`copier recopy` runs it too. It keeps the revisions of the project, because they may have run on any database.
"""

import shlex
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the set-up program of the project in the working directory, unless the project has revisions.

    The first `make` command of the project installs the development tools.
    """
    project = Path.cwd()
    if any(project.glob("alembic/versions/*.py")):
        print(
            "\nThe migrations stay as they are. See git diff; if the models changed, make db-migrate writes one more."
        )
        return 0
    print(flush=True)
    try:
        command = [sys.executable, "scripts/setup.py", "--no-dev"]
        done = subprocess.run(command, cwd=project, check=False).returncode == 0
    except KeyboardInterrupt:  # the set-up gets it too, and prints a message
        done = False
    except OSError as error:
        print(error, file=sys.stderr)
        done = False
    if not done:
        print(
            f"\nThe project is complete but for its environment and its first revision. Finish it with\n\n"
            f"    cd {shlex.quote(str(project))} && make setup\n",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
