"""A secret planted in every shape in which secrets are written, in any surroundings, is
never found again; and no text takes more time than its length is worth.
"""

import json
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from odoo.addons.pharmacy_sync.core.secrets import (
    command_lines,
    redaction_reader,
    redaction_shapes,
    redaction_text,
    secret_addresses,
)
from odoo.addons.pharmacy_sync.core.secrets.redaction import redact

try:
    from re import _parser as parser
except ImportError:  # before Python 3.11
    import sre_parse as parser

# Every secret has this in it, and whatever else its shape allows.
HEART = "s3cr3tHeart9"


def secrets(alphabet, most=6):
    around = st.text(alphabet=alphabet, max_size=most)
    return st.builds("{}{}{}".format, around, st.just(HEART), around)


PLAIN = secrets("abcXYZ0189")
WORD = secrets("abXZ09-_.~+/=")
# No white space, quotes, angle brackets, nor the ends of a query's part.
ODD = secrets("aZ0!@#$%^*|{[()]}:?/\\~+=-_.")
USER = secrets("aZ0:/#?@!$&'()*+,;=%")
LINE = secrets("aZ0 .&@#:/\\ñ漢", 12)
QUOTED = secrets("aZ0 '\"\\\n{}[]:,;&<>=@ñ漢\u2028", 12)
INSIDE = secrets("aZ0 .;,&@#:/{}[]ñ漢", 12)
BELOW = secrets("aZ0 .;,&@#:/ñ漢", 12)
# As a server quotes it in a sentence: digits are in it, no sign at its end.
KEY = secrets("aZ09_-", 6).map(lambda secret: f"k{secret}7")
LONG = secrets("aZ09", 4).map(lambda secret: f"A0{secret}{'Zz09' * 4}")

NAMES = st.sampled_from(
    """password PASSWORD PGPASSWORD PGPASSWD pwd smtp_pass db-password passwd passphrase
    api_key apiKey API-Key X-Api-Key apikey x-access-token accessToken accesstoken
    refresh_tokens token tokens client_secret clientSecret secrets secret_key otp jwt
    credential session_id sessionid PHPSESSID JSESSIONID sig X-Amz-Signature signature
    X-Amz-Credential X-Amz-Security-Token Ocp-Apim-Subscription-Key AccountKey
    private_key signing-key webhook-signature X-Auth-Token passcode PASSCODE pin
    master_key FERNET_KEY contrasena client-key app_key x-functions-key authkey creds
    pincode recovery_code HMAC mot_de_passe""".split()  # noqa: SIM905
)
BEGINNINGS = """sk_live_ rk_test_ sk-proj- sk- ghp_ gho_ github_pat_ glpat- xoxb- xapp-
    whsec_ shpat_ npm_ pypi- lin_api_ hf_ ya29. SG. AIza eyJhbGciOiJ.eyJ gldt- glrt-
    glptt- glsa_ doo_v1_ dckr_pat_ hvs. tskey-auth- NRAK- PMAK- ATATT3xFf figd_
    rubygems_ sntrys_ sq0csp- pat-eu1- shippo_live_ xkeysib- dp.pt. gsk_ pplx- sbp_
    pscale_tkn_"""


def as_json(value):
    return json.dumps(value, ensure_ascii=False)


