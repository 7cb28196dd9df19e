"""The files for Prometheus and Grafana speak of figures that there are."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from odoo.tests import tagged

from ..common import ROOT, SyncCase

FOLDER = ROOT / "docs/monitoring"
NAME = re.compile(r"pharmacy_sync_\w+")


@tagged("post_install", "-at_install")
class TestMonitoring(SyncCase):
    def promtool(self, *words):
        tool = os.environ.get("PHARMACY_SYNC_PROMTOOL") or shutil.which("promtool")
        found = subprocess.run(
            [tool, *words], capture_output=True, text=True, check=False
        )
        self.assertEqual(found.returncode, 0, found.stdout + found.stderr)

    def expressions(self):
        dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
        panels = dashboard["panels"]
        return [target["expr"] for panel in panels for target in panel["targets"]]

    def test_rules(self):
        self.promtool("check", "rules", str(FOLDER / "alerts.yml"))
        self.promtool("test", "rules", str(FOLDER / "alerts_test.yml"))

    def test_expressions_of_the_dashboard(self):
        """Prometheus itself reads them: as rules that record them."""
        rules = [
            {"record": f"panel:{n}", "expr": expr}
            for n, expr in enumerate(self.expressions())
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rules.yml")
            path.write_text(json.dumps({"groups": [{"name": "x", "rules": rules}]}))
            self.promtool("check", "rules", str(path))

    def test_all_figures_exist(self):
        self.pull()
        self.env["sync.error"]._record(ValueError("x"), operation="push")
        self.env["sync.operation"]._cron_recover()
        self.env.flush_all()
        text = self.env["sync.exposition"]._text()
        there = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
        used = "\n".join([*self.expressions(), (FOLDER / "alerts.yml").read_text()])
        self.assertEqual(set(NAME.findall(used)) - there, set())
