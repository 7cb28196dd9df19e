"""Given to ``odoo shell``: make an order and do what the job runner would."""

env = env  # noqa: F821 - given by the shell
backend = env["sync.backend"].search([], limit=1)
env["purchase.order"].create(
    {"partner_id": env["res.partner"].search([("supplier_rank", ">", 0)], limit=1).id}
)
env.cr.commit()
runner = backend._as_runner()
runner._job_push()
runner._job_pull()
env.cr.commit()
print(f"copy: {backend.is_copy}")
