"""Puts the program into a wheel, and says which machines the wheel is for.

PENSTOCK_WHEEL_BINARY names a static program and PENSTOCK_WHEEL_PLATFORM the machines that it is for, as Go calls them:
linux/amd64. Without them the wheel is for every machine and has no program.
PENSTOCK_WHEEL_VERSION is the version.
"""

from __future__ import annotations

import os
import re
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# A static program runs with any C library. Alpine takes no manylinux wheel, others no musllinux one.
PLATFORMS = {
    "linux/amd64": "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
    "linux/arm64": "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    "darwin/amd64": "macosx_10_12_x86_64",
    "darwin/arm64": "macosx_11_0_arm64",
    "windows/amd64": "win_amd64",
    "windows/arm64": "win_arm64",
}


def version() -> str:
    """The version of the release, without the v of its tag; 0.dev0 for what is none."""
    given = os.environ.get("PENSTOCK_WHEEL_VERSION", "")
    return re.sub(r"^v(?=\d)", "", given) or "0.dev0"


class ProgramHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes a wheel for one platform when there is a program for it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        binary, platform = os.environ.get("PENSTOCK_WHEEL_BINARY"), os.environ.get("PENSTOCK_WHEEL_PLATFORM")
        if not binary and not platform:
            return
        if not binary or not platform:
            raise ValueError("PENSTOCK_WHEEL_BINARY and PENSTOCK_WHEEL_PLATFORM belong together")
        if not os.path.isfile(binary):
            raise ValueError(f"there is no program at {binary}")
        if platform not in PLATFORMS:
            raise ValueError(f"PENSTOCK_WHEEL_PLATFORM is {platform}: want one of {', '.join(PLATFORMS)}")
        name = "penstock.exe" if platform.startswith("windows/") else "penstock"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{PLATFORMS[platform]}"
        build_data["shared_scripts"][binary] = name
