"""Four roles of the database, and the least that each may do: docs/operations.md.

owner     has the database, its tables and its functions, and migrates them
job       publishes releases; all it asks stands in pseudonymizer/load.py
site      serves, and runs its own commands; reads records through vault_read_record alone
operator  the dashboard of operators: keys of partners, releases, counts, the trail, and
          no way to a record or a link

What these tables of rights say is granted, and what anybody else holds is taken back.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db import connection
from psycopg import sql


class Duty(enum.Enum):
    JOB = "job"
    SITE = "site"
    OPERATOR = "operator"


Rights = Mapping[Duty, Sequence[str]]


def _update(*columns: str) -> tuple[str, ...]:
    return tuple(f'UPDATE ("{column}")' for column in columns)


def _select(*columns: str) -> tuple[str, ...]:
    return tuple(f'SELECT ("{column}")' for column in columns)


_EVERY_ROW = ("SELECT", "INSERT", "UPDATE", "DELETE")

TABLES: Mapping[str, Rights] = {
    # Nobody changes or deletes what stands in the trail. The site adds what its commands
    # did, and does not read what others do.
    "audit_entry": {
        Duty.SITE: ("INSERT", *_select("position", "mac")),
        Duty.OPERATOR: ("SELECT", "INSERT"),
    },
    "django_migrations": {},
    "inspections_answer": {Duty.SITE: _EVERY_ROW},
    "limits_counter": {Duty.SITE: _EVERY_ROW},
    # The owner and operators close and open the site.
    "operation_maintenance": {
        Duty.SITE: ("SELECT",),
        Duty.OPERATOR: ("SELECT", "INSERT", *_update("until"), "DELETE"),
    },
    # Who may use the dashboard is the owner's to say: no account is made there, and
    # none is let in again.
    "operators_account": {
        Duty.OPERATOR: (
            "SELECT",
            *_update("password", "factor", "key_version", "factor_step"),
            *_update("enrolment_digest", "enrolment_until", "signed_in_at"),
        )
    },
    "operators_attempt": {Duty.OPERATOR: _EVERY_ROW},
    "operators_recovery": {
        Duty.OPERATOR: ("SELECT", "INSERT", *_update("used_at"), "DELETE")
    },
    "operators_session": {
        Duty.OPERATOR: ("SELECT", "INSERT", *_update("failures"), "DELETE")
    },
    # Neither its name nor what it may ask for is changed once a key is issued; it ends
    # sooner when it is rotated.
    "partners_key": {
        Duty.SITE: (
            *("SELECT", "INSERT"),
            *_update("last_used_on"),
            *_update("expires_at", "mac", "suspended_at", "suspended_why"),
        ),
        # What a key has used is the site's to write. The digest is read, since the row's
        # MAC covers it; it opens nothing.
        Duty.OPERATOR: (
            *("SELECT", "INSERT"),
            *_update("expires_at", "mac", "suspended_at", "suspended_why"),
        ),
    },
    "partners_use": {
        Duty.SITE: _EVERY_ROW,
        # Who lets a key in again raises its lines.
        Duty.OPERATOR: ("SELECT", *_update("volume_line", "night_line")),
    },
    "sharing_check": {Duty.SITE: _EVERY_ROW},
    # The terms of a link are for ever. Its row goes 90 days after its end, by
    # sharing_purge_links, and with it what the database deletes with a link.
    "sharing_link": {
        Duty.SITE: (
            *("SELECT", "INSERT"),
            *_update("openings", "last_opened_on", "checks_failed"),
            *_update("ended_at", "end", "capsule", "keepsake", "claims"),
        )
    },
    "sharing_opening": {Duty.SITE: ("SELECT", "INSERT", *_update("openings"))},
    "sharing_receipt": {Duty.SITE: ("SELECT", "INSERT")},
    # What was counted is neither deleted nor moved to another day.
    "usage_count": {Duty.SITE: ("SELECT", "INSERT", *_update("count"))},
    "vault_delta": {Duty.JOB: ("SELECT", "INSERT"), Duty.OPERATOR: ("SELECT",)},
    # Read through vault_read_record, written partition by partition.
    "vault_record": {},
    "vault_reject": {Duty.JOB: ("SELECT", "INSERT", "DELETE")},
    "vault_release": {
        Duty.JOB: ("SELECT", "INSERT", "UPDATE"),
        Duty.SITE: ("SELECT",),
        # Neither salt nor MAC, which are for who derives keys.
        Duty.OPERATOR: (
            *_select("number", "label", "as_of", "inspections_as_of", "key_version"),
            *_select("state", "edition", "lines", "rows", "rejects"),
            *_select("created_at", "activated_at"),
        ),
    },
    "vault_release_file": {Duty.JOB: ("SELECT", "INSERT", "UPDATE")},
    "vault_schema": {Duty.JOB: ("SELECT",)},
    # Why and since when stays as it was written; a tag is renewed under another key.
    "vault_withheld": {
        Duty.SITE: (
            *("SELECT", "INSERT"),
            *_update("lifted_at", "tag", "key_version"),
        )
    },
}
PARTITION_OF_RECORDS: Rights = {Duty.JOB: _EVERY_ROW}
FUNCTIONS: Mapping[str, Rights] = {
    # One counter at a time, by its digest: who cannot name it cannot ask for it.
    "limits_read_counter": {Duty.OPERATOR: ("EXECUTE",)},
    "limits_live_counters": {Duty.OPERATOR: ("EXECUTE",)},
    # The owner's alone, who retires keys.
    "operators_end_key_uses": {},
    "operators_key_uses": {},
    "partners_end_key_uses": {},
    "partners_key_uses": {},
    "sharing_end_key_uses": {},
    "sharing_key_uses": {},
    "sharing_purge_links": {Duty.SITE: ("EXECUTE",)},
    "vault_key_uses": {},
    "vault_add_partition": {Duty.JOB: ("EXECUTE",)},
    "vault_drop_partition": {Duty.JOB: ("EXECUTE",)},
    "vault_index_partition": {Duty.JOB: ("EXECUTE",)},
    "vault_read_record": {Duty.SITE: ("EXECUTE",)},
}
SCHEMA: Rights = dict.fromkeys(Duty, ("USAGE",))
# The job looks for duplicates in a temporary table.
DATABASE: Rights = {
    Duty.JOB: ("CONNECT", "TEMPORARY"),
    Duty.SITE: ("CONNECT",),
    Duty.OPERATOR: ("CONNECT",),
}

# No quotation mark, and nothing that PostgreSQL keeps for itself; 63 bytes is what it
# keeps of a name. Source: its documentation, section 4.1.1.
_ROLE_NAME = re.compile("(?!pg_|public$|none$)[a-z_][a-z0-9_]{0,62}")


class RoleNames(Exception):
    """Two roles have one name, or one has a name that is not taken here."""


class NotOurs(Exception):
    """The schema holds what no migration of ours made; `names` says what."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


