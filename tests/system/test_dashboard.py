"""The dashboard's file is one of Grafana: its own types, as its makers publish them,
accept it. Prometheus reads its expressions in ``tests/base/test_monitoring.py``."""

import json
import re
import subprocess
from pathlib import Path

from system_servers import UNBOUND

DASHBOARD = (
    Path(__file__).resolve().parents[2] / "docs/monitoring/grafana-dashboard.json"
)
PACKAGES = ("@grafana/schema@12.4.11", "typescript@5.9.3")
TIMEOUT = 120
KINDS = {"stat": "Stat", "timeseries": "TimeSeries"}
OPTIONS = "@grafana/schema/dist/esm/raw/composable/{}/panelcfg/x/{}PanelCfg_types.gen"
# In JSON the values of an enumeration are plain texts. What has a default may be left
# out of a panel's options.
TYPES = """\
import type {Dashboard, DataQuery, Panel} from "@grafana/schema";
import type {Options as Stat} from "STAT";
import type {Options as TimeSeries, FieldConfig} from "TIMESERIES";
type Plain<T> = T extends string ? `${T}`
  : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? {[K in keyof T]: Plain<T[K]>}
  : T;
type Query = DataQuery
  & {expr: string; legendFormat: string; editorMode: "code"; range: boolean};
type Config = NonNullable<Panel["fieldConfig"]>;
type Fields = Omit<Config, "defaults">
  & {defaults: Omit<Config["defaults"], "custom"> & {custom?: FieldConfig}};
type Shown<Options> = Plain<Omit<Panel, "fieldConfig" | "options" | "targets">
  & {fieldConfig: Fields; options: Partial<Options>; targets: Query[]}>;
export const dashboard: Plain<Omit<Dashboard, "panels">> = %s;
"""


FAULTS = [
    ('"schemaVersion"', '"schema_version"'),
    ('"thresholds"', '"threshold"'),
    ('"reduceOptions"', '"reduceOption"'),
    ('"showLegend": true', '"showLegend": "yes"'),
    ('"expr"', '"expression"'),
]


def run(command, folder):
    done = subprocess.run(
        ["bash", "-c", UNBOUND + command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return done.stdout


def typed(dashboard):
    """The dashboard as a program that says what is of which type."""
    panels = dashboard.pop("panels")
    text = TYPES % json.dumps(dashboard, indent=1)
    for kind, name in KINDS.items():
        text = text.replace(kind.upper(), OPTIONS.format(kind, name), 1)
    for number, panel in enumerate(panels):
        shown, value = KINDS[panel["type"]], json.dumps(panel, indent=1)
        text += f"export const panel{number}: Shown<{shown}> = {value};\n"
    return text


def test_grafana_accepts_it_and_would_not_with_a_fault(tmp_path):
    right = DASHBOARD.read_text()
    wrong = [right.replace(old, new, 1) for old, new in FAULTS]
    assert right not in wrong
    for number, text in enumerate([right, *wrong]):
        (tmp_path / f"v{number}.mts").write_text(typed(json.loads(text)))
    words = "npm install --silent --no-audit --no-fund --ignore-scripts"
    run(f"{words} {' '.join(PACKAGES)}", tmp_path)
    words = "npx tsc --noEmit --strict --module nodenext --target es2022 --skipLibCheck"
    said = run(f"{words} *.mts", tmp_path)
    refused = set(re.findall(r"^v(\d+)\.mts.*: error TS", said, re.MULTILINE))
    assert refused == {str(n) for n, __ in enumerate(FAULTS, start=1)}, said
