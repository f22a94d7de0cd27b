"""Log records to syslog with their levels: what a supervisor takes from standard error has but one."""

from __future__ import annotations

import logging
import syslog

__all__ = ["SyslogHandler", "priority"]

_PRIORITIES = (
    (logging.CRITICAL, syslog.LOG_CRIT),
    (logging.ERROR, syslog.LOG_ERR),
    (logging.WARNING, syslog.LOG_WARNING),
    (logging.INFO, syslog.LOG_INFO),
)


class SyslogHandler(logging.Handler):
    """As `roamd[PID]`, facility daemon; a record of several lines becomes several entries."""

    def __init__(self) -> None:
        super().__init__()
        syslog.openlog("roamd", syslog.LOG_PID, syslog.LOG_DAEMON)

    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).splitlines():
            syslog.syslog(priority(record.levelno), line)


def priority(level: int) -> int:
    """Syslog's priority (RFC 5424 section 6.2.1) of a level of `logging`."""
    return next((priority for least, priority in _PRIORITIES if level >= least), syslog.LOG_DEBUG)