SHAPES = {
    "name=value": (WORD, "{name}={secret}"),
    "odd characters": (ODD, "{name}={secret}"),
    "a separator in it": (PLAIN, "password=a;{secret}"),
    "another": (PLAIN, "password: a&{secret}"),
    "name = value": (WORD, "{name} = {secret} "),
    "name: value": (WORD, "{name}: {secret}"),
    "name => value": (WORD, "'{name}' => '{secret}'"),
    "in colour": (WORD, "\x1b[32m{name}\x1b[0m: \x1b[31m{secret}"),
    "a blank that does not break": (WORD, "{name}:\xa0{secret}"),
    "PostgreSQL's detail": (BELOW, "Key ({name})=({secret}) already exists."),
    "header": (WORD, "GET / HTTP/1.1\r\n{name}: {secret}\r\nHost: h"),
    "query": (PLAIN, "https://h.example/x?a=b&{name}={secret}&limit=5"),
    "encoded query": (PLAIN, "next=%2Fweb%3F{name}%3D{secret}%26a%3Db"),
    "query encoded twice": (PLAIN, "next=%252Fx%253F{name}%253D{secret}%2526a%253Db"),
    "encoded brackets": (PLAIN, "POST user%5B{name}%5D={secret}&user%5Ba%5D=b"),
    "escaped query": (PLAIN, "https://h.example/x?{name}={secret}&amp;a=b"),
    "option": (PLAIN, "tool --{name} {secret} --verbose"),
    "option with =": (WORD, "tool --{name}={secret} --verbose"),
    "environment": (WORD, "export {name}={secret}; run"),
    "words": (LINE, "password: {secret}"),
    "words of a secret": (LINE, "client secret: {secret}\nnext: line"),
    "quoted": (INSIDE, "{name} = '{secret}'"),
    "three quotes": (INSIDE, '{name} = """{secret}"""'),
    "quotes in three": (INSIDE, '{name} = """a "b" {secret}"""'),
    "SQL": (INSIDE, "ALTER USER o PASSWORD 'it''s {secret}' LOGIN"),
    "double quoted": (INSIDE, '{name}: "{secret}"'),
    "guillemets": (INSIDE, "{name}: «{secret}»"),
    "curly quotes": (INSIDE, "{name}: \u201c{secret}\u201d"),
    "form": (PLAIN, '<input name="{name}" type="text" value="{secret}"/>'),
    "attribute": (INSIDE, '<user {name}="{secret}"/>'),
    "tag": (secrets("aZ0 .;&\n"), "<{name}>{secret}</{name}>"),
    "tag with a space": (WORD, '<w:{name} type="x">{secret}</w:{name}>'),
    "nested tags": (WORD, "<{name}><user>u</user><key>{secret}</key></{name}>"),
    "named tag": (WORD, '<param name="{name}" type="x">{secret}</param>'),
    "tag of a value": (
        WORD,
        "<member><name>{name}</name>\n<value><string>{secret}</string></value></member>",
    ),
    "property list": (WORD, "<key>{name}</key><string>{secret}</string>"),
    "XML within XML": (WORD, "&lt;{name}&gt;{secret}&lt;/{name}&gt; next"),
    "form the other way round": (
        WORD,
        '<input value="{secret}" type="hidden" name="{name}">',
    ),
    "part of a form": (
        PLAIN,
        'Content-Disposition: form-data; name="{name}"\r\n\r\n{secret}\r\n--x',
    ),
    "html": (WORD, "{{&quot;{name}&quot;: &quot;{secret}&quot;}}"),
    "connection string": (WORD, "Server=h;User Id=u;{name}={secret};Database=d"),
    "words in a connection string": (
        secrets("aZ0 .!"),
        "Server=h;Pwd=a {secret};Database=d",
    ),
    "libpq": (PLAIN, "host=h password={secret} dbname=d"),
    "libpq quoted": (INSIDE, "host=h password='{secret}' dbname=d"),
    "storage": (PLAIN, "AccountName=n;AccountKey={secret}==;EndpointSuffix=e"),
    "signed address": (PLAIN, "https://h.example/f?sv=2024&sig={secret}&se=2027"),
    "user": (PLAIN, "https://{secret}@h.example/"),
    "password of a user": (USER, "https://user:{secret}@h.example/x"),
    "database": (USER, "postgresql://o:{secret}@h.example:5432/d"),
    "database without a user": (USER, "redis://:{secret}@h.example:6379/0"),
    "second address": (USER, "http://a.example/,https://u:{secret}@h.example/"),
    "escaped address": (PLAIN, r"https:\/\/user:{secret}@h.example\/x"),
    "encoded address": (PLAIN, "to=https%3A%2F%2Fu%3A{secret}%40h.example%2F"),
    "pair": (INSIDE, "[('{name}', '{secret}'), ('a', 'b')]"),
    "bytes": (PLAIN, "[(b'{name}', b'{secret}')]"),
    "pair in a list": (INSIDE, '["{name}", "{secret}"]'),
    "name and value": (INSIDE, '{{"name": "{name}", "value": "{secret}"}}'),
    "value and name": (INSIDE, '{{"value": "{secret}", "name": "{name}"}}'),
    "name and value of YAML": (WORD, "- {{name: {name}, value: {secret}}}"),
    "name and value in capitals": (INSIDE, '{{"Name": "{name}", "Value": "{secret}"}}'),
    "bearer in an address": (WORD, "auth=Bearer%20{secret}&a=b"),
    "bearer": (WORD, "sent Bearer {secret} to it"),
    "basic": (WORD, "sent basic {secret} to it"),
    "authorization": (WORD, "Authorization: {secret}"),
    "authorization by scheme": (WORD, "Authorization: Bearer {secret}"),
    "authorization by another": (WORD, "Authorization: Custom {secret}"),
    "proxy": (WORD, "proxy-authorization: Basic {secret}"),
    "a scheme in a header": (WORD, "GET / HTTP/1.1\r\n{name}: Bearer {secret}\r\nA: b"),
    "a scheme behind a name": (WORD, "got {name}=token {secret}"),
    "digest": (PLAIN, 'Authorization: Digest username="u", response="{secret}"'),
    "aws": (PLAIN, "Authorization: AWS4-HMAC-SHA256 Credential=a, Signature={secret}"),
    "cookie": (WORD, "Cookie: lang=es; session_id={secret}"),
    "cookies": (WORD, "cookie: HttpOnly; x={secret}; y"),
    "cookie of curl": (WORD, "curl -H 'Cookie: a=b; c={secret}' https://h.example"),
    "set-cookie": (WORD, "Set-Cookie: x={secret}; Path=/; HttpOnly"),
    "slack": (PLAIN, "https://hooks.slack.com/services/T0/B0/{secret}"),
    "slack apart": (
        PLAIN,
        "HTTPSConnectionPool(host='hooks.slack.com', port=443): Max retries exceeded"
        " with url: /services/T0/B0/{secret} (Caused by X)",
    ),
    "discord apart": (PLAIN, "exceeded with url: /api/webhooks/123/{secret} (x)"),
    "telegram apart": (PLAIN, "exceeded with url: /bot123:{secret}/sendMessage (x)"),
    "query apart": (PLAIN, "exceeded with url: /x?api_key={secret} (Caused by x)"),
    "credentials": (INSIDE, '{{"credentials": {{"user": "u", "key": "{secret}"}}}}'),
    "credentials of Python": (INSIDE, "x={{'credentials': {{'key': '{secret}'}}}} y"),
    "value in a sentence of a library": (
        INSIDE,
        "return character(s) in header value: '{secret}'",
    ),
    "bytes in such a sentence": (INSIDE, "Invalid header value b'{secret}'"),
    "several": (INSIDE, 'got {{"tokens": ["a", "{secret}"]}} there'),
    "auth": (INSIDE, "get(url, auth=('u', '{secret}'))"),
    "key file": (
        PLAIN,
        "-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----",
    ),
    "key file of SSH": (
        PLAIN,
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{secret}\n---- END SSH2",
    ),
    "password of Odoo, hashed": (LONG, "$pbkdf2-sha512$600000$a.b/c${secret}"),
    "password hashed by bcrypt": (LONG, "u:$2b$12${secret}"),
    "password of PostgreSQL": (LONG, "SCRAM-SHA-256$4096:a==${secret}:b="),
    "bot of Telegram": (
        PLAIN,
        "bot 123456789:AAF-{secret}_abcdefghijklmnopqrstuv refused",
    ),
    "key file cut off": (PLAIN, "-----BEGIN PRIVATE KEY-----\\n{secret}\\n"),
    # command lines
    "user of curl": (PLAIN, "curl -u user:{secret} https://h.example/x"),
    "secret of a user that looks like an address": (
        PLAIN,
        "curl --user 'user://{secret}' https://h.example/x",
    ),
    "glued": (PLAIN, "curl -sS -uuser:{secret} https://h.example/x"),
    "user with odd characters": (
        secrets("aZ0!@#$%^*|()[]{}:?~+=-_."),
        "curl -u user:{secret} https://h.example/x",
    ),
    "quoted user": (INSIDE, "curl --user 'user:{secret}' https://h.example/x"),
    "double quoted user": (INSIDE, 'curl -u "user:{secret}" https://h.example/x'),
    "quoted secret of a user": (INSIDE, "curl -u user:'{secret}' https://h.example"),
    "user by =": (PLAIN, "curl --user=user:{secret} https://h.example/x"),
    "user of a proxy": (PLAIN, "curl --proxy-user user:{secret} https://h.example/x"),
    "another proxy": (PLAIN, "curl -x p.example -U user:{secret} https://h.example/x"),
    "user in a list": (INSIDE, "Command '['curl', '-u', 'user:{secret}']' returned 7"),
    "user in JSON": (PLAIN, '["curl", "-u", "user:{secret}", "https://h.example"]'),
    "header of curl": (WORD, "curl -H 'Authorization: Basic {secret}' https://h"),
    "header of curl by =": (WORD, 'curl --header="X-Api-Key: {secret}" https://h'),
    "header in a list": (WORD, "['curl', '-H', 'X-Api-Key: {secret}', 'https://h']"),
    "cookie option": (PLAIN, "curl -b sid={secret} https://h.example/x"),
    "cookie option quoted": (INSIDE, "curl --cookie 'sid={secret}' https://h.example/"),
    "mysql": (PLAIN, "mysqldump -h h -u root -p{secret} shop"),
    "mysql quoted": (INSIDE, "mysql -u root -p'{secret}' shop"),
    "sshpass": (PLAIN, "sshpass -p {secret} ssh user@h.example"),
    "docker": (PLAIN, "docker login -u user -p {secret} registry.example"),
    "docker in a list": (INSIDE, "['docker', 'login', '-p', '{secret}', 'h.example']"),
    "redis": (PLAIN, "redis-cli -h h.example -a {secret} ping"),
    "ldap": (INSIDE, "ldapsearch -x -D cn=admin -w '{secret}' -b dc=h"),
    "zip": (PLAIN, "unzip -P {secret} backup.zip"),
    "httpie": (PLAIN, "http -a user:{secret} https://h.example/x"),
    "one dash": (PLAIN, "keytool -storepass {secret} -list"),
    "openssl": (PLAIN, "openssl rsa -passin pass:{secret} -in key.pem"),
    "option in a list": (INSIDE, "['tool', '--{name}', '{secret}', '--verbose']"),
    "option in JSON": (INSIDE, '{{"args": ["--{name}", "{secret}"]}}'),
    "PowerShell": (INSIDE, "$env:{name} = '{secret}'"),
    "environment of docker": (PLAIN, "docker run -e {name}={secret} image"),
    "environment of an image": (KEY, "ENV {name} {secret}"),
    "environment in a line": (PLAIN, "env PGHOST=h {name}={secret} psql"),
    "call": (INSIDE, "set_password('{secret}')"),
    "odoo": (PLAIN, "odoo-bin -r odoo -w {secret} -d d"),
    "azure": (PLAIN, "az login --service-principal -u u -p {secret}"),
    "netrc": (PLAIN, "machine h.example login user password {secret}"),
    "netrc in lines": (PLAIN, "machine h.example\nlogin user\npassword {secret}\n"),
    # on the next line
    "next line": (BELOW, "db:\n  user: u\n  password:\n    {secret}\n  host: h"),
    "next line not further in": (PLAIN, "a: b\npassword:\n{secret}\n"),
    "answer to a prompt": (PLAIN, "user: u\nPassword:\n{secret}\nLogin incorrect"),
    "token on the next line": (PLAIN, "a: b\n{name}:\n  {secret}\nhost: h"),
    "behind windows' line": (PLAIN, "a: b\r\n{name}:\r\n  {secret}\r\nhost: h"),
    "folded header": (PLAIN, "Host: h\r\nAuthorization:\r\n Bearer {secret}\r\nA: b"),
    "said in a Spanish sentence": (KEY, "la contraseña es {secret}"),
    "several lines": (INSIDE, "a: b\n{name}: |\n  first\n\n  {secret}\nhost: h"),
    "folded lines": (INSIDE, "a: b\n{name}: >-\n  first\n  {secret}\nhost: h"),
    "list below": (INSIDE, "a: b\ntokens:\n  - first\n  - {secret}\nhost: h"),
    "list not further in": (INSIDE, "a: b\ntokens:\n- first\n- {secret}\nhost: h"),
    "map below": (INSIDE, "a: b\ncredentials:\n  user: u\n  key: {secret}\nhost: h"),
    "value below a name": (INSIDE, "env:\n- name: {name}\n  value: {secret}\n"),
    "name below a value": (PLAIN, "env:\n- value: {secret}\n  name: {name}\n"),
    # sentences of servers
    "said in Spanish": (LINE, "contraseña: {secret}"),
    "said": (KEY, "invalid {name} {secret}"),
    "said with a verb": (KEY, "The {name} {secret} is invalid."),
    "said in brackets": (KEY, "the {name} ({secret}) has expired"),
    "said in quotes": (KEY, "the {name} '{secret}' has expired"),
    "said in curly quotes": (KEY, "unknown {name} \u201c{secret}\u201d"),
    "said to be provided": (KEY, "Incorrect API key provided: {secret}. See h.example"),
    "said to be received": (KEY, "API key received {secret}"),
    "said to be": (KEY, "the {name} was {secret}"),
    "said before": (KEY, "{secret} is not a valid {name}"),
    "said before in quotes": (KEY, "'{secret}' is an invalid API key"),
    # addresses that are secrets
    "Teams": (
        PLAIN,
        "https://t.webhook.office.com/webhookb2/a@b/IncomingWebhook/{secret}/c",
    ),
    "Teams of old": (
        PLAIN,
        "https://outlook.office.com/webhook/a@b/IncomingWebhook/{secret}/c",
    ),
    "Teams apart": (PLAIN, "url: /webhookb2/a@b/IncomingWebhook/{secret}/c (x)"),
    "Teams of old apart": (PLAIN, "url: /webhook/a@b/IncomingWebhook/{secret}/c (x)"),
    "flow": (
        PLAIN,
        "https://prod-1.westeurope.logic.azure.com:443/workflows/{secret}/triggers/m",
    ),
    "PagerDuty": (PLAIN, "https://events.pagerduty.com/integration/{secret}/enqueue"),
    "PagerDuty of Europe": (PLAIN, "https://events.eu.pagerduty.com/x-ere/{secret}"),
    "PagerDuty apart": (LONG, "url: /integration/{secret}/enqueue (Caused by x)"),
    "VictorOps": (
        PLAIN,
        "https://alert.victorops.com/integrations/generic/2013/alert/{secret}/r",
    ),
    "Discord": (PLAIN, "https://discord.com/api/v10/webhooks/123/{secret}"),
    "Google": (PLAIN, "https://chat.googleapis.com/v1/spaces/A/messages?key={secret}"),
    "IFTTT": (PLAIN, "https://maker.ifttt.com/trigger/e/with/key/{secret}"),
    "Make": (PLAIN, "https://hook.eu1.make.com/{secret}"),
    "Healthchecks": (PLAIN, "https://hc-ping.com/{secret}/fail"),
    "Feishu": (PLAIN, "https://open.feishu.cn/open-apis/bot/v2/hook/{secret}"),
    "Webex": (PLAIN, "https://webexapis.com/v1/webhooks/incoming/{secret}"),
    "Mattermost": (LONG, "https://chat.example/hooks/{secret}"),
    "Rocket.Chat": (LONG, "https://chat.example/hooks/64a1/{secret}"),
    "anybody's webhook": (LONG, "POST /webhook/v1/{secret} HTTP/1.1"),
    "escaped in JSON": (LONG, r"https:\/\/hooks.slack.com\/services\/T0\/B0\/{secret}"),
    "key of an address": (LONG, "https://h.example/send?a=b&key={secret}&c=d"),
    **{
        f"begins with {prefix}": (LONG, f"got {prefix}{{secret}} there")
        for prefix in BEGINNINGS.split()
    },
    "key of AWS": (
        st.text("ABCXYZ019", min_size=4, max_size=4).map(f"{HEART.upper()}{{}}".format),
        "got AKIA{secret} there",
    ),
}

