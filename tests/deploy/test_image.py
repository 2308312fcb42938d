"""The recipe of the image, read; tests/proofs/test_container.py follows it."""

import re
import subprocess

import pytest

from tests.deploy.image import CONTAINERFILE, context, instructions

SCRIPTS = ("build", "site", "job")


def test_the_recipe_names_no_secret_and_no_root():
    steps = instructions()
    assert [value for name, value in steps if name == "USER"] == ["10001:10001"]
    named = " ".join(value for name, value in steps if name in ("ENV", "ARG"))
    assert not re.search("KEYS|KEY=|PASSWORD|TOKEN|SECRET|DATABASE_URL", named)


def test_the_image_is_made_of_the_code_and_of_nothing_else():
    names = context()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {
        *("LICENSE", "manage.py", "requirements.txt", "deploy"),
        *("histovet", "pseudonymizer", "static", "templates"),
    }
    assert not [name for name in names if name.startswith("histovet/local/")]
    in_deploy = [name for name in names if name.startswith("deploy/")]
    assert all(name.startswith("deploy/container/") for name in in_deploy)
    for needed in ("histovet/wsgi.py", "deploy/container/build", "manage.py"):
        assert needed in names


@pytest.mark.parametrize("name", SCRIPTS)
def test_its_programs_are_programs(name):
    path = CONTAINERFILE.with_name(name)
    assert path.stat().st_mode & 0o111 == 0o111
    read = subprocess.run(["sh", "-n", str(path)], capture_output=True, check=False)
    assert (read.returncode, read.stderr) == (0, b"")
