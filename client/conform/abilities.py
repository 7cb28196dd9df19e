"""Abilities: what an app may have or do without.

Each check ends if it holds, and may return what is worth knowing. It raises
:class:`AbsentError` for an app without the ability, and :class:`BrokenError` for one
that has it and does not keep what it promises.
"""

import base64
import secrets

from ...core.exchange import checksum
from ..exchange import segment
from .sandbox import NO_ROUTE, PAGE, PAGES, AbsentError, BrokenError, want


def capabilities(app):
    answer = app.ask("GET", "/capabilities")
    _want_route(answer)
    names = answer.get("abilities")
    want(
        answer.good
        and isinstance(names, list)
        and all(isinstance(each, str) for each in names),
        "The answer has no list of abilities.",
    )


def batch(app):
    names = [app.named("supplier"), "", app.named("supplier")]
    items = [{"method": "create", "data": {"name": name}} for name in names]
    with app.creating("suppliers"):
        answer = app.ask("POST", "/suppliers/batch", {"items": items})
        _want_route(answer)
        want(answer.status == 200, "A batch with one bad record does not answer 200.")
        results = answer.items("results")
        for result in results:
            app.keep("suppliers", result.get("id"))
        want(len(results) == 3, "There is not one result for each item.")
        _check_results(results, names)


def _check_results(results, names):
    first, bad, last = results
    for result, name in ((first, names[0]), (last, names[2])):
        want(result.get("status") == 201, "A good record of a batch was not created.")
        want(isinstance(result.get("id"), str), "A result has no id (text).")
        data = result.get("data")
        want(
            isinstance(data, dict) and data.get("name") == name,
            "The results are not in the order of the items.",
        )
    want(
        isinstance(bad.get("status"), int) and 400 <= bad["status"] < 500,
        "The bad record of a batch has no status 4xx of its own.",
    )


def change_feed(app):
    cursor = _end_of_feed(app)
    one, other = app.supplier(), app.supplier()
    first = _changes(app, cursor, 1)
    want(first.get("has_more") is True, "has_more is not true though more has changed.")
    second = _changes(app, first.get("next_cursor"), 1)
    seen = [each.get("id") for each in first.items("changes") + second.items("changes")]
    want(
        seen == [one["id"], other["id"]],
        "Two new records are not the two changes, in their order.",
    )
    for change in first.items("changes"):
        want(isinstance(change.get("data"), dict), "A change has no data.")
        want(change.get("version") == one["version"], "A change has another version.")
        want(change.get("deleted") is False, "A living record is not deleted: false.")
    cursor = second.get("next_cursor")
    app.change("suppliers", other["id"], other["version"], {"city": "Conform"})
    app.delete("suppliers", one["id"])
    last = {each.get("id"): each for each in _changes(app, cursor).items("changes")}
    want(other["id"] in last, "A changed record is not in the feed.")
    want(one["id"] in last, "A deleted record is not in the feed.")
    want(last[one["id"]].get("deleted") is True, "A deletion does not say deleted.")


def _end_of_feed(app):
    cursor = None
    for __ in range(PAGES):
        page = _changes(app, cursor)
        cursor = page.get("next_cursor")
        if not page.get("has_more"):
            return cursor
    raise BrokenError(f"The feed did not end within {PAGES} pages of {PAGE}.")


def _changes(app, cursor, limit=PAGE):
    params = {"entity": "suppliers", "limit": limit}
    page = app.ask(
        "GET", "/changes", params={**params, **({"cursor": cursor} if cursor else {})}
    )
    _want_route(page)
    want(page.good, "The changes behind a cursor that it gave cannot be read.")
    want(isinstance(page.get("changes"), list), "The page has no changes.")
    want(isinstance(page.get("next_cursor"), str), "next_cursor is no text.")
    return page


def updated_since(app):
    made = app.supplier()
    params = {"updated_since": "9999-12-31T23:59:59Z", "limit": PAGE}
    none = app.ask("GET", "/suppliers", params=params)
    want(
        none.good and none.items() == [],
        "The parameter updated_since is ignored: in the far future nothing changed.",
        AbsentError,
    )
    changed_at = made.get("updated_at")
    want(isinstance(changed_at, str), "A record has no updated_at (text).")
    seen = []
    params["updated_since"] = changed_at
    for __ in range(PAGES):
        page = app.ask("GET", "/suppliers", params=params)
        seen += [each.get("id") for each in page.items()]
        params["after"] = page.get("next_after")
        if not params["after"]:
            break
    want(made["id"] in seen, "A record is not listed since the time of its own change.")


def if_match(app):
    made = app.supplier()
    app.change("suppliers", made["id"], made["version"], {"city": "First"})
    late = app.change("suppliers", made["id"], made["version"], {"city": "Second"})
    want(
        not late.good,
        "A change at an old version was carried out: If-Match is ignored.",
        AbsentError,
    )
    want(late.status == 412, "A change at an old version is not refused with 412.")
    current = late.get("current")
    want(
        isinstance(current, dict) and current.get("city") == "First",
        "The refusal does not have the record as it is now, in current.",
    )
    read = app.read("suppliers", made["id"])
    want(read.get("city") == "First", "What was refused was carried out.")


