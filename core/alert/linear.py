"""The road to Linear: an issue for each alert, after the documentation of its GraphQL
API. It is made when the alert is raised, commented on when it comes again or grows, and
closed when the alert is resolved."""

import json
from collections.abc import Mapping
from typing import Any

from ..exceptions import HttpError, RateLimitError
from ..taxonomy import Severity
from .channel_requests import as_json
from .notice import Action, Answer, Notice, Receipt, Road, accepted

LINEAR = "https://api.linear.app"
# 0 none, 1 urgent, 2 high, 3 medium, 4 low
PRIORITIES = {
    Severity.CRITICAL: 1,
    Severity.HIGH: 2,
    Severity.MEDIUM: 3,
    Severity.LOW: 4,
}
CREATE = (
    "mutation($input: IssueCreateInput!) { issueCreate(input: $input)"
    " { success issue { id identifier url } } }"
)
COMMENT = (
    "mutation($input: CommentCreateInput!) { commentCreate(input: $input)"
    " { success comment { id url } } }"
)
STATES = (
    "query($id: String!) { issue(id: $id) { team { states"
    ' (filter: { type: { eq: "completed" } }) { nodes { id position } } } } }'
)
MOVE = (
    "mutation($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id,"
    " input: $input) { success } }"
)
TEAM = "query($id: String!) { team(id: $id) { id name } }"


def linear_issue(notice: Notice) -> dict[str, Any]:
    """What Linear receives of a notice."""
    return {
        "action": str(notice.action),
        "title": notice.subject,
        "description": notice.text,
        "priority": PRIORITIES[notice.level],
    }


def linear(
    address: str, key: str, team: str, issue_values: Mapping[str, Any], issue: str = ""
) -> Road:
    """Show in Linear what became of an alert.

    :param issue_values: see :func:`linear_issue`
    :param issue: id of the issue that was made for it, if there is one
    :return: its ``reference`` is the issue's id
    :raises HttpError: also for an error in an answer of 200
    """
    ask = _Asking(address, key)
    if issue_values["action"] == Action.TEST:
        found = yield from ask.whole(TEAM, {"id": team}, "team")
        return Receipt(200, f"team {found.get('name')}")
    if not issue:
        if issue_values["action"] != Action.OPENED:
            return Receipt(200, "there is no issue")
        issue_input = {
            "teamId": team,
            **{
                name: issue_values[name]
                for name in ("title", "description", "priority")
            },
        }
        made = yield from ask.whole(CREATE, {"input": issue_input}, "issueCreate")
        found = made.get("issue") or {}
        said = f"issue {found.get('identifier')}"
        return Receipt(200, said, found.get("id") or "", found.get("url") or "")
    comment = {"issueId": issue, "body": issue_values["description"]}
    yield from ask.whole(COMMENT, {"input": comment}, "commentCreate")
    if issue_values["action"] == Action.RESOLVED:
        yield from _close(ask, issue)
    return Receipt(200, "commented on", issue)


def _close(ask: "_Asking", issue: str) -> Any:
    known = yield from ask.whole(STATES, {"id": issue}, "issue")
    states = known["team"]["states"]["nodes"]
    if not states:
        raise HttpError(422, "no_state", "The team has no state for what is completed.")
    first = min(states, key=lambda state: state.get("position") or 0)
    move = {"id": issue, "input": {"stateId": first["id"]}}
    yield from ask.whole(MOVE, move, "issueUpdate")


class _Asking:
    """Questions to one address with one key."""

    def __init__(self, address: str, key: str):
        self._url = f"{address.rstrip('/')}/graphql"
        self._headers = {"Authorization": key}

    def whole(self, query: str, variables: Mapping[str, Any], name: str) -> Any:
        """Ask, and give what the answer has under a name."""
        body = {"query": query, "variables": variables}
        answer = yield as_json(self._url, body, self._headers)
        return _data(answer, name)


def _data(answer: Answer, name: str) -> dict[str, Any]:
    """What was asked for. Errors of GraphQL come with any status."""
    try:
        body = json.loads(answer.text)
    except ValueError:
        body = None
    body = body if isinstance(body, dict) else {}
    for error in body.get("errors") or ():
        code = (error.get("extensions") or {}).get("code")
        message = f"Linear: {error.get('message')}"
        if code == "RATELIMITED":
            raise RateLimitError(message)
        status = answer.status if answer.status >= 400 else 422
        raise HttpError(status, code, message)
    accepted(answer)
    found = (body.get("data") or {}).get(name)
    if not isinstance(found, dict) or found.get("success") is False:
        raise HttpError(422, None, f"Linear did not do it: {answer.excerpt}")
    return found
