"""After `copier copy`: has the new project set itself up. Always exits 0, since Copier deletes a project otherwise.

`copier recopy` runs it too. There the project has revisions, which may have run anywhere: they stay as they are.
"""

import shlex
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the project's own set-up in the working directory, unless it has revisions already.

    The development tools are left to the project's first `make` command.
    """
    project = Path.cwd()
    if any(project.glob("alembic/versions/*.py")):
        print(
            "\nThe migrations stay as they are. See git diff; if the models changed, make db-migrate writes one more."
        )
        return 0
    print("\nSetting it up:", flush=True)
    try:
        command = [sys.executable, "scripts/setup.py", "--no-dev"]
        done = subprocess.run(command, cwd=project, check=False).returncode == 0
    except KeyboardInterrupt:  # the set-up gets it too, and says so
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
