"""How secrets are written: the patterns of :mod:`.redaction_text`.

A pattern has bounds on all its repetitions but one at its very end, so that no attempt
is long and in vain, whatever the text.
"""

import re

# --- known by their look -----------------------------------------------------

PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY")
PEM_END = re.compile(r"-----END [A-Z ]{0,64}-{0,5}")
# Without one of these words the pattern below finds nothing; likewise further down.
TOKEN_WORDS = tuple(
    """sk_ sk- rk_ rk- ghp_ gho_ ghs_ ghu_ ghr_ github_pat_ glpat- xox xapp- whsec_
    shpat shpss shpca shppa npm_ pypi- lin_ hf_ dop_v1_ ya29. SG. AIza AKIA ASIA ABIA
    ACCA eyJ""".split()  # noqa: SIM905
)
TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|rk)[-_](?:live|test|proj|ant|or)[-_]|sk-(?=[A-Za-z0-9]{20})|gh[opsur]_"
    r"|github_pat_|glpat-|xox[a-z]-|xapp-|whsec_|shp(?:at|ss|ca|pa)_|dop_v1_|ya29\."
    r"|lin_(?:api|oauth|wh)_|(?:npm_|hf_|pypi-|SG\.|AIza)(?=[\w-]{16})"
    r"|(?:AKIA|ASIA|ABIA|ACCA)(?=[A-Z0-9]{12})|eyJ(?=[\w-]{4})"
    r")[\w.=+/-]+"
)
# Addresses that are a secret by themselves, also where host and path stand apart.
SECRET_PATHS = re.compile(
    r"(/services/(?=T\w{0,20}/B)|/workflows/(?=T\w{0,20}/)|/triggers/(?=[TE]\w{0,20}/)"
    r"|/webhooks/(?=[0-9]{1,20}/)|/bot(?=[0-9]{1,20}:)|/webhookb2/|/hooks/catch/)"
    r"[^\s\"'<>,)]+"
)
SECRET_PATH_WORDS = (
    "/services/T",
    "/workflows/T",
    "/triggers/",
    "/webhooks/",
    "/bot",
    "/webhookb2/",
    "/hooks/catch/",
)
SECRET_HOST_WORDS = ("hooks.", "discord", "telegram", "webhook.office")
SECRET_HOSTS = re.compile(
    r"(hooks\.slack\.com|discord(?:app)?\.com/api/webhooks|hooks\.zapier\.com"
    r"|api\.telegram\.org|webhook\.office\.com)/[^\s\"'<>,)]+",
    re.IGNORECASE,
)

RUN = re.compile(r"[^\s\"<>]+")
SCHEME_END = re.compile(r":\\{0,8}/\\{0,8}/|%3A%2F%2F", re.IGNORECASE)
HOST_END = re.compile(r"[/?#\\]|%2F|%3F|%23", re.IGNORECASE)

# --- behind a name -----------------------------------------------------------

NAME = re.compile(r"[\w-]+")
SECOND_WORD = re.compile(r" [\w-]+")
QUOTED = r"(?:\\{0,16}[\"']|&quot;|&#3[49];|%22)?"
LINK = re.compile(rf"{QUOTED}\]?\s{{0,16}}(?:=>|:=|==?|:(?!//)|%3[AaDd])[ \t]{{0,16}}")
NEXT_LINE = re.compile(r"\s{1,64}(?=[bBrRuU]{0,2}\\{0,16}[\"'{\[(])")
SKIPPED = re.compile(r"&(?:quot|#3[49]);|%22")
# What is glued to a word in front of it: "\nname", "\u0022name", "%3Fname".
ESCAPE = re.compile(r"(?<=\\)(?:u[0-9A-Fa-f]{4}|[nrtbf])|(?<=%)[0-9A-Fa-f]{2}")
OPENING = re.compile(r"[bBrRuU]{0,2}(\\{0,16})([\"'\u201c«\u2018`])")
CLOSING = {"\u201c": "\u201d", "«": "»", "\u2018": "\u2019"}
BRACKETS = re.compile(r"[\[{(\])}\"]|(?<![A-Za-z0-9]{2})'")  # no apostrophes