AROUND = st.text(alphabet="ab .,:=\"'{}[]()<>/\\&;\n*", max_size=12)
# What comes before may open a quote or a tag, but must not run into a name.
BEFORE = st.text(alphabet="ab .,;\n", max_size=12).map(lambda text: f"{text} ")
AFTER = AROUND.map(lambda text: f"\n{text}")


def planted(shape):
    alphabet, template = SHAPES[shape]
    return st.builds(
        lambda name, secret: template.format(name=name, secret=secret), NAMES, alphabet
    )


def survives(value):
    return HEART.lower() in repr(redact(value)).lower()


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=10)
@given(st.data())
def test_no_secret_survives(shape, data):
    text = data.draw(planted(shape))
    assert not survives(text)
    assert not survives(data.draw(BEFORE) + text + data.draw(AFTER))
    assert not survives([{"message": text.encode()}, ValueError(text)])


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=10)
@given(st.data())
def test_no_secret_survives_in_json_within_json(shape, data):
    text = data.draw(planted(shape))
    for _ in range(data.draw(st.integers(1, 3))):
        text = as_json({"b": text})
    assert not survives(text)
    assert not survives(f"answer: {text}")


@given(NAMES, QUOTED, st.integers(0, 3))
def test_no_secret_field_survives_in_json_within_json(name, secret, levels):
    text = as_json({"a": 1, name: secret, "z": [None]})
    for _ in range(levels):
        text = as_json({"b": text})
    assert not survives(text)
    assert not survives(f"answer: {text} (x)")


