/* global Chart */
import { Component, onWillStart, onWillUnmount, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { deserializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";

const { DateTime } = luxon;

/** Errors by severity, hour by hour; of the last hour in steps of five minutes, of
 * more than a month day by day. */
export class Trend extends Component {
    static template = "pharmacy_sync.Trend";
    static props = { trend: Object, range: String, onHour: Function };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.draw(),
            () => [this.props.trend]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    get total() {
        return Object.values(this.props.trend.errors).flat().reduce((a, b) => a + b, 0);
    }

    get summary() {
        return _t("Errors since %(start)s: %(errors)s", {
            errors: this.total,
            start: this.label(this.props.trend.hours[0]),
        });
    }

    draw() {
        const style = getComputedStyle(this.canvas.el);
        const colour = (name) => style.getPropertyValue(`--${name}`).trim();
        const series = [
            ["critical", _t("Critical"), style.color],
            ["high", _t("High"), colour("danger")],
            ["medium", _t("Medium"), colour("warning")],
            ["low", _t("Low"), colour("info")],
        ];
        const data = {
            labels: this.props.trend.hours.map((hour) => this.label(hour)),
            datasets: series.map(([severity, label, backgroundColor]) => ({
                label,
                backgroundColor,
                data: this.props.trend.errors[severity],
            })),
        };
        if (this.chart) {
            // Without an animation: what refreshes itself must not flicker.
            this.chart.data = data;
            this.chart.update("none");
            return;
        }
        const text = { color: style.color };
        this.chart = new Chart(this.canvas.el, {
            type: "bar",
            data,
            options: {
                animation: false,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                onClick: (ev, elements) => {
                    if (elements.length) {
                        this.props.onHour(this.props.trend.hours[elements[0].index]);
                    }
                },
                datasets: { bar: { barPercentage: 1, categoryPercentage: 0.9 } },
                plugins: {
                    legend: { position: "bottom", labels: { ...text, boxWidth: 12 } },
                    tooltip: { filter: (item) => item.raw > 0 },
                },
                scales: {
                    x: {
                        stacked: true,
                        grid: { display: false },
                        ticks: { ...text, maxRotation: 0, autoSkipPadding: 16 },
                    },
                    y: {
                        stacked: true,
                        beginAtZero: true,
                        suggestedMax: 4,
                        ticks: { ...text, precision: 0, maxTicksLimit: 6 },
                    },
                },
            },
        });
    }

    label(hour) {
        const time = deserializeDateTime(hour);
        if (["1h", "24h"].includes(this.props.range)) {
            return time.toLocaleString(DateTime.TIME_SIMPLE);
        }
        return time.toLocaleString({ month: "short", day: "numeric", hour: "numeric" });
    }
}
