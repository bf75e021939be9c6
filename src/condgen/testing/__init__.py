"""The contract tests of systems as a pytest plugin: `pytest --condgen-system module:Class` runs them over that system.

pytest imports this module at every start on a machine where condgen is installed, so it imports nothing itself.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: "pytest.Parser") -> None:
    """Add `--condgen-system`, which may be given several times."""
    parser.getgroup("condgen").addoption(
        "--condgen-system",
        action="append",
        default=[],
        metavar="SYSTEM",
        help="also run condgen's contract tests over this system: module:Class, or a name from `condgen list systems`",
    )


def pytest_collection_modifyitems(
    session: "pytest.Session", config: "pytest.Config", items: "list[pytest.Item]"
) -> None:
    """Add a test per law and kind of data for each named system."""
    if names := config.getoption("condgen_system"):
        import pytest

        pytest.register_assert_rewrite("condgen.testing.system_laws", "condgen.testing.training_laws")
        from condgen.testing.items import items_of

        items.extend(item for name in names for item in items_of(name, session))