# What ends a value: a quote, a tag, the next name.
NEXT_NAME = r"(?=[\s\"'({\[\\]{0,6}[^\W\d][\w.$-]{0,64}[\"'\\\]]{0,4}[ \t]{0,4}[=:])"
ENDS = (
    r"(?:\\{0,16}[\"']|%22)(?=[\s,;:.)}\]>%\\]|$)|&(?:quot|amp|lt|#3[49]);"
    r"|<(?=/|\w{1,40}[\s/>])|>(?=[\s<]|$)"
)
WORD_END = re.compile(rf"\s|{ENDS}|%26|[&;,]{NEXT_NAME}")
LINE_END = re.compile(rf"[\r\n]|{ENDS}|[;,](?=\s){NEXT_NAME}|&(?=[A-Za-z_.-]{{1,64}}=)")
COOKIES_END = re.compile(rf"[\r\n]|{ENDS}")
PARAMETER = re.compile(r"[\w.$-]{1,64}=")
MORE = re.compile(r"[,;][ \t]{0,8}(?=[\w.$-]{1,64}=)")
TRAILING = ",;:.!?)]}'\"\\"
EMPTY = re.compile(r"(?:null|none|true|false|undefined|nil)(?![\w-])", re.IGNORECASE)

SCHEMES = frozenset(
    {
        "api-key",
        "apikey",
        "aws4-hmac-sha256",
        "basic",
        "bearer",
        "digest",
        "hawk",
        "hmac",
        "key",
        "negotiate",
        "ntlm",
        "oauth",
        "signature",
        "token",
    }
)
PROSE = re.compile(r"[a-z]{1,14}(?=[ \t]{1,8}\S)")
BEFORE_ANOTHER = re.compile(r"[A-Za-z0-9-]{1,20}(?=[ \t]{1,8}\S)")
SAID_OF_IT = re.compile(
    r"(?:expected|expired|invalid|malformed|missing|needed|revoked|required|unknown)"
    r"(?![\w-])"
)
OPAQUE = re.compile(r"[0-9_=+~]|[a-z][A-Z]|[A-Z]{3}|[A-Za-z]{24}")

PAIR = re.compile(r"\\{0,16}[\"']\s{0,8},\s{0,8}(?=[bBrRuU]{0,2}\\{0,16}[\"'])")
PAIR_BEFORE = re.compile(r"[(\[]\s{0,4}[bBrRuU]{0,2}\\{0,16}[\"']$")
PAIR_AFTER = re.compile(r"\s{0,8},?\s{0,8}[)\]]")
VALUE_BEHIND = re.compile(
    r"(?:\\{0,16}[\"'])[^{}<>\[\]]{0,200}?[\s,\"'](?:value|val|content)\\{0,16}[\"']?"
    r"\s{0,4}[:=]\s{0,4}",
    re.IGNORECASE,
)
NAME_BEHIND = re.compile(
    r"\\{0,16}[\"']?[\s,]{1,8}\\{0,16}[\"']?(?:name|key|field|header)\\{0,16}[\"']?"
    r"\s{0,4}[:=]\s{0,4}\\{0,16}[\"'](?P<name>[\w .-]{1,64})\\{0,16}[\"']",
    re.IGNORECASE,
)
TAG_BEFORE = re.compile(r"<(?P<prefix>(?:[\w.-]{1,40}:)?)$")
TAG_AFTER = re.compile(r"(?![^<>]{0,400}/>)[^<>]{0,400}>")
TAG_END = re.compile(r"</(?P<name>[\w.:-]{1,128})")
OPTION = re.compile(r"[ \t]{1,8}(?=-?[^\s-])")
QUOTE_BEHIND = re.compile(r"[ \t]{1,8}(?=\\{0,16}[\"'])")
SPACES = re.compile(r"[ \t]{1,8}(?=\S)")

# Every pattern that meets a text, for the test of their shape.
PATTERNS = tuple(value for value in list(vars().values()) if type(value) is re.Pattern)