def idempotency_key(app):
    headers = {"Idempotency-Key": app.named("key").replace(" ", "-")}
    body = {"name": app.named("supplier")}
    first = app.made("suppliers", headers, **body)
    again = app.made("suppliers", headers, **body)
    want(
        again["id"] == first["id"],
        "The same request with the same key created a second record.",
        AbsentError,
    )
    other = app.create("suppliers", {"name": app.named("supplier")}, headers)
    want(
        not other.good,
        "Another request with the same key is not refused.",
    )


def external_ref(app):
    ref = app.named("ref").replace(" ", "-")
    body = {"name": app.named("supplier"), "external_ref": ref}
    made = app.create("suppliers", body)
    want(made.good, "A record with external_ref is refused.", AbsentError)
    want(
        made.get("external_ref") == ref,
        "external_ref is not kept: it is not in the answer.",
        AbsentError,
    )
    none = app.ask("GET", "/suppliers", params={"external_ref": f"{ref}-none"})
    want(none.good, "Records cannot be looked for by external_ref.")
    want(
        none.items() == [],
        "The parameter external_ref is ignored: a key that no record has finds some.",
    )
    found = app.ask("GET", "/suppliers", params={"external_ref": ref})
    ids = [record.get("id") for record in found.items()]
    want(ids == [made.get("id")], "The record is not found by its external_ref.")
    double = app.create(
        "suppliers", {"name": app.named("supplier"), "external_ref": ref}
    )
    want(not double.good, "Two records can have the same external_ref.")
    want(
        double.status == 409 and double.get("existing_id") == made.get("id"),
        "A second record is not refused with 409 and existing_id.",
    )


def checksums(app):
    supplier = app.supplier()
    path, fields = "/suppliers/checksums", ("name", "city")
    params = {"buckets": 4, "fields": ",".join(fields)}
    answer = app.ask("GET", path, params=params)
    _want_route(answer)
    sums = answer.items("buckets")
    want(answer.good and len(sums) == 4, "There is not one sum for each bucket.")
    number = checksum.bucket_of(supplier["id"], 4)
    listed = app.ask("GET", path, params={**params, "bucket": number})
    entries = {entry.get("id"): entry for entry in listed.items()}
    want(supplier["id"] in entries, "A record is not in the bucket of its id.")
    digest = checksum.digest(supplier, fields)
    want(
        entries[supplier["id"]].get("digest") == digest,
        f"The digest of the record {supplier['id']} should be {digest}.",
    )
    total = checksum.Sums(4)
    for entry in entries.values():
        total.add(str(entry.get("id")), str(entry.get("digest")))
    want(
        total.as_json()[number] == {k: sums[number].get(k) for k in ("count", "sum")},
        "The sum of a bucket is not that of its records.",
    )


def reservations(app):
    product = app.made("products", name=app.named("product"))["id"]
    line = {"product_id": product, "quantity": "2"}
    order = app.made(
        "purchase-orders",
        reference=app.named("order"),
        supplier_id=app.supplier()["id"],
        lines=[line],
    )
    ref = app.named("reservation").replace(" ", "-")
    body = {"purchase_order_id": order["id"], "external_ref": ref, "lines": [line]}
    held = app.ask("POST", "/reservations", body)
    _want_route(held)
    want(held.good, "Stock cannot be held for an order.")
    want(held.get("state") == "held", "The reservation is not in state held.")
    path = f"/reservations/{segment(str(held.get('id')))}"
    found = app.ask("GET", "/reservations", params={"external_ref": ref})
    ids = [each.get("id") for each in found.items()]
    want(ids == [held.get("id")], "The reservation is not found by its external_ref.")
    for step, state in (("confirm", "confirmed"), ("release", "released")):
        for __ in range(2):
            done = app.ask("POST", f"{path}/{step}")
            want(
                done.good and done.get("state") == state,
                f"After {step}, once or twice, the reservation is not {state}.",
            )


def webhooks(app):
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    url = f"https://{app.name}.invalid/"
    answer = app.ask("POST", "/webhooks", {"url": url, "secret": secret})
    _want_route(answer)
    webhook_id = answer.get("id")
    app.keep("webhooks", webhook_id)
    want(answer.good, "A subscription cannot be created.")
    want(isinstance(webhook_id, str), "The subscription has no id (text).")
    listed = app.ask("GET", "/webhooks")
    urls = {each.get("id"): each.get("url") for each in listed.items()}
    want(urls.get(webhook_id) == url, "The subscription is not in the list.")
    want(secret not in str(listed.body), "The list shows the secret.")
    want(app.delete("webhooks", webhook_id).good, "It cannot be removed.")
    listed = app.ask("GET", "/webhooks")
    want(
        webhook_id not in [each.get("id") for each in listed.items()],
        "A subscription that was removed is still in the list.",
    )
    app.forget("webhooks", webhook_id)
    return "Only the subscription was tried: the app cannot reach the kit."


def _want_route(answer):
    want(answer.status not in NO_ROUTE, f"It answers {answer.status}.", AbsentError)
