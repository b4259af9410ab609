"""All that the questionnaire can give: the choices that change code, and a few sets that cover pairs of the rest."""

from itertools import combinations, product
from typing import Any

DATABASES = ("postgresql", "sqlite")
SOFT_DELETE = ("explicit", "automatic", "none")
MIXINS = ("title", "description", "slug")
SUBSETS = [list(subset) for size in range(len(MIXINS) + 1) for subset in combinations(MIXINS, size)]

EXAMPLES = ("user_and_post", "user", "none")

VARIANTS: list[dict[str, Any]] = [
    {"database": database, "soft_delete": soft_delete, "mixins": mixins, "example_models": examples}
    for database, soft_delete, mixins, examples in product(DATABASES, SOFT_DELETE, SUBSETS, EXAMPLES)
] + [
    {"database": "both", "soft_delete": soft_delete, "mixins": list(MIXINS), "example_models": examples}
    for soft_delete, examples in product(SOFT_DELETE, EXAMPLES)
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
        ("both", "none", ["description", "slug"], "automatic", "3.12", False, "github", "Apache-2.0"),
        ("both", "none", ["title", "description", "slug"], "none", "3.14", False, "none", "none"),
        ("both", "none", ["title"], "none", "3.13", False, "github", "none"),
        ("both", "none", [], "none", "3.11", False, "none", "none"),
        ("both", "user", ["title", "description", "slug"], "explicit", "3.12", True, "none", "MIT"),
        ("both", "user", ["title"], "automatic", "3.11", True, "github", "MIT"),
        ("both", "user", [], "explicit", "3.14", True, "none", "Apache-2.0"),
        ("both", "user_and_post", ["description", "slug"], "explicit", "3.13", True, "none", "MIT"),
        ("postgresql", "none", ["title", "description", "slug"], "automatic", "3.11", False, "none", "MIT"),
        ("postgresql", "user", ["description", "slug"], "explicit", "3.12", False, "none", "none"),
        ("postgresql", "user_and_post", ["title", "description", "slug"], "none", "3.13", True, "none", "Apache-2.0"),
        ("postgresql", "user_and_post", ["title"], "explicit", "3.14", True, "github", "none"),
        ("postgresql", "user_and_post", ["title"], "none", "3.12", False, "github", "Apache-2.0"),
        ("postgresql", "user_and_post", [], "automatic", "3.14", True, "github", "none"),
        ("sqlite", "none", ["title", "description", "slug"], "explicit", "3.13", True, "github", "Apache-2.0"),
        ("sqlite", "none", [], "automatic", "3.12", True, "none", "Apache-2.0"),
        ("sqlite", "user", ["description", "slug"], "explicit", "3.11", False, "none", "Apache-2.0"),
        ("sqlite", "user", ["title", "description", "slug"], "automatic", "3.13", True, "none", "none"),
        ("sqlite", "user", [], "none", "3.13", False, "github", "MIT"),
        ("sqlite", "user", [], "none", "3.14", False, "none", "MIT"),
        ("sqlite", "user_and_post", ["description", "slug"], "automatic", "3.14", False, "none", "MIT"),
        ("sqlite", "user_and_post", ["description", "slug"], "none", "3.12", True, "github", "MIT"),
        ("sqlite", "user_and_post", ["title"], "explicit", "3.11", False, "none", "Apache-2.0"),
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
