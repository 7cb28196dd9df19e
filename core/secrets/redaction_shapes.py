"""How secrets are written: the patterns of :mod:`.redaction_text`.

A pattern has bounds on all its repetitions but one at its very end, so that no attempt
is long and in vain, whatever the text.
"""

import re

# --- known by their look -----------------------------------------------------

PEM = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
PEM_END = re.compile(r"-{4,5} ?END [A-Z0-9 ]{0,64}-{0,5}")
# Without one of these words the pattern below finds nothing; likewise further down.
TOKEN_WORDS = tuple(
    """sk_ sk- rk_ rk- ghp_ gho_ ghs_ ghu_ ghr_ github_pat_ glpat- xox xapp- whsec_
    shpat shpss shpca shppa npm_ pypi- lin_ hf_ dop_v1_ ya29. SG. AIza AKIA ASIA ABIA
    ACCA eyJ""".split()  # noqa: SIM905
)
LONG_TOKEN_WORDS = tuple(
    """AGE-SECRET-KEY- ATATT3x ATBB ATCTT3x CFPAT- EAA EZAK EZTK GR1348941 NRAK-
    PMAK- dapi dckr_ doo_v1_ dp. duffel_ dt0 figd_ fo1_ glagent- glc_ glcbt- gldt- glft-
    glimt- gloas- glptt- glrt glsa_ glsoat- gsk_ hvb. hvr. hvs. key- nfp_ ntn_ ops_eyJ
    pat- phx_ pplx- pscale_ pul- r8_ rdme_ rnd_ rubygems_ sbp_ secret_ sgp_ shippo_
    sntry sq0 tskey- waka_ xai- xkeysib- xsmtpsib- :AA SK t1.""".split()  # noqa: SIM905
)
TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|rk)[-_](?:live|test|proj|ant|or)[-_]|sk-(?=[A-Za-z0-9]{20})|gh[opsur]_"
    r"|github_pat_|glpat-|xox[a-z]-|xapp-|whsec_|shp(?:at|ss|ca|pa)_|dop_v1_|ya29\."
    r"|lin_(?:api|oauth|wh)_|(?:npm_|hf_|pypi-|SG\.|AIza)(?=[\w-]{16})"
    r"|(?:AKIA|ASIA|ABIA|ACCA)(?=[A-Z0-9]{12})|eyJ(?=[\w-]{4})"
    r")[\w.=+/-]+"
)
# Those that are not distinguished from other words before they have gone on for long.
LONG_RUN = re.compile(r"[\w.:-]{20}")
LONG_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AGE-SECRET-KEY-|AT(?:AT|CT)T3x|ATBB|CFPAT-|EZ[AT]K|GR1348941|NRAK-|PMAK-"
    r"|dckr_[po]at_|doo_v1_|dp\.[ps]t\.|duffel_(?:live|test)_|dt0[cs]\d\d\.|figd_|fo1_"
    r"|gl(?:agent|cbt|dt|ft|imt|oas|ptt|rtr?|soat)-|gl(?:c|sa)_|gsk_|hv[brs]\.|nfp_|ntn_"
    r"|ops_eyJ|pat-(?:eu|na)\d-|phx_|pplx-|pscale_(?:oauth|pw|tkn)_|pul-|r8_|rdme_"
    r"|rnd_|rubygems_|sbp_|sgp_|shippo_(?:live|test)_|sntry[su]_|sq0[a-z]{3}-"
    r"|tskey-|waka_|xai-|xkeysib-|xsmtpsib-)(?=[\w.-]{16})"
    r"(?=[A-Za-z_.-]{0,64}[0-9])"
    r"|EAA(?=\w{60})|secret_(?=[A-Za-z0-9]{40})|t1\.(?=[\w-]{60})"
    r"|(?:dapi|key-|SK)(?=[0-9a-f]{32}(?![\w-]))|[0-9]{8,10}:AA(?=[\w-]{33})"
    r")[\w.=+/-]+"
)
# Passwords as they are kept: what they were made from may be guessed.
HASHES = re.compile(
    r"(?:\$(?:2[abxy]?|[1567y]|apr1|argon2(?:id?|d)|bcrypt-sha256"
    r"|pbkdf2(?:-[a-z0-9]{1,8})?|scrypt)\$|pbkdf2_sha(?:1|256|512)\$|scrypt:[0-9:]{1,24}\$"
    r"|\{SSHA[0-9]{0,3}\}|SCRAM-SHA-(?:1|256)\$)(?=[\w./$,=+*:-]{16})[\w./$,=+*:-]+"
)
HASH_WORDS = ("$", "{SSHA")
# --- behind a name -----------------------------------------------------------