@given(NAMES, QUOTED)
def test_no_secret_survives_in_structures(name, secret):
    for value in (
        {name: secret},
        {name.encode(): secret},
        (name, secret),
        [name, secret],
        {"name": name, "value": secret},
        {"value": secret, "key": name},
        {"Name": name, "Value": secret},
        {"KEY": name, "VALUE": secret},
        {"credentials": {"user": "u", "key": secret}},
        {"a": [{"headers": [(name, secret)]}]},
        ["tool", f"--{name}", secret, "--verbose"],
        ["curl", "-u", f"user:{secret}", "https://h.example"],
        ("/usr/bin/docker", "login", "-p", secret, "h.example"),
    ):
        assert not survives(value)
        assert not survives(repr(value))
    assert not survives(["mysql", f"-p{secret}", "shop"])


@given(st.one_of(*map(planted, SHAPES)), BEFORE, AFTER)
def test_masking_again_changes_nothing(text, before, after):
    once = redact(before + text + after)
    assert redact(once) == once


@given(st.text())
def test_any_text_is_masked_and_can_be_stored(text):
    masked = redact(text)
    masked.encode()
    assert "\x00" not in masked
    assert redact(masked) == masked


# --- innocent texts -------------------------------------------------------------

SPOKEN = st.sampled_from(
    """password token secret signature cookie credential otp jwt passphrase pin
    session_id API_key access_token client_secret""".split()  # noqa: SIM905
).map(lambda name: name.replace("_", " "))
SENTENCES = """The {0} expired.
    {0} is missing
    invalid {0}
    Invalid {0}.
    your {0} was wrong
    the {0} of user Ana is not valid
    no {0} was given
    the {0} has expired at 12:30
    the {0} expired on 2026-11-29
    enter the {0} again
    wrong {0} for user 'ana'
    --token needs a value
    option --password is required
    the {0} must have 8 characters
    the {0} format v2 is unknown
    change your {0} at https://h.example/reset
    (using password: YES)
    a {0} from ACCESS_TOKEN_SIZE
    token_type: bearer
    password_min_length=8, token_count=3
    password-expires-at: 2026-11-30
    auth_method=x
    {"field": "pass_rate", "value": 3}
    value of the header is 3
    <field>{0}</field><message>is short</message>
    (name: {0}, size: 3)
    it costs $1$ or $2$
    rnd_management_extension.models.thing
    glove-of-the-pharmacy-for-winter
    {0} was None
    {0}: null
    the {0} is signed with HMAC-SHA256
    unknown {0} algorithm RS256
    the {0}s of 3 users
    it is not a valid {0}
    this is no {0}
    that was the wrong {0}"""
