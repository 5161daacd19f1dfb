"""The run-time parameters of one session: SET, SET LOCAL, RESET, and what a rollback takes back.

Pure. Invariant: `_values` holds a text for every parameter that is set; the defaults (what RESET returns to)
are the server's, overlaid by what the client's startup message asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fsspeckit_lib.common.names import nearest
from fsspeckit_sqlserver.session.errors import ReadOnlySetting, UndefinedSetting
from fsspeckit_sqlserver.session.guc import SETTINGS, Setting, milliseconds
from fsspeckit_sqlserver.types.style import TextStyle

__all__ = ["SessionSettings", "characteristic"]

_CHARACTERISTICS: Final = ("transaction_isolation", "transaction_read_only", "transaction_deferrable")


def characteristic(name: str) -> bool:
    """Return whether a parameter belongs to one transaction, which begins with the value of its `default_` one."""
    return name.lower() in _CHARACTERISTICS


class SessionSettings:
    """Values by case-insensitive name. Changes inside a transaction are undone by its rollback."""

    def __init__(self, fixed: Mapping[str, str]) -> None:
        """Start from the server's defaults, overlaid by `fixed` facts of this session (`session_authorization`)."""
        self._defaults = {name.lower(): value for name, value in fixed.items()}
        self._values: dict[str, str] = {}
        self._at_begin: dict[str, str] | None = None
        self._savepoints: list[tuple[str, dict[str, str]]] = []
        self._before_local: dict[str, str | None] = {}
        self._style: TextStyle | None = None

    def set_default(self, name: str, value: str) -> None:
        """Set what the startup message asked for: it is also what RESET returns to."""
        setting = self._writable(name)
        self._defaults[name.lower()] = setting.check(setting.name, value) if setting else value
        self._style = None

    def get(self, name: str) -> str:
        """Return the present value.

        Raises:
            UndefinedSetting: there is no such parameter.
        """
        key = name.lower()
        if key in self._values:
            return self._values[key]
        if self._at_begin is None and key in _CHARACTERISTICS:
            return self.get(f"default_{key}")
        if key in self._defaults:
            return self._defaults[key]
        if key in SETTINGS:
            return SETTINGS[key].default
        raise _undefined(name)

    def reset_value(self, name: str) -> str:
        """Return what RESET gives back; empty for a custom parameter without a default."""
        setting = SETTINGS.get(name.lower())
        return self._defaults.get(name.lower(), setting.default if setting else "")

    def source(self, name: str) -> str:
        """Return where the present value is from, as pg_settings says it."""
        if characteristic(name):
            return "override"
        if name.lower() in self._values:
            return "session"
        return "client" if name.lower() in self._defaults else "default"

    def checked(self, name: str, value: str | None) -> str:
        """Return the text that `set` would keep; None is the default.

        Raises:
            UndefinedSetting, ReadOnlySetting, InvalidValue, Unsupported.
        """
        setting = self._writable(name)
        if value is not None:
            return setting.check(setting.name, value) if setting else value
        return self.reset_value(name)

    def canonical_name(self, name: str) -> str:
        """Return the name as SHOW heads its column: `timezone` → `TimeZone`."""
        setting = SETTINGS.get(name.lower())
        return setting.name if setting else name

    def set(self, name: str, value: str | None, *, local: bool) -> None:
        """Set a parameter; None is its default. A `local` value ends with the transaction.

        Raises:
            UndefinedSetting, ReadOnlySetting, InvalidValue, Unsupported: nothing has changed.
        """
        kept, key = self.checked(name, value), name.lower()
        if key in _CHARACTERISTICS:
            if self._at_begin is None:
                return  # it ends with the statement, which is a transaction of its own
            local = True
        if local:
            self._before_local.setdefault(key, self._values.get(key))
        else:
            self._before_local.pop(key, None)
        if value is None and not local and key in SETTINGS:
            self._values.pop(key, None)
        else:
            self._values[key] = kept
        self._style = None

    def reset_all(self) -> None:
        """Return everything that may be changed to its default."""
        keep = {"session_authorization", "role", *_CHARACTERISTICS[:2]}
        self._values = {name: value for name, value in self._values.items() if name in keep}
        self._before_local.clear()
        self._style = None

    def snapshot(self) -> dict[str, str]:
        """Return every value that differs from the server's defaults, under canonical names."""
        return {self.canonical_name(name): value for name, value in (self._defaults | self._values).items()}

    def all_values(self) -> dict[str, str]:
        """Return every parameter there is, under canonical names, sorted without regard to case."""
        everything = {setting.name: setting.default for setting in SETTINGS.values()} | self.snapshot()
        everything |= {name: self.get(name) for name in _CHARACTERISTICS}
        return dict(sorted(everything.items(), key=lambda item: item[0].lower()))

    def begin(self) -> None:
        """Remember the values a rollback returns to."""
        self._at_begin = dict(self._values)
        self._savepoints = []
        self._before_local = {}
        for name in _CHARACTERISTICS:
            value = self.get(f"default_{name}")
            if value != SETTINGS[name].default:
                self._values[name] = value

    def commit(self) -> None:
        """End the transaction: what SET LOCAL set goes, the rest stays."""
        for name, before in self._before_local.items():
            if before is None:
                self._values.pop(name, None)
            else:
                self._values[name] = before
        self._end()

    def rollback(self) -> None:
        """End the transaction: everything that was set in it goes."""
        if self._at_begin is not None:
            self._values = self._at_begin
        self._end()

    def savepoint(self, name: str) -> None:
        """Remember the values `rollback_to` returns to."""
        self._savepoints.append((name, dict(self._values)))

    def rollback_to(self, name: str) -> None:
        """Return to the values of the youngest savepoint of this name, and forget the younger ones."""
        while self._savepoints:
            found, values = self._savepoints.pop()
            if found == name:
                self._values = dict(values)
                self._savepoints.append((found, values))
                break
        self._style = None

    @property
    def style(self) -> TextStyle:
        """How values are written in text under the present values."""
        if self._style is None:
            self._style = TextStyle(
                self.get("TimeZone"),
                self.get("bytea_output"),
                self.get("IntervalStyle"),
                self.get("DateStyle"),
                int(self.get("extra_float_digits")),
            )
        return self._style

    @property
    def statement_timeout_ms(self) -> int:
        """The present statement_timeout; 0 is none."""
        return milliseconds("statement_timeout", self.get("statement_timeout"))

    def idle_timeout_ms(self, *, in_transaction: bool) -> int:
        """Return how long the client may say nothing now; 0 is for ever."""
        name = "idle_in_transaction_session_timeout" if in_transaction else "idle_session_timeout"
        text = self._values.get(name) or self._defaults.get(name, "0")
        return milliseconds(name, text) if text != "0" else 0

    def _end(self) -> None:
        self._at_begin = None
        self._savepoints = []
        self._before_local = {}
        for name in _CHARACTERISTICS:
            self._values.pop(name, None)
        self._style = None

    def _writable(self, name: str) -> Setting | None:
        """Return the parameter; None for a custom one (`myapp.tenant`), which holds any text."""
        setting = SETTINGS.get(name.lower())
        if setting is None and "." not in name:
            raise _undefined(name)
        if setting is not None and setting.read_only:
            raise ReadOnlySetting(f'parameter "{setting.name}" cannot be changed')
        return setting


def _undefined(name: str) -> UndefinedSetting:
    return UndefinedSetting(name, nearest(name, (setting.name for setting in SETTINGS.values())))