NAME = re.compile(r"[\w-]+")
SECOND_WORD = re.compile(r" [\w-]+")
QUOTED = r"(?:\\{0,16}[\"']|&quot;|&#3[49];|%22)?"
# What may stand on either side of the sign, beside blanks: colours of a terminal.
_COLOUR = r"(?:\x1b|\\{1,16}u001[bB])\[[0-9;]{0,16}m"
LINK = re.compile(
    rf"{QUOTED}(?:\]|%(?:25){{0,3}}5[Dd]|\)(?==\())?(?:\s|{_COLOUR}){{0,16}}"
    rf"(?:=>|:=|==?|:(?!//)|%(?:25){{0,3}}3[AaDd])(?:[^\S\r\n]|{_COLOUR}){{0,16}}"
)
NEXT_LINE = re.compile(r"\s{1,64}(?=[bBrRuU]{0,2}\\{0,16}[\"'{\[(])")
SKIPPED = re.compile(r"&(?:quot|#3[49]);|%22")
# What is glued to a word in front of it: "\nname", "\u0022name", "%3Fname", "[1mname".
ESCAPE = re.compile(
    r"(?<=\\)(?:u[0-9A-Fa-f]{4}|[nrtbf])|(?<=%)(?:25){0,3}[0-9A-Fa-f]{2}|(?<=[\[;])[0-9]{1,3}m"
)
OPENING = re.compile(r"[bBrRuU]{0,2}(\\{0,16})([\"'\u201c«\u2018`])")
CLOSING = {"\u201c": "\u201d", "«": "»", "\u2018": "\u2019"}
BRACKETS = re.compile(r"[\[{(\])}\"]|(?<![A-Za-z0-9]{2})'")  # no apostrophes