@dataclass(frozen=True)
class Roles:
    """Raises RoleNames."""

    owner: str
    job: str
    site: str
    operator: str

    def __post_init__(self) -> None:
        if len(set(self.names)) < len(self.names):
            raise RoleNames("the four roles need four names")
        for name in self.names:
            if not _ROLE_NAME.fullmatch(name):
                raise RoleNames(
                    f"{name!r} is no name of a role; write small letters, digits and _"
                )

    @property
    def names(self) -> tuple[str, str, str, str]:
        return self.owner, self.job, self.site, self.operator

    def of(self, duty: Duty) -> str:
        return {
            Duty.JOB: self.job,
            Duty.SITE: self.site,
            Duty.OPERATOR: self.operator,
        }[duty]


@dataclass(frozen=True, order=True)
class _Grant:
    """`target` and `privilege` are text of SQL; `grantee` is a role's name, empty for
    PUBLIC."""

    target: str
    grantee: str
    privilege: str
    is_grantable: bool = False


@dataclass(frozen=True)
class _Object:
    target: str
    name: str
    owner: str
    rights: Rights
    held: frozenset[_Grant]


def differences(roles: Roles) -> list[str]:
    """Return the statements, in order, after which the database is as it is to be.

    An empty list when it is. Reads catalogs that every role may read, and changes nothing.
    Raises NotOurs.
    """
    objects = _objects()
    wanted = {
        _Grant(found.target, roles.of(duty), privilege)
        for found in objects
        for duty, privileges in found.rights.items()
        for privilege in privileges
    }
    held = {
        grant
        for found in objects
        for grant in found.held
        if not _is_left_alone(grant, roles)
    }
    return [
        *_role_statements(roles),
        *_owner_statements(objects, roles),
        *_default_statements(roles),
        *_written("REVOKE {} ON {} FROM {} CASCADE", held - wanted),
        *_written("GRANT {} ON {} TO {}", wanted - held),
    ]


