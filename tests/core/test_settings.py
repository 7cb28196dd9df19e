"""Settings from outside: which source wins, what is refused, and what stays secret."""

from base64 import b64encode

import pytest
from hypothesis import assume, given, strategies as st

from odoo.addons.pharmacy_sync.core.settings import (
    FEATURES,
    MASK,
    PROFILES,
    SETTINGS,
    Origin,
    resolve,
    unknown,
)

settings = st.sampled_from(sorted(SETTINGS.values(), key=lambda s: s.name))
secrets = st.sampled_from([s for s in SETTINGS.values() if s.secret])
KEYS = (b64encode(b"a" * 32).decode(), b64encode(b"b" * 32).decode())
VALID = {
    "retry_max_attempts": ("7", 7),
    "retry_base_delay": ("1500", 1.5),
    "breaker_threshold": ("9", 9),
    "alert_webhook_url": ("https://alerts.example/x?token=abc",) * 2,
    "alert_rate_limit": ("0", 0.0),
    "slack_webhook": ("https://hooks.slack.com/services/T0/B0/abc",) * 2,
    "smtp_host": ("mail.example.com",) * 2,
    "smtp_port": ("587", 587),
    "smtp_encryption": ("starttls",) * 2,
    "smtp_user": ("odoo at example",) * 2,
    "smtp_password": ("pass phrase with blanks",) * 2,
    "metrics_token": ("abc",) * 2,
    "smtp_from": ("odoo@example.com",) * 2,
    "encryption_keys": (f"{KEYS[0]}, {KEYS[1]}", KEYS),
    "linear_api_key": ("lin_api_abc",) * 2,
    "linear_team_id": ("TEAM",) * 2,
    "codegen_api_url": ("http://127.0.0.1:8080/fix",) * 2,
    "codegen_api_key": ("key-abc",) * 2,
    "codegen_org_id": ("42",) * 2,
}
WRONG = "no\nvalue"  # of any setting


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_works_as_it_is_named(name):
    setting = SETTINGS[name]
    text, value = VALID[name]
    found = resolve(setting, {setting.variable: f" {text}\n"}, {})
    assert (found.value, found.origin, found.problems) == (
        value,
        Origin.ENVIRONMENT,
        (),
    )
    found = resolve(setting, {}, {setting.variable.lower(): text})
    assert (found.value, found.origin) == (value, Origin.FILE)


source = st.sampled_from(["valid", "wrong", "blank", "absent"])


@given(settings, source, source, st.booleans())
def test_the_first_valid_source_wins_and_wrong_ones_before_it_are_reported(
    setting, environment, section, recorded
):
    text, value = VALID[setting.name]
    texts = {"valid": text, "wrong": WRONG, "blank": "  "}
    found = resolve(
        setting,
        {setting.variable: texts[environment]} if environment in texts else {},
        {setting.variable.lower(): texts[section]} if section in texts else {},
        "recorded" if recorded else None,
    )
    order = [(environment, value, Origin.ENVIRONMENT), (section, value, Origin.FILE)]
    if recorded:
        order.append(("valid", "recorded", Origin.RECORD))
    order.append(("valid", setting.default, Origin.DEFAULT))
    states = [state for state, *__ in order]
    first = states.index("valid")
    assert (found.value, found.origin) == tuple(order[first][1:])
    reported = [origin for state, __, origin in order[:first] if state == "wrong"]
    assert [problem.origin for problem in found.problems] == reported
    assert found.overridden == (found.origin in (Origin.ENVIRONMENT, Origin.FILE))


@given(settings, st.text(max_size=40))
def test_any_text_is_read_or_refused_with_the_same_words(setting, text):
    found = resolve(setting, {setting.variable: text}, {})
    assert isinstance(found.value, type(VALID[setting.name][1])) or (
        found.value == setting.default
    )
    wrong = resolve(setting, {setting.variable: WRONG}, {})
    if found.problems:
        # The words do not depend on the value: they cannot say it.
        assert [str(p) for p in found.problems] == [str(p) for p in wrong.problems]


