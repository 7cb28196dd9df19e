import {
    Component,
    onMounted,
    onWillStart,
    onWillUnmount,
    useExternalListener,
    useState,
} from "@odoo/owl";
import { Domain } from "@web/core/domain";
import {
    deserializeDateTime,
    formatDate,
    formatDateTime,
    serializeDateTime,
} from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { formatFloat, formatInteger } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { Alerts } from "./alerts";
import { Countdown } from "../countdown/countdown";
import { Help } from "../help/help";
import { Standing } from "../standing/standing";
import { Tasks } from "./tasks";
import { Trend } from "./trend";

const REFRESH = 30000; // milliseconds
const UNITS = [
    ["days", 2 * 86400, 86400],
    ["hours", 2 * 3600, 3600],
    ["minutes", 60, 60],
    ["seconds", 0, 1],
];
const COLOURS = {
    good: "success",
    fair: "warning",
    poor: "danger",
    closed: "success",
    half_open: "warning",
    open: "danger",
    low: "info",
    medium: "warning",
    high: "danger",
    critical: "danger",
};

/** The first page: how synchronisation stands, every figure a link to its list. */
export class Overview extends Component {
    static template = "pharmacy_sync.Overview";
    static components = { Alerts, Countdown, Help, Layout, Standing, Tasks, Trend };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.ranges = [
            ["1h", _t("1 hour")],
            ["24h", _t("24 hours")],
            ["7d", _t("7 days")],
            ["30d", _t("30 days")],
            ["custom", _t("Dates")],
        ];
        const today = luxon.DateTime.now();
        this.state = useState({
            range: "24h",
            backend: 0,
            // Of the chosen range: its first and last day, where the user is.
            from: today.minus({ days: 6 }).toISODate(),
            until: today.toISODate(),
            // Figures are kept for a year.
            earliest: today.minus({ years: 1 }).toISODate(),
            ...this.props.state,
            stale: false,
        });
        useSetupAction({
            getLocalState: () => {
                const { range, backend, from, until } = this.state;
                return { range, backend, from, until };
            },
        });
        onWillStart(() => this.load(this.orm));
        onMounted(() => (this.timer = setInterval(() => this.refresh(), REFRESH)));
        onWillUnmount(() => clearInterval(this.timer));
        useExternalListener(document, "visibilitychange", () => this.refresh());
    }

    async load(orm) {
        const backends = this.state.backend ? [this.state.backend] : [];
        const data = await this.keepLast.add(
            orm.call("sync.overview", "data", [backends, this.state.range, ...this.dates])
        );
        const now = Date.now();
        for (const breaker of data.breakers) {
            breaker.until =
                breaker.seconds !== null && luxon.DateTime.fromMillis(now + breaker.seconds * 1000);
        }
        Object.assign(this.state, { data, stale: false, at: luxon.DateTime.now() });
    }

    /** Ask again, if anybody looks; what is there stays when no answer comes. */
    async refresh() {
        if (document.visibilityState !== "visible") {
            return;
        }
        try {
            await this.load(this.orm.silent);
        } catch {
            this.state.stale = true;
        }
    }

    setRange(range) {
        this.state.range = range;
        return this.load(this.orm);
    }

    /** Change a date of the chosen range; one that is typed half changes nothing. */
    setDate(name, input) {
        if (input.value && input.validity.valid) {
            this.state[name] = input.value;
            return this.load(this.orm);
        }
    }

    /** The chosen range, from midnight to midnight; none of a range that ends now. */
    get dates() {
        const { range, from, until } = this.state;
        if (range !== "custom") {
            return [];
        }
        const end = luxon.DateTime.fromISO(until).plus({ days: 1 });
        return [luxon.DateTime.fromISO(from), end].map(serializeDateTime);
    }

    setBackend(backend) {
        this.state.backend = backend;
        return this.load(this.orm);
    }

    // Links -----------------------------------------------------------------------

    async open({ action: name, domain, context }) {
        const action = await this.action.loadAction(name);
        return this.action.doAction({
            ...action,
            domain: Domain.and([action.domain || [], domain]).toList({}),
            context,
        });
    }

    openHour(hour) {
        const { end, trend } = this.state.data;
        const { action, domain } = trend.link;
        const next = trend.hours[trend.hours.indexOf(hour) + 1] || end;
        const within = [
            ["occurred_at", ">=", hour],
            ["occurred_at", "<", next],
        ];
        return this.open({
            action,
            domain: Domain.and([domain, within]).toList({}),
            context: {},
        });
    }

    openRecord(model, id) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: model,
            res_id: id,
            views: [[false, "form"]],
        });
    }

    connect() {
        return this.action.doAction("pharmacy_sync.action_sync_backend_connect");
    }

    // Figures ---------------------------------------------------------------------

    get figures() {
        const { calls, conflicts, criticals, dead_letters, errors, queue, recovery } =
            this.state.data;
        const waiting = [
            queue.parked && _t("waiting for the app: %s", formatInteger(queue.parked)),
            queue.unseen && _t("not looked at yet: %s", formatInteger(queue.unseen)),
        ]
            .filter(Boolean)
            .join(", ");
        const figures = [
            [
                "queue",
                _t("In queue"),
                queue.count,
                queue.link,
                waiting || _t("changes and readings, by themselves"),
            ],
            [
                "oldest",
                _t("Longest wait"),
                this.age(queue.oldest),
                queue.link,
                _t("of what is in the queue"),
            ],
            [
                "dead_letters",
                _t("Failed changes"),
                dead_letters.count,
                dead_letters.link,
                _t("need a person; see them by cause"),
            ],
            [
                "conflicts",
                _t("Conflicts"),
                conflicts.count,
                conflicts.link,
                _t("records to decide on"),
            ],
            [
                "criticals",
                _t("Critical errors"),
                criticals.more ? `${formatInteger(criticals.count)}+` : criticals.count,
                criticals.link,
                _t("not resolved yet"),
            ],
            [
                "errors",
                _t("Failed attempts"),
                errors.count,
                errors.link,
                this.rangeLabel,
                [
                    [_t("%s open", formatInteger(errors.open)), errors.open_link],
                    [
                        _t("%s resolved", formatInteger(errors.resolved)),
                        errors.resolved_link,
                    ],
                ],
            ],
            [
                "success",
                _t("Answered calls"),
                this.percent(calls.success_rate),
                calls.failed ? calls.failed_link : calls.link,
                _t("%(failed)s of %(calls)s not answered", {
                    failed: formatInteger(calls.failed),
                    calls: formatInteger(calls.count),
                }),
            ],
            [
                "recovery",
                _t("Recovered"),
                this.percent(recovery.rate),
                recovery.link,
                _t("of what failed, by itself or by a retry"),
                [
                    [
                        _t("%s recovered", formatInteger(recovery.recovered)),
                        recovery.recovered_link,
                    ],
                    [_t("%s failed", formatInteger(recovery.lost)), recovery.lost_link],
                ],
            ],
        ];
        const warning = { oldest: queue.oldest > 60, conflicts: conflicts.count };
        const danger = { dead_letters: dead_letters.count, criticals: criticals.count };
        return figures.map(([name, label, value, link, note, parts = []]) => ({
            name,
            label,
            value: typeof value === "number" ? formatInteger(value) : value,
            link,
            note,
            parts,
            colour: danger[name] ? "danger" : warning[name] ? "warning" : "",
        }));
    }

    get asOf() {
        return this.state.at.toLocaleString(luxon.DateTime.TIME_WITH_SECONDS);
    }

    get rangeLabel() {
        if (this.state.data.range === "custom") {
            const { start, end } = this.state.data;
            const last = deserializeDateTime(end).minus({ days: 1 });
            return _t("%(from)s to %(until)s", {
                from: formatDate(deserializeDateTime(start)),
                until: formatDate(last),
            });
        }
        if (this.state.data.range === "1h") {
            return _t("last hour");
        }
        return _t("last %s", Object.fromEntries(this.ranges)[this.state.data.range]);
    }

    colour(name) {
        return COLOURS[name] || "secondary";
    }

    percent(value) {
        return value === null ? "–" : `${formatFloat(value, { digits: [16, 1] })} %`;
    }

    points(value) {
        return formatFloat(value, { digits: [16, 1] });
    }

    number(value) {
        return formatInteger(value);
    }

    /** Seconds as people say them: 5 min. */
    age(seconds) {
        if (seconds === null) {
            return "–";
        }
        const [unit, , size] = UNITS.find(([, from]) => seconds >= from);
        return luxon.Duration.fromObject({ [unit]: Math.floor(seconds / size) }).toHuman({
            unitDisplay: "short",
        });
    }

    moment(text) {
        return formatDateTime(deserializeDateTime(text));
    }
}

registry.category("actions").add("pharmacy_sync.overview", Overview);