def _is_left_alone(grant: _Grant, roles: Roles) -> bool:
    """The owner's own rights; and who else may connect, to make a backup for example,
    which lets nobody read a table."""
    if grant.grantee == roles.owner:
        return True
    others = grant.grantee not in ("", *roles.names)
    return others and grant.privilege == "CONNECT"


# What is there. Each query gives, object by object, how GRANT and ALTER name it, its own
# name, its owner, and what others hold of it: grantee, privilege, whether to pass on.

_DATABASE_AND_SCHEMA = """
    SELECT format('DATABASE %I', datname), 'database', pg_get_userbyid(datdba),
        (SELECT array_agg(ARRAY[
                CASE WHEN grantee = 0 THEN '' ELSE pg_get_userbyid(grantee)::text END,
                privilege_type, is_grantable::text
            ])
            FROM aclexplode(coalesce(datacl, acldefault('d', datdba)))
            WHERE grantee <> datdba)
    FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'SCHEMA public', 'schema', pg_get_userbyid(nspowner),
        (SELECT array_agg(ARRAY[
                CASE WHEN grantee = 0 THEN '' ELSE pg_get_userbyid(grantee)::text END,
                privilege_type, is_grantable::text
            ])
            FROM aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
            WHERE grantee <> nspowner)
    FROM pg_namespace WHERE nspname = 'public'
"""

# The privileges of columns too. The sequence of a column has the owner of its table.
_RELATIONS = """
    SELECT format(
            '%s public.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
            c.relname
        ),
        CASE WHEN c.relkind = 'S' AND EXISTS (
                SELECT FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
            ) THEN 'sequence of a column'
            WHEN c.relispartition
                AND pg_partition_root(c.oid) = to_regclass('public.vault_record')
            THEN 'partition of records'
            ELSE c.relname
        END,
        pg_get_userbyid(c.relowner),
        (SELECT array_agg(ARRAY[
                CASE WHEN grantee = 0 THEN '' ELSE pg_get_userbyid(grantee)::text END,
                privilege_type || of_column, is_grantable::text
            ])
            FROM (
                SELECT '' AS of_column, a.* FROM aclexplode(coalesce(c.relacl, acldefault(
                    CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner
                ))) a
                UNION ALL
                SELECT ' ("' || replace(attname, '"', '""') || '")', a.*
                FROM pg_attribute, aclexplode(attacl) a
                WHERE attrelid = c.oid AND NOT attisdropped
            ) held
            WHERE grantee <> c.relowner)
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        AND NOT EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                AND d.deptype = 'e'
        )
    ORDER BY 1
"""

_FUNCTIONS = """
    SELECT format(
            '%s public.%I(%s)',
            CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
            p.proname, pg_get_function_identity_arguments(p.oid)
        ),
        p.proname, pg_get_userbyid(p.proowner),
        (SELECT array_agg(ARRAY[
                CASE WHEN grantee = 0 THEN '' ELSE pg_get_userbyid(grantee)::text END,
                privilege_type, is_grantable::text
            ])
            FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
            WHERE grantee <> p.proowner)
    FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace
        AND NOT EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                AND d.deptype = 'e'
        )
    ORDER BY 1
"""

# None is ours, and either could undo in silence what is written.
_TRIGGERS_AND_RULES = """
    SELECT format('TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('RULE %I ON %s', r.rulename, r.ev_class::regclass)
        FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
    ORDER BY 1
"""

_RIGHTS: Sequence[tuple[str, Mapping[str, Rights]]] = (
    (_DATABASE_AND_SCHEMA, {"database": DATABASE, "schema": SCHEMA}),
    (
        _RELATIONS,
        {
            **TABLES,
            "partition of records": PARTITION_OF_RECORDS,
            "sequence of a column": {},
        },
    ),
    (_FUNCTIONS, FUNCTIONS),
)