@given(st.integers(), st.sampled_from(["retry_max_attempts", "smtp_port"]))
def test_numbers_are_taken_within_their_range_only(number, name):
    setting = SETTINGS[name]
    high = {"retry_max_attempts": 100, "smtp_port": 65535}[name]
    found = resolve(setting, {setting.variable: str(number)}, {})
    if 1 <= number <= high:
        assert found.value == number
    else:
        assert found.origin is Origin.DEFAULT
        assert f"from 1 to {high}" in str(found.problems[0])


@pytest.mark.parametrize(
    "text", ["1.5", "1e3", "0x10", "1_0", "-1", "+1", "٣", "nan", "9" * 5000, "true"]
)
def test_what_only_looks_like_a_whole_number_is_refused(text):
    setting = SETTINGS["breaker_threshold"]
    assert resolve(setting, {setting.variable: text}, {}).problems


@pytest.mark.parametrize(
    "text",
    [
        "hooks.slack.com/services/x",
        "ftp://example.com",
        "https://",
        "https:///path",
        "https://example.com:port/",
        "https://example.com:0/",
        "https://exa mple.com/",
        "https://[::1/",
        "javascript:alert(1)",
        "https://a..b/",
        "https://-/",
        "https://%zz/",
        "https://a_b-.example/",
        "https://[::g]/",
    ],
)
def test_what_is_no_address_is_refused(text):
    setting = SETTINGS["slack_webhook"]
    assert resolve(setting, {setting.variable: text}, {}).problems


@given(secrets, st.text("abcdefghijklmnop", min_size=12, max_size=30))
def test_a_secret_is_never_shown(setting, secret):
    assume(secret not in setting.variable.lower())
    for text in (
        secret,
        f"https://user:{secret}@host.example/{secret}?k={secret}",
        f"x://{secret}/d",
        f"https://[{secret}",
    ):
        found = resolve(setting, {setting.variable: text}, {})
        reported = found.shown + " ".join(map(str, found.problems))
        assert secret not in reported
        if found.overridden:
            assert MASK in found.shown


def test_a_password_that_looks_like_an_address_is_none():
    setting = SETTINGS["smtp_password"]
    for text in ("x://abc/d", "http://[x"):
        assert resolve(setting, {setting.variable: text}, {}).shown == MASK
        assert resolve(setting, {}, {}, text).shown == MASK
    assert resolve(SETTINGS["slack_webhook"], {}, {}, "http://[x").shown == MASK


@pytest.mark.parametrize(
    "text",
    [
        *("mail", "mail.example", "127.0.0.1", "::1", "m\u00e4il.example", "a.b."),
        "a." * 126 + "b",  # as long as a host may be
    ],
)
def test_hosts(text):
    setting = SETTINGS["smtp_host"]
    assert resolve(setting, {setting.variable: text}, {}).value == text


@pytest.mark.parametrize(
    "text", ["a..b", "-", "%zz", "-a", "a b", "a" * 64, "a." * 127, "a.b" * 99]
)
def test_what_is_no_host_is_refused(text):
    setting = SETTINGS["smtp_host"]
    assert resolve(setting, {setting.variable: text}, {}).problems


def test_what_is_no_secret_is_shown():
    setting = SETTINGS["retry_base_delay"]
    assert resolve(setting, {setting.variable: "1500"}, {}).shown == "1.5"
    assert resolve(SETTINGS["linear_team_id"], {}, {}).shown == ""


def test_mistyped_names_are_reported():
    environment = {"NOTIFICATION_EMAIL_SMTP_HOST": "x", "PATH": "/bin"}
    assert unknown(environment, {"error_retry_max_attempts": "1"}) == []
    environment["NOTIFICATION_EMAIL_SMTP_HOSTS"] = "x"
    assert unknown(environment, {"error_retry_attempts": "1"}) == [
        "NOTIFICATION_EMAIL_SMTP_HOSTS",
        "error_retry_attempts",
    ]


