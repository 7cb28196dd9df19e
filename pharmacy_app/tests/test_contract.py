"""The document is true: as committed, and as the running application keeps it."""

import os
import pathlib
import subprocess
import sys

from conftest import KEY

from pharmacy_app.__main__ import openapi_text

HERE = pathlib.Path(__file__).parent


def test_the_committed_document_is_the_generated_one():
    committed = (HERE.parent / "openapi.json").read_text(encoding="utf-8")
    assert committed == openapi_text(), "python -m pharmacy_app --print-openapi"


def test_the_application_keeps_its_document(pharmacy, tmp_path):
    pharmacy.post("/admin/seed", {"orders": 5})
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(HERE / "contract" / "schemathesis.toml")),
            *("run", f"{pharmacy.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {KEY}"),
            *("--seed", "20261122", "--max-examples", "8", "--no-color"),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(HERE / "contract"),
            "SCHEMATHESIS_HOOKS": "hooks",
        },
        capture_output=True,
        text=True,
        timeout=170,
        cwd=tmp_path,
    )
    print(run.stdout, run.stderr)
    assert run.returncode == 0
    assert "No issues found" in run.stdout