TEXTS = r"""ssh -p 2222 user@h.example
    mkdir -p /srv/a2/b3
    docker run -p 8080:80 image
    docker run -u 1000:1000 image
    date -u +%H:%M
    psql -h h.example -U odoo -p 5432 -d d
    sudo -u postgres psql
    sort -u file.txt
    curl -u https://h.example
    git push -u origin a
    tar -xzf backup2026.tgz -C /srv
    mysql --protocol=tcp -h h.example
    https://h.example/webhooks/orders?limit=5
    POST /pharmacy_sync/webhook/12 failed
    GET https://h.example/integrations/orders/po_17
    https://h.example/x?key=l1&a=b
    https://learn.example/en-us/office/teams
    lines: 3, key: l1
    name: Ana\n  value: 17
    notes:\n  two boxes\nname: x
    '{"key": "po_8f3a1c", "quantity": 2}'
    Key (code)=(A-100) already exists.
    File "token.py", line 3, in check\n    x = token
    in check\n    if not token:\n    ^^^^^^^^^\nValueError
    the pharmacy passes on what is passed 12345678
    see section "Tokens":\n\nA paragraph follows here."""
INNOCENT = st.sampled_from(
    [text.strip().replace("\\n", "\n") for text in TEXTS.splitlines()]
) | st.builds(
    lambda text, name: text.replace("{0}", name),
    st.sampled_from([text.strip() for text in SENTENCES.splitlines()]),
    SPOKEN,
)


