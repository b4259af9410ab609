"""All that the questionnaire can give: the choices that change code, and a few sets that cover pairs of the rest."""

from itertools import combinations, product
from typing import Any

DATABASES = ("postgresql", "sqlite")
SOFT_DELETE = ("explicit", "automatic", "none")
MIXINS = ("title", "description", "slug")
SUBSETS = [list(subset) for size in range(len(MIXINS) + 1) for subset in combinations(MIXINS, size)]

VARIANTS: list[dict[str, Any]] = [
    {"database": database, "soft_delete": soft_delete, "mixins": mixins, "example_models": examples}
    for database, soft_delete, mixins, examples in product(DATABASES, SOFT_DELETE, SUBSETS, (True, False))
]

# Each pair of values of any two questions occurs in one of these; test_questionnaire.py counts them.
PAIRWISE: list[dict[str, Any]] = [
    dict(
        zip(
            (
                "database",
                "example_models",
                "mixins",
                "soft_delete",
                "python_version",
                "docker",
                "ci",
                "license",
            ),
            row,
            strict=True,
        )
    )
    for row in (
        ("postgresql", False, ["description", "slug"], "explicit", "3.12", True, "none", "Apache-2.0"),
        ("postgresql", False, ["title", "description", "slug"], "none", "3.14", True, "none", "none"),
        ("postgresql", False, ["title"], "automatic", "3.13", False, "github", "none"),
        ("postgresql", False, [], "explicit", "3.11", False, "github", "MIT"),
        ("postgresql", False, [], "none", "3.13", True, "github", "Apache-2.0"),
        ("postgresql", True, ["title", "description", "slug"], "automatic", "3.12", False, "none", "Apache-2.0"),
        ("sqlite", False, ["title", "description", "slug"], "explicit", "3.13", True, "github", "MIT"),
        ("sqlite", False, ["title"], "none", "3.11", True, "none", "Apache-2.0"),
        ("sqlite", True, ["description", "slug"], "automatic", "3.11", False, "github", "none"),
        ("sqlite", True, ["description", "slug"], "automatic", "3.13", True, "none", "MIT"),
        ("sqlite", True, ["description", "slug"], "none", "3.14", False, "none", "MIT"),
        ("sqlite", True, ["title", "description", "slug"], "explicit", "3.11", False, "none", "none"),
        ("sqlite", True, ["title"], "explicit", "3.14", False, "github", "Apache-2.0"),
        ("sqlite", True, ["title"], "none", "3.12", True, "none", "MIT"),
        ("sqlite", True, [], "automatic", "3.14", True, "none", "Apache-2.0"),
        ("sqlite", True, [], "none", "3.12", False, "github", "none"),
    )
]


def describe(answers: dict[str, Any]) -> str:
    """Return the answers as a test's name."""
    parts = []
    for name, value in answers.items():
        if isinstance(value, list):
            parts.append("+".join(value) or "no mixins")
        elif isinstance(value, bool):
            parts.append(name if value else f"no {name}")
        else:
            parts.append(str(value))
    return "-".join(parts).replace("_models", "s").replace(" ", "_")