def _objects() -> list[_Object]:
    found, unknown = [], []
    for query, rights in _RIGHTS:
        for target, name, owner, held in _rows(query):
            if name not in rights:
                unknown.append(target)
                continue
            grants = frozenset(
                _Grant(target, grantee, privilege, passed_on == "true")
                for grantee, privilege, passed_on in held or ()
            )
            found.append(_Object(target, name, owner, rights[name], grants))
    unknown += [target for (target,) in _rows(_TRIGGERS_AND_RULES)]
    if unknown:
        raise NotOurs(unknown)
    return found


def _rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall()


# What is to be said

_NO_POWERS = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def _role_statements(roles: Roles) -> Iterator[str]:
    is_right = dict(
        _rows(
            "SELECT rolname, rolcanlogin AND NOT (rolsuper OR rolcreatedb OR"
            " rolcreaterole OR rolreplication OR rolbypassrls)"
            " FROM pg_roles WHERE rolname = ANY(%s)",
            list(roles.names),
        )
    )
    for name in roles.names:
        if name not in is_right:
            yield _statement(f"CREATE ROLE {{}} LOGIN {_NO_POWERS}", name)
        elif not is_right[name]:
            yield _statement(f"ALTER ROLE {{}} LOGIN {_NO_POWERS}", name)
    # Who created a role as no superuser holds it, from version 16 on, without being able
    # to become it.
    for group, member in _rows(
        "SELECT DISTINCT pg_get_userbyid(roleid), pg_get_userbyid(member)"
        " FROM pg_auth_members m WHERE"
        " (pg_get_userbyid(member) = ANY(%s) OR pg_get_userbyid(roleid) = ANY(%s))"
        " AND (coalesce(to_jsonb(m) ->> 'inherit_option', 'true') = 'true'"
        "  OR coalesce(to_jsonb(m) ->> 'set_option', 'true') = 'true')"
        " ORDER BY 1, 2",
        list(roles.names),
        list(roles.names),
    ):
        yield _statement("REVOKE {} FROM {} CASCADE", group, member)


def _owner_statements(objects: Iterable[_Object], roles: Roles) -> Iterator[str]:
    for one in objects:
        # What a column has for a sequence goes with its table, and pg_database_owner
        # stands for whoever owns the database.
        if one.name == "sequence of a column" or one.owner == "pg_database_owner":
            continue
        if one.owner != roles.owner:
            yield _statement(f"ALTER {one.target} OWNER TO {{}}", roles.owner)


_KINDS = {
    "r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES", "n": "SCHEMAS",
    "L": "LARGE OBJECTS",
}  # fmt: skip


def _default_statements(roles: Roles) -> Iterator[str]:
    """A function is closed from the moment that a migration makes it, and nothing else
    is open then."""
    rows = _rows(
        "SELECT defaclobjtype, defaclnamespace = 0,"
        " CASE WHEN defaclnamespace = 0 THEN ''"
        "  ELSE format(' IN SCHEMA %%I', defaclnamespace::regnamespace) END,"
        " CASE WHEN grantee = 0 THEN '' ELSE pg_get_userbyid(grantee) END"
        " FROM pg_default_acl LEFT JOIN aclexplode(defaclacl) ON true"
        " WHERE pg_get_userbyid(defaclrole) = %s ORDER BY 1, 3, 4",
        roles.owner,
    )
    open_to = {
        (_KINDS[kind], where, grantee)
        for kind, _, where, grantee in rows
        if grantee not in (None, roles.owner)
    }
    if not any(kind == "f" and everywhere for kind, everywhere, _, _ in rows):
        open_to.add(("FUNCTIONS", "", ""))
    for kind, where, grantee in sorted(open_to):
        yield _statement(
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {{}}{where} REVOKE ALL ON {kind}"
            f" FROM {_grantee(grantee)}",
            roles.owner,
        )


def _written(form: str, grants: Iterable[_Grant]) -> Iterator[str]:
    by_place = groupby(sorted(grants), lambda grant: (grant.target, grant.grantee))
    for (target, grantee), group in by_place:
        privileges = ", ".join(dict.fromkeys(grant.privilege for grant in group))
        yield form.format(privileges, target, _grantee(grantee))


def _grantee(name: str) -> str:
    return _quoted(name) if name else "PUBLIC"


def _statement(form: str, *names: str) -> str:
    return form.format(*map(_quoted, names))


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()
