import { registry } from "@web/core/registry";

/** Notices of long work: a later one of the same work replaces the one before. */
export const noticeService = {
    dependencies: ["bus_service", "notification"],
    start(env, { bus_service: bus, notification }) {
        const shown = new Map();
        bus.subscribe("pharmacy_sync.notice", ({ key, message, ...options }) => {
            shown.get(key)?.();
            shown.set(key, notification.add(message, options));
        });
        bus.start();
    },
};

registry.category("services").add("pharmacy_sync.notice", noticeService);
