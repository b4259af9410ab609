"""A template repository that goes on to make releases, and what each of them changes."""

import subprocess
from pathlib import Path

from ..harness import commit

MODELS = "template/src/{{ package_name }}/models"
USER = f"{MODELS}/{{% if example_models != 'none' %}}user.py{{% endif %}}.jinja"
POST = f"{MODELS}/{{% if example_models == 'user_and_post' %}}post.py{{% endif %}}.jinja"
HOOK = '  - command: ["{{ _copier_python }}", "{{ _copier_conf.src_path }}/hooks/update/after_update.py"'


class Releases:
    """A template repository whose first release, v0.1.0, is the work tree."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace text that is there in a file of the template."""
        text = (self.path / path).read_text()
        assert old in text, f"{path} does not hold {old!r}"
        (self.path / path).write_text(text.replace(old, new))

    def write(self, path: str, text: str) -> None:
        """Write a new file of the template."""
        (self.path / path).parent.mkdir(parents=True, exist_ok=True)
        (self.path / path).write_text(text)

    def declare(self, version: str, *note: str) -> None:
        """Have a release note something before updates, as docs/update-contract.md says."""
        program = "{{ _copier_conf.src_path }}/hooks/update/before_update.py"
        self.run_before(version, "{{ _copier_python }}", program, *note)

    def run_before(self, version: str, *command: str) -> None:
        """Have a release run a command before updates."""
        words = ", ".join(f'"{word}"' for word in command)
        entry = f"  - version: {version}\n    when: \"{{{{ _stage == 'before' }}}}\"\n    command: [{words}]\n"
        self.replace("copier.yml", HOOK, entry + HOOK)

    def tag(self, version: str) -> None:
        """Release what was changed."""
        commit(self.path, version, tag=version)

    # What the releases in the tests bring, one method each.

    def change_code(self) -> None:
        """Change code alone."""
        self.replace(
            "template/src/{{ package_name }}/api/health.py", '"""The probe succeeds."""', '"""The service is well."""'
        )

    def add_column(self) -> None:
        """Add a column to User."""
        line = "    full_name: Mapped[str | None] = mapped_column(String(255))\n"
        self.replace(USER, line, f"{line}    phone: Mapped[str | None] = mapped_column(String(50))\n")

    def add_mixin(self) -> None:
        """Add a mixin to Post, with a column that every row needs."""
        self.write(
            f"{MODELS}/{{% if example_models == 'user_and_post' %}}language.py{{% endif %}}",
            '"""The language of a text."""\n\n'
            "from sqlalchemy import String\n"
            "from sqlalchemy.orm import Mapped, mapped_column\n\n\n"
            "class LanguageMixin:\n"
            '    """A language, as its code."""\n\n'
            '    language: Mapped[str] = mapped_column(String(10), default="en")\n',
        )
        self.replace(
            POST, "from .base import BaseModel\n", "from .base import BaseModel\nfrom .language import LanguageMixin\n"
        )
        self.replace(POST, "{% endfor %}):", "{% endfor %}, LanguageMixin):")

    def remove_column(self) -> None:
        """Remove the column that was added."""
        self.replace(USER, "    phone: Mapped[str | None] = mapped_column(String(50))\n", "")

    def rename_column(self, version: str) -> None:
        """Rename a column, wherever it is named."""
        for path in subprocess.run(
            ["git", "grep", "-lz", "full_name", "--", "template"],  # noqa: S607
            cwd=self.path,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")[:-1]:
            self.replace(path, "full_name", "display_name")
        self.declare(version, "renamed", "users.full_name", "display_name")

    def add_model(self) -> None:
        """Add an example model."""
        self.write(
            f"{MODELS}/{{% if example_models == 'user_and_post' %}}tag.py{{% endif %}}",
            '"""Words that posts are found by."""\n\n'
            "from sqlalchemy import ForeignKey, String\n"
            "from sqlalchemy.orm import Mapped, mapped_column\n\n"
            "from .base import BaseModel\n\n\n"
            "class Tag(BaseModel):\n"
            '    """A word on a post."""\n\n'
            '    __tablename__ = "tags"\n\n'
            "    word: Mapped[str] = mapped_column(String(50), index=True)\n"
            '    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)\n',
        )