# What ends a value: a quote, a tag, the next name.
NEXT_NAME = r"(?=[\s\"'({\[\\]{0,6}[^\W\d][\w.$-]{0,64}[\"'\\\]]{0,4}[ \t]{0,4}[=:])"
ENDS = (
    r"(?:\\{0,16}[\"']|%22)(?=[\s,;:.)}\]>%\\]|$)|&(?:quot|amp|lt|#3[49]);"
    r"|<(?=/|\w{1,40}[\s/>])|>(?=[\s<]|$)"
)
WORD_END = re.compile(rf"\s|{ENDS}|%(?:25){{0,3}}26|[&;,]{NEXT_NAME}")
LINE_END = re.compile(rf"[\r\n]|{ENDS}|[;,](?=\s){NEXT_NAME}|&(?=[A-Za-z_.-]{{1,64}}=)")
# In a row of names and values: what is up to the next semicolon.
FIELD = re.compile(r"[^\s;\"'<>][^;\"'<>\r\n]{0,128}(?=;)")
COOKIES_END = re.compile(rf"[\r\n]|{ENDS}")
PARAMETER = re.compile(r"[\w.$-]{1,64}=")
MORE = re.compile(r"[,;][ \t]{0,8}(?=[\w.$-]{1,64}=)")
TRAILING = ",;:.!?)]}'\"\\"
EMPTY = re.compile(
    r"(?:null|none|true|false|undefined|nil|yes|no)(?![\w-])", re.IGNORECASE
)
# Where a value may have several words, it is empty only if nothing follows.
NO_MORE = re.compile(r"[ \t]{0,8}(?:$|\.(?=\s|$)|[\r\n\"'&,;)}\]<>\\|])")

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
    r"\\{0,16}[\"']?[\s,]{1,8}(?:[\w-]{1,40}=\\{0,16}[\"'][^\"'<>\\]{0,64}"
    r"\\{0,16}[\"']\s{1,8}){0,4}"
    r"\\{0,16}[\"']?(?:name|key|field|header)\\{0,16}[\"']?\s{0,4}[:=]\s{0,4}"
    r"\\{0,16}[\"'](?P<name>[\w .-]{1,64})\\{0,16}[\"']",
    re.IGNORECASE,
)
NAMED_BEFORE = re.compile(
    r"(?:name|key|field|header|param|parameter)[ \t]{0,4}[:=][ \t]{0,4}$", re.IGNORECASE
)
VALUE_NEXT = re.compile(
    r"[ \t]{0,4},[ \t]{0,4}(?:value|val|content)[ \t]{0,4}[:=][ \t]{0,4}",
    re.IGNORECASE,
)
# Tags, also within another text that is XML.
_TAG = r"(?:<|&lt;)"
TAG_BEFORE = re.compile(rf"{_TAG}(?P<prefix>(?:[\w.-]{{1,40}}:)?)$")
TAG_AFTER = re.compile(r"(?![^<>]{0,400}/>)[^<>]{0,400}>")
ESCAPED_TAG_AFTER = re.compile(r"(?![^<>&]{0,400}/&gt;)[^<>&]{0,400}&gt;")
TAG_END = re.compile(rf"{_TAG}/(?P<name>[\w.:-]{{1,128}})")
# <param name="password">X</param>
NAMED_TAG = re.compile(
    r"<[\w.:-]{1,64} [^<>]{0,64}?\b(?:name|key|field|id)=\\{0,16}[\"']$", re.IGNORECASE
)
NAMED_TAG_AFTER = re.compile(
    r"\\{0,16}[\"'](?![^<>]{0,200}/>)[^<>]{0,200}>(?=[^<>]{1,400}</)"
)
# <name>password</name><value><string>X</string></value>
VALUE_TAG = re.compile(
    r"</[\w.:-]{1,64}>(?:\s|\\{1,16}[nrt]){0,64}<(?:[\w.-]{1,40}:)?(?:value|val|string|content|data)"
    r"(?![\w.:-])[^<>]{0,200}>(?:(?:\s|\\{1,16}[nrt]){0,64}<[\w.:-]{1,64}>){0,3}(?=[^<])",
    re.IGNORECASE,
)
TAG_CONTENT = re.compile(r"[^<]+")
# Content-Disposition: form-data; name="password"
FORM_PART_BEFORE = re.compile(r"form-data; name=\\{0,16}[\"']$")
# Behind an option, and what tells a sentence about it from its value.
OPTION = re.compile(
    r"\\{0,16}[\"'],\s{0,8}(?=[bBrRuU]{0,2}\\{0,16}[\"'])|[ \t]{1,8}(?=-?[^\s-])"
)
OF_OPTION = re.compile(
    r"(?:and|are|can(?:not)?|for|from|has|in|is|may|must|needs?|not|of|option|or|requires?"
    r"|should|to|twice|was|were|with|without)(?![\w-])"
)
QUOTE_BEHIND = re.compile(r"(?:[ \t]{1,8}|\([ \t]{0,4})(?=\\{0,16}[\"'])")
SPACES = re.compile(r"[ \t]{1,8}(?=\S)")
# Also as addresses and forms have them.
ANY_SPACES = re.compile(r"(?:[ \t]{1,8}|%20|\+)(?=\S)")
# Invalid header value b'X'
OF_HEADER = re.compile(r"\bheader $", re.IGNORECASE)
SAID_OF_HEADER = re.compile(r":?[ \t]{1,4}")

# --- on the next lines --------------------------------------------------------