@settings(max_examples=300)
@given(st.lists(INNOCENT, min_size=1, max_size=4), st.sampled_from([". ", "\n", "; "]))
def test_innocent_texts_stay_readable(texts, between):
    text = between.join(texts)
    assert redact(text) == text
    assert redact({"message": text}) == {"message": text}


# --- time ---------------------------------------------------------------------

FEW = 256  # characters: how far a pattern may look in vain


def loose_ends(parsed, last=True):
    """Repetitions in a pattern, as the parser of ``re`` gives it, that have no bound
    and something behind them which can fail."""
    for index, (kind, argument) in enumerate(parsed):
        at_end = last and index == len(parsed) - 1
        if str(kind) in ("MAX_REPEAT", "MIN_REPEAT"):
            _, most, inner = argument
            if most > FEW * 2 and not (at_end and str(kind) == "MAX_REPEAT"):
                yield kind
            yield from loose_ends(inner, last=False)
        elif str(kind) == "SUBPATTERN":
            yield from loose_ends(argument[-1], at_end)
        elif str(kind) == "BRANCH":
            for branch in argument[1]:
                yield from loose_ends(branch, at_end)
        elif str(kind) in ("ASSERT", "ASSERT_NOT"):
            yield from loose_ends(argument[1], last=False)


PATTERNS = (
    *redaction_shapes.PATTERNS,
    *secret_addresses.PATTERNS,
    *command_lines.PATTERNS,
)


