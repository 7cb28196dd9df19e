"""One Odoo server and two on the same database, and the death of the one that leads.

Calls of the app go to one server, or half of them to each. Jobs of four pharmacies are
sent by the runner to one address: behind it is one server, or a balancer that deals
them out to both. Then the server whose runner leads is killed, and a change of Odoo is
looked for at its app: from the kill to its arrival is what nobody was served.
"""

import asyncio
import os
import subprocess
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import cycle
from pathlib import Path

import requests
from rig import (
    APP_KEY,
    ODOO_PID,
    TIMEOUT,
    Client,
    app,
    connect,
    free_port,
    is_up,
    query,
    shell,
    start_app,
    table,
    wait_until,
)

ROUNDS = 3
CALLS, RECORDS = 12, 50
PHARMACIES, CHANGES = 4, 200
PREPARE = """
for number, url in enumerate({urls}):
    company = env["res.company"].create({{"name": f"Clinic {{number}}"}})
    env.ref("base.user_admin").company_ids += company
    env = env(context={{"allowed_company_ids": company.ids}})
    backend = env["sync.backend"].create({{
        "name": f"Served {{number}}", "company_id": company.id, "url": url,
        "internal": True, "api_key": {key!r},
    }})
    backend.stream_ids.batch_pause = 0
    env["res.partner"].create([
        {{"name": f"Supplier {{number}}.{{i}}", "supplier_rank": 1, "is_company": True,
          "company_id": company.id}}
        for i in range({changes})
    ])
env.cr.commit()
env.registry.signal_changes()
"""
PARTNERS = """SELECT m.res_id, m.external_id, b.url FROM sync_mapping m
                JOIN sync_backend b ON b.id = m.backend_id
               WHERE b.name ~ '^Served ' AND m.res_model = 'res.partner'
                 AND m.state = 'synced' AND m.external_id IS NOT NULL"""
OPEN = """SELECT (SELECT count(*) FROM sync_event WHERE state = 'pending')
               + (SELECT count(*) FROM sync_operation
                   WHERE state NOT IN ('done', 'cancelled'))"""


class Balancer:
    """Deals connections out to servers in turn, on a port of its own."""

    def __init__(self):
        self.port = free_port()
        self.use([])
        threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True).start()

    def use(self, ports):
        """From now on, deal out to the servers at these ports."""
        self._ports = cycle(ports)

    async def _serve(self):
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        await server.serve_forever()

    async def _pass_on(self, reader, writer):
        there = await asyncio.open_connection("127.0.0.1", next(self._ports))
        ways = [_copy(reader, there[1]), _copy(there[0], writer)]
        tasks = [asyncio.create_task(way) for way in ways]
        # The runner hangs up before the job ends.
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task, end in zip(tasks, (there[1], writer), strict=True):
            task.cancel()
            end.close()


async def _copy(reader, writer):
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


class Server:
    """An Odoo server like the one that ``./dev bench`` started, on another port."""

    def __init__(self, command, environment, balancer):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            [*command, "-p", str(self.port)],
            env={
                **environment,
                "ODOO_QUEUE_JOB_HOST": "127.0.0.1",
                "ODOO_QUEUE_JOB_PORT": str(balancer.port),
                "ODOO_QUEUE_JOB_CHANNELS": "root:4",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def is_up(self):
        limit = time.monotonic() + TIMEOUT
        while time.monotonic() < limit:
            try:
                return requests.get(self.url + "/web/health", timeout=10).ok
            except requests.RequestException:
                time.sleep(0.2)
        raise TimeoutError(self.url)

    def kill(self):
        self._process.kill()
        self._process.wait()


def client(server, login):
    """A JSON-RPC client of that server."""
    return type("Other", (Client,), {"url": server.url})(login, login)


def calls(clients):
    """New suppliers by calls of the app, two at once: how many a second."""

    def push(number):
        records = [
            {"id": uuid.uuid4().hex, "version": 1, "name": f"S {number} {i}"}
            for i in range(RECORDS)
        ]
        ours = clients[number % len(clients)]
        answer = ours("sync.api", "push", "supplier", records, uuid.uuid4().hex)
        assert answer["success"], answer

    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(push, range(CALLS)))
    return CALLS * RECORDS / (time.perf_counter() - start)


def jobs(admin, partners, mark):
    """Changes of four pharmacies at once on their way out: how many a second."""
    start = time.perf_counter()
    admin("res.partner", "write", partners, {"street": mark})
    wait_until(OPEN, 0)
    return len(partners) / (time.perf_counter() - start)


def killed(leader, other, admin):
    """Seconds from the leader's death to the arrival of a change made just then."""
    res_id, there, url = query(PARTNERS + " LIMIT 1")[0]
    balancer.use([other.port])
    text = uuid.uuid4().hex
    leader.kill()
    start = time.perf_counter()
    admin("res.partner", "write", [res_id], {"street": text})
    path = f"/api/v1/suppliers/{there}"
    while text not in str(app("GET", path, at=url)):
        if time.perf_counter() - start > TIMEOUT:
            raise TimeoutError(text)
        time.sleep(0.05)
    return time.perf_counter() - start


with ExitStack() as stack:
    command = Path(f"/proc/{ODOO_PID}/cmdline").read_text().rstrip("\0").split("\0")
    setting = Path(f"/proc/{ODOO_PID}/environ").read_text().rstrip("\0").split("\0")
    environment = dict(line.split("=", 1) for line in setting)
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    urls = [start_app(stack, folder, number) for number in range(PHARMACIES)]
    for url in urls:
        is_up(url)
    connect(Client("admin", "admin"))
    shell(PREPARE.format(urls=urls, key=APP_KEY, changes=CHANGES))
    wait_until(f"SELECT count(*) FROM ({PARTNERS}) p", PHARMACIES * CHANGES)
    balancer = Balancer()
    os.kill(int(ODOO_PID), 15)
    leader = Server(command, environment, balancer)
    stack.callback(leader.kill)
    balancer.use([leader.port])
    leader.is_up()
    other = Server(command, environment, balancer)
    stack.callback(other.kill)
    other.is_up()
    admin = client(other, "admin")
    partners = [res_id for res_id, __, __ in query(PARTNERS)]
    users = [client(server, "bench") for server in (leader, other)]
    arrived = {"one server": [], "two servers": []}
    sent = {"one server": [], "two servers": []}
    for number in range(ROUNDS + 1):
        for name, count in (("one server", 1), ("two servers", 2)):
            balancer.use([server.port for server in (leader, other)[:count]])
            rates = calls(users[:count]), jobs(admin, partners, f"{name} {number}")
            if number:  # the first warms up
                arrived[name].append(rates[0])
                sent[name].append(rates[1])
    table("New suppliers a second, two calls at once", arrived, "one server")
    table(f"Changes sent a second, of {PHARMACIES} pharmacies", sent, "one server")
    seconds = killed(leader, other, admin)
    print(f"\nThe leader killed: {seconds:.1f} s until a change arrived at its app")