def test_what_holds_where_nothing_is_set():
    """As the documentation says it."""
    names = ("retry_max_attempts", "retry_base_delay", "breaker_threshold")
    assert [resolve(SETTINGS[n], {}, {}).value for n in names] == [3, 1.0, 5]


def test_profiles_name_features_and_settings_that_exist():
    for profile in PROFILES.values():
        assert profile.features <= set(FEATURES)
        for name, number in profile.numbers.items():
            setting = SETTINGS[name]
            scale = 1000 if isinstance(setting.default, float) else 1
            text = str(int(number * scale))
            assert resolve(setting, {setting.variable: text}, {}).value == number
    assert "automated_fix" not in PROFILES["production"].features


def test_password_of_mail_has_a_short_name_too():
    name = "NOTIFICATION_EMAIL_SMTP_PASS"
    setting = SETTINGS["smtp_password"]
    assert resolve(setting, {name: "hush"}, {}).value == "hush"
    assert resolve(setting, {}, {name.lower(): "hush"}).value == "hush"
    assert not unknown({name}, {name.lower()})


def test_zeros_before_a_whole_number_are_read_as_far_as_anybody_writes_them():
    setting = SETTINGS["breaker_threshold"]
    assert resolve(setting, {setting.variable: "7".zfill(12)}, {}).value == 7
    assert resolve(setting, {setting.variable: "7".zfill(13)}, {}).problems


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("retry_max_attempts", 1, 100),
        ("retry_base_delay", 1, 3_600_000),
        ("breaker_threshold", 1, 1000),
        ("alert_rate_limit", 0, 86_400_000),
        ("smtp_port", 1, 65_535),
    ],
)
def test_the_least_and_the_most_of_a_number(name, low, high):
    setting = SETTINGS[name]
    for number in (low - 1, low, high, high + 1):
        found = resolve(setting, {setting.variable: str(number)}, {})
        assert bool(found.problems) == (not low <= number <= high), number


@pytest.mark.parametrize(
    "name, least, most",
    [
        ("retry_max_attempts", 1, 100),
        ("retry_base_delay", 1, 3_600_000),  # an hour
        ("breaker_threshold", 1, 1000),
        ("alert_rate_limit", 0, 86_400_000),  # a day
        ("smtp_port", 1, 65_535),
    ],
)
def test_a_number_is_taken_up_to_its_bounds(name, least, most):
    setting = SETTINGS[name]
    for number, origin in (
        (least, Origin.ENVIRONMENT),
        (most, Origin.ENVIRONMENT),
        (least - 1, Origin.DEFAULT),
        (most + 1, Origin.DEFAULT),
    ):
        found = resolve(setting, {setting.variable: str(number)}, {})
        assert found.origin is origin, number


def test_what_acts_beyond_the_addon_is_off_until_it_is_asked_for():
    on = PROFILES["production"].features
    assert set(FEATURES) - on == {"automated_fix", "reset"}
    assert PROFILES["development"].features == {"retry", "breaker"}


def test_the_numbers_of_production_are_the_defaults():
    assert PROFILES["production"].numbers == {
        "retry_max_attempts": 3,
        "retry_base_delay": 1.0,
        "breaker_threshold": 5,
        "alert_rate_limit": 300.0,
    }


def test_an_address_says_which_it_has_to_be():
    setting = SETTINGS["slack_webhook"]
    found = resolve(setting, {setting.variable: "ftp://h.example"}, {})
    assert "https:// or http:// and a host" in str(found.problems[0])


def test_on_a_developers_machine_failures_show_soon():
    assert PROFILES["development"].numbers == {
        "retry_max_attempts": 2,
        "retry_base_delay": 0.5,
        "breaker_threshold": 20,
        "alert_rate_limit": 60.0,
    }
