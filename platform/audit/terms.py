"""Words of the activity log."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What a call was, for a reader."""

    LOGIN = "login"
    LOGOUT = "logout"
    REGISTER = "register"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    DOWNLOAD = "download"


# Routes whose name says more than their method; the end of the path decides.
BY_ENDING = {
    "auth/login/": Action.LOGIN,
    "auth/session/": Action.LOGIN,
    "auth/logout/": Action.LOGOUT,
    "auth/register/": Action.REGISTER,
    "/download/": Action.DOWNLOAD,
}
BY_METHOD = {
    "POST": Action.CREATE,
    "PUT": Action.UPDATE,
    "PATCH": Action.UPDATE,
    "DELETE": Action.DELETE,
}


def action_of(method: str, path: str) -> Action | None:
    """What a call is; None for one that is not noted (reading, renewing a token)."""
    for ending, action in BY_ENDING.items():
        if path.endswith(ending) and (method in BY_METHOD or action is Action.DOWNLOAD):
            return Action.LOGOUT if (ending, method) == ("auth/session/", "DELETE") else action
    if path.endswith("auth/refresh/"):
        return None
    return BY_METHOD.get(method)
