"""What every app keeps, whatever its abilities."""

from .sandbox import GONE, BrokenError, want


def health(app):
    answer = app.ask("GET", "/health")
    want(answer.status == 200, "It does not answer 200.")
    want(isinstance(answer.body, dict), "The answer is no JSON object.")


def key(app):
    answer = app.ask("GET", "/suppliers", known=False)
    want(answer.status in (401, 403), "Another key is not refused with 401.")


def records(app):
    name = app.named("supplier")
    made = app.made("suppliers", name=name, email="conform@example.com")
    want(made.get("name") == name, "The answer does not have the name that was sent.")
    read = app.read("suppliers", made["id"])
    want(read.good, "What was created cannot be read.")
    want(read.get("name") == name, "What is read is not what was sent.")
    other = app.named("supplier")
    changed = app.change("suppliers", made["id"], made["version"], {"name": other})
    want(changed.good, "A change at the version that was seen is refused.")
    want(changed.get("name") == other, "The change is not in the answer.")
    want(
        changed.get("email") == "conform@example.com",
        "A field that was not sent has changed.",
    )
    want(
        isinstance(changed.get("version"), int)
        and changed.get("version") > made["version"],
        "The version did not grow with the change.",
    )


def deletion(app):
    made = app.supplier()
    want(app.delete("suppliers", made["id"]).good, "A record cannot be deleted.")
    after = app.read("suppliers", made["id"])
    want(
        after.status in GONE or after.get("deleted") is True,
        "What was deleted is read as if it were there.",
    )
    app.forget("suppliers", made["id"])


def amounts(app):
    product = app.made(
        "products", name=app.named("product"), cost="12.5", price="0.125"
    )
    for name, sent in (("cost", 12.5), ("price", 0.125)):
        value = product.get(name)
        want(isinstance(value, str), f"{name} is no text: numbers lose digits.")
        try:
            same = float(value) == sent
        except ValueError:
            same = False
        want(same, f"{name} was sent as {sent} and is {value}.")


def orders(app):
    supplier = app.supplier()["id"]
    product = app.made("products", name=app.named("product"))["id"]
    line = {"product_id": product, "quantity": "3", "unit_price": "2.50"}
    order = app.made(
        "purchase-orders",
        reference=app.named("order"),
        supplier_id=supplier,
        lines=[line],
    )
    lines = order.get("lines")
    want(isinstance(lines, list) and len(lines) == 1, "The order has not its one line.")
    kept = lines[0] if isinstance(lines[0], dict) else {}
    want(kept.get("product_id") == product, "The line is of another product.")
    want(isinstance(kept.get("key"), str), "The line has no key (text).")
    body = {"lines": [{**kept, "quantity": "5"}, line]}
    changed = app.change("purchase-orders", order["id"], order["version"], body)
    want(changed.good, "Lines cannot be changed.")
    keys = [each.get("key") for each in changed.items("lines")]
    want(len(keys) == 2, "The lines that were sent are not the lines it has now.")
    want(kept["key"] in keys, "The line that stayed has another key now.")


def pages(app):
    made = [app.supplier()["id"] for __ in range(3)]
    seen = [record.get("id") for record in app.listed("suppliers")]
    for record_id in made:
        want(record_id in seen, "A record is not on any page of the list.")
        want(seen.count(record_id) == 1, "A record is on two pages of the list.")
    first = app.ask("GET", "/suppliers", params={"limit": 2})
    want(len(first.items()) == 2, "limit=2 does not give two records.")
    after = first.get("next_after")
    want(isinstance(after, str), "next_after is no text though there is more.")
    second = app.ask("GET", "/suppliers", params={"limit": 2, "after": after})
    there = {record.get("id") for record in first.items()}
    want(
        second.items() and not there & {each.get("id") for each in second.items()},
        "The page after the first has not the records that follow.",
    )


def errors(app):
    answer = app.create("suppliers", {"reference": app.named("nameless")})
    want(
        400 <= answer.status < 500,
        "A supplier without a name is not refused with 4xx.",
    )
    error = answer.get("error")
    want(
        isinstance(error, dict)
        and isinstance(error.get("code"), str)
        and isinstance(error.get("message"), str),
        "A refusal has no error with code and message.",
    )
    missing = app.read("suppliers", f"{app.name}-none")
    want(missing.status == 404, "An id that does not exist is not answered with 404.")


def correlation(app):
    answer = app.ask("GET", "/suppliers", params={"limit": 1})
    if answer.headers.get("X-Correlation-ID") != app.name:
        raise BrokenError("X-Correlation-ID does not come back with the answer.")
