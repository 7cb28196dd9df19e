// Replaces the list by its newest state every three seconds; the page does not move.
"use strict";

async function refresh() {
    if (document.hidden) {
        return;
    }
    const response = await fetch(location.href, {cache: "no-store"});
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const live = document.getElementById("live");
    const newer = page.getElementById("live");
    if (newer && newer.innerHTML !== live.innerHTML) {
        live.innerHTML = newer.innerHTML;
    }
}

// A server that is restarting is asked again at the next turn.
setInterval(() => refresh().catch(() => undefined), 3000);
