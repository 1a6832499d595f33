#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""engine.py NAME...: a service with a thread of each name, which all wait."""
import ctypes
import sys
import threading

libc = ctypes.CDLL(None)
PR_SET_NAME = 15


def wait_as(name):
    libc.prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
    threading.Event().wait()


for name in sys.argv[1:]:
    threading.Thread(target=wait_as, args=(name,)).start()