def test_patterns_do_not_look_far_in_vain():
    assert len(PATTERNS) > 40
    for pattern in PATTERNS:
        assert not list(loose_ends(parser.parse(pattern.pattern))), pattern.pattern


def test_a_pattern_that_looks_far_is_noticed():
    for pattern in (
        r"(\b[a-z][a-z0-9+.-]*://)[^/]*@",
        r"(?:a+)+$",
        r"a*?b",
        r"x(?=y*z)",
    ):
        assert list(loose_ends(parser.parse(pattern)))
    assert not list(loose_ends(parser.parse(r"(?:a{1,9}|b)[^c]+")))


def steps(text):
    """How many characters the walk looks at: calls, and what each of them is given."""
    seen = 0

    class Counting(str):
        def find(self, *about):
            nonlocal seen
            end = super().find(*about)
            start = about[1] if len(about) > 1 else 0
            seen += (len(self) if end < 0 else end) - start
            return end

    def count(frame, event, argument):
        nonlocal seen
        seen += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        redaction_text.mask_text(Counting(text), frozenset({"token", "password"}))
    finally:
        sys.setprofile(before)
    return seen


@pytest.mark.parametrize(
    "piece",
    [
        "a.",
        "token-",
        "token ",
        "token: '",
        'token="a" ',
        "password: a, ",
        '("token", "',
        "('token', \\\"",
        "<token>",
        "<token{}>",
        "</token><token>",
        "token: {",
        "bearer ",
        '"value": "token": "name": ',
        "://a:b@",
        "-----BEGIN PRIVATE KEY ",
        "eyJ.",
        "token=a&",
        "\\",
        '\\"token\\": \\\\"',
        "authorization: a=b, ",
        "token:\n ",
        "token:\n  a",
        "token: |\n  a\n",
        "a token ",
        "is not a valid token ",
        "a1b2c3d4 is not a valid token\n",
        "value: a\n",
        "mysql -p",
        "-u a",
        "-u a:'",
        "docker login ",
        "['curl', '-b', '",
        "/hooks/a",
        "/a/hooks/a1b2c3d4e5f6g7h8",
        "?key=a1",
        "login a password ",
        "<a name='token'>",
        "<name>token</name><value>",
        'form-data; name="token"\r\n',
        "header value '",
        "&lt;token&gt;",
        ";token=a b",
        "token\x1b[0m",
        "token%255D",
        "token)=(",
        "name: token, value: ",
        'value="a" a="b" ',
        "--token ",
    ],
)
def test_twice_the_text_is_twice_the_work(piece):
    once, twice = (
        steps("".join(piece.replace("{}", str(n)) for n in range(count)))
        for count in (300, 600)
    )
    assert twice <= 2.5 * once + 500


def test_no_pattern_is_left_out():
    for module in (redaction_shapes, secret_addresses, command_lines):
        source = Path(module.__file__).read_text()
        named = re.findall(r"^[A-Z_]+ = re\.compile", source, re.M)
        assert len(named) == len(module.PATTERNS)
    for module in (redaction_reader, redaction_text):
        assert "re.compile" not in Path(module.__file__).read_text()
