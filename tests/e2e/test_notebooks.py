"""The notebooks in examples/ run from their first cell to the last, and are stored without output."""

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))
notebooks = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


@notebooks
def test_notebooks_are_stored_without_output(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 3
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)


@pytest.mark.slow
@notebooks
def test_notebooks_run(notebook: Path, tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    found = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(found, timeout=1800, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in found.cells for output in cell.get("outputs", []) if "data" in output]
    assert any("image/png" in output["data"] or "<img" in output["data"].get("text/html", "") for output in shown)