_BREAK = r"(?:\r?\n|(?:\\{1,16}r)?\\{1,16}n)"
# Behind a colon: the end of the line, with YAML's sign for a text of several lines, and
# how far the next one stands in.
BELOW = re.compile(
    rf"(?P<several>[|>][+-]?[0-9]?[ \t]{{0,8}})?(?P<breaks>{_BREAK}{{1,3}})"
    r"(?P<indent>[ \t]{0,64})(?=[^\s\\])"
)
BREAK = re.compile(_BREAK)
# Behind the name of a part of a form: other headers of the part, and an empty line.
FORM_PART = re.compile(
    rf"\\{{0,16}}[\"'](?:;[^\r\n\\]{{0,200}})?{_BREAK}"
    rf"(?:[\w-]{{1,64}}:[^\r\n\\]{{0,200}}{_BREAK}){{0,3}}{_BREAK}(?=[^\s\\-])"
)
INDENT = re.compile(r"[ \t]{0,64}")
LINE_BEGIN = re.compile(r"(?:^|[\r\n]|\\n)(?P<indent>[ \t]{0,64})[^\r\n\\]{0,200}\Z")
# A line of one word that is neither a pair of name and value nor an address.
ALONE = re.compile(r"[^\s:='\"<>{}()\[\],\\]{1,200}(?=[ \t]{0,8}(?:[\r\n\\\"']|$))")
VALUE_BELOW = re.compile(
    rf"\\{{0,16}}[\"']?{_BREAK}[ \t]{{0,64}}value[ \t]{{0,4}}:[ \t]{{1,4}}(?=\S)"
)
NAME_BELOW = re.compile(
    rf"{_BREAK}[ \t]{{0,64}}name[ \t]{{0,4}}:[ \t]{{1,4}}\\{{0,16}}[\"']?"
    r"(?P<name>[\w.-]{1,64})"
)

# --- in sentences of servers --------------------------------------------------

# "token S is invalid", "API key provided: S".
ABOUT = re.compile(
    r"(?:[ \t]{1,4}(?:called|code|era|es|given|id|is|named|number|presented|provided"
    r"|received|sent|string|supplied|used|value|was)){0,3}[ \t]{0,4}[:=]?[ \t]{0,4}"
    r"(?P<opening>\\{0,16}[\"'`\u201c«\u2018(<\[])?(?=[\w+/~-])"
)
# "S is not a valid token": of what is in front of the name the last word, and all.
CLAIMS = frozenset(
    """a accepted an correct expired invalid known no not right the unknown valid
    wrong""".split()  # noqa: SIM905
)
SAID_BEFORE = re.compile(
    r"(?P<secret>[^\s\"'`\u201c«\u2018()<>\[\]\\]{6,128})[\\\"'`\u201d»\u2019)>\]]{0,4}"
    rf"[ \t](?:is|was)(?:[ \t](?:{'|'.join(sorted(CLAIMS))})){{1,4}}[ \t]\Z"
)
# What no word of a sentence looks like: digits are in it, or it is very long. Dates,
# names of constants and methods, and addresses are none.
KEY_LIKE = re.compile(
    r"(?=[\w.~+/=%@!$#*-]{0,64}[0-9])[\w.~+/=%@!$#*-]{6}|[A-Za-z]{24}"
)
NO_KEY = re.compile(
    r"[0-9]{1,4}(?:[-./:][0-9]{1,4}){1,3}(?:[T,.:Z+-][0-9:.Z+-]{1,24})?(?![\w-])"
    r"|[A-Z][A-Z0-9]{0,40}(?:_[A-Z0-9]{1,40}){1,8}(?![\w-])|[a-z]{2,12}://"
    r"|(?i:(?:aes|ed|es|hmac|hs|http|md|oauth|ps|rs|rsa|sha|ssl|tls|v)[-_/]?[a-z]{0,4}"
    r"[-_]?[0-9][0-9.]{0,6}(?:[-_](?:cbc|gcm|sha[0-9]{1,3}))?(?![\w-]))"
)
NETRC = re.compile(r"login[ \t\r\n]{1,8}\S{1,128}\s{1,8}\Z")

# Every pattern that meets a text, for the test of their shape.
PATTERNS = tuple(value for value in list(vars().values()) if type(value) is re.Pattern)
