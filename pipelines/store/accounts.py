"""Who may work here: local accounts (Argon2id), sessions kept by the hash of their token, and failed logins."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from sqlalchemy import Connection, delete, func, insert, select, update

from pipelines.store.auditing import note
from pipelines.store.engine import now, upsert
from pipelines.store.faults import UnfitError, UnknownItemError
from pipelines.store.tables import login_attempts, sessions, users

SESSION_HOURS = 10
LEAST_PASSWORD = 10
MOST_PASSWORD = 1_000
ATTEMPTS, ATTEMPTS_MINUTES = 8, 10

_HASHER = PasswordHasher()
_NOBODY_HASH = _HASHER.hash("nobody has this password")


class Role(StrEnum):
    """What somebody may do; see review's table of routes."""

    AGENT = "agent"
    ANALYST = "analyst"
    LEAD = "lead"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who works here. An agent sees what is of their `agent_id` only."""

    user_id: str
    role: Role
    agent_id: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Session:
    """A user's visit; its `csrf` token must come back with everything that changes something."""

    user: User
    csrf: str


def put_user(
    connection: Connection, user_id: str, *, role: Role, password: str, agent_id: str | None = None, by: str = "console"
) -> None:
    """Make an account, or change its role and password; who had it before is logged out.

    Raises:
        UnfitError: the password is too short or too long, the name is empty, or an agent has no agent id.
    """
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise UnfitError(f"a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters")
    if not user_id.strip() or len(user_id) > 200:  # noqa: PLR2004 - names are shorter
        raise UnfitError("a name has 1 to 200 characters")
    if role is Role.AGENT and not agent_id:
        raise UnfitError("an agent's account needs the agent id whose calls they see")
    row = {
        "user_id": user_id,
        "role": role.value,
        "password_hash": _HASHER.hash(password),
        "agent_id": agent_id,
        "active": True,
    }
    upsert(connection, users, [row], update=("role", "password_hash", "agent_id", "active"))
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
    note(connection, by, "account set", user_id, role=role.value)


def disable_user(connection: Connection, user_id: str, *, by: str) -> None:
    """Close an account and log it out.

    Raises:
        UnknownItemError: there is none.
    """
    if not connection.execute(update(users).where(users.c.user_id == user_id).values(active=False)).rowcount:
        raise UnknownItemError("there is no such account")
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
    note(connection, by, "account closed", user_id)


def all_users(connection: Connection) -> list[User]:
    """Return every account."""
    rows = connection.execute(select(users).order_by(users.c.user_id))
    return [User(row.user_id, Role(row.role), row.agent_id, row.active) for row in rows]


def too_many_attempts(connection: Connection, who: str) -> bool:
    """Tell whether somebody failed to log in too often of late."""
    since = now() - timedelta(minutes=ATTEMPTS_MINUTES)
    query = select(func.count()).where((login_attempts.c.who == who) & (login_attempts.c.at >= since))
    return int(connection.scalar(query) or 0) >= ATTEMPTS


def note_attempt(connection: Connection, who: str) -> int:
    """Note a login before its password is looked at, so that many at once are counted too; return its number."""
    noted = insert(login_attempts).values(who=who, at=now()).returning(login_attempts.c.number)
    return int(connection.execute(noted).scalar_one())


def forget_attempt(connection: Connection, number: int) -> None:
    """Forget one login, which did not fail."""
    connection.execute(delete(login_attempts).where(login_attempts.c.number == number))


def forget_attempts(connection: Connection, who: str) -> None:
    """Forget somebody's failed logins, and everybody's that are long past."""
    old = login_attempts.c.at < now() - timedelta(minutes=ATTEMPTS_MINUTES)
    connection.execute(delete(login_attempts).where((login_attempts.c.who == who) | old))


def password_fits(connection: Connection, user_id: str, password: str) -> bool:
    """Tell whether a password is an active account's; for an unknown name it takes as long."""
    row = connection.execute(select(users).where((users.c.user_id == user_id) & users.c.active)).one_or_none()
    known = row.password_hash if row is not None and row.password_hash else _NOBODY_HASH
    try:
        fits = _HASHER.verify(known, password[:MOST_PASSWORD])
    except Argon2Error:
        return False
    return fits and row is not None


def open_session(connection: Connection, user_id: str) -> str:
    """Return the token of a new session; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    connection.execute(delete(sessions).where(sessions.c.until < now()))
    connection.execute(
        insert(sessions).values(
            token_hash=_hash(token),
            user_id=user_id,
            csrf=secrets.token_urlsafe(24),
            until=now() + timedelta(hours=SESSION_HOURS),
        )
    )
    return token


def session_of(connection: Connection, token: str) -> Session | None:
    """Return the session of a token, or None where it is unknown or over."""
    row = connection.execute(
        select(sessions.c.csrf, users)
        .join(users, users.c.user_id == sessions.c.user_id)
        .where((sessions.c.token_hash == _hash(token)) & (sessions.c.until >= now()) & users.c.active)
    ).one_or_none()
    return None if row is None else Session(User(row.user_id, Role(row.role), row.agent_id), row.csrf)


def close_session(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == _hash(token)))


def local_user(connection: Connection) -> User:
    """Return the one user of a machine where no accounts are set up, an admin without a password."""
    row = {"user_id": "local", "role": Role.ADMIN.value, "password_hash": None, "agent_id": None, "active": True}
    upsert(connection, users, [row], update=("active",))
    return User("local", Role.ADMIN)


def has_accounts(connection: Connection) -> bool:
    """Tell whether any account with a password is set up."""
    query = select(func.count()).where(users.c.password_hash.is_not(None) & users.c.active)
    return bool(connection.scalar(query))


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
