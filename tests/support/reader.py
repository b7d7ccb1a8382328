"""A person who reads audit events: with a client certificate, at kubectl and our command line."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.environment import kubectl
from support.eventually import eventually
from workflow_audit.local.environment import LocalEnvironment

PROGRAM = Path(sys.executable).with_name("workflow-audit")
SECONDS = 120

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Reader:
    """Whoever a kubeconfig says."""

    environment: LocalEnvironment
    kubeconfig: Path

    @classmethod
    def named(cls, environment: LocalEnvironment, name: str) -> "Reader":
        """Give a user who may do what RBAC gives to this name."""
        return cls(environment, environment.control_plane.kubeconfig_for(name))

    @classmethod
    def administrator(cls, environment: LocalEnvironment) -> "Reader":
        """Give the user who may do everything."""
        return cls(environment, environment.kubeconfig)

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment variables of our command line."""
        kept = {key: value for key, value in os.environ.items() if key.startswith("COV")}
        return {**kept, "KUBECONFIG": str(self.kubeconfig), "HOME": "/nonexistent"}

    def run(self, *arguments: str, **variables: str) -> Done:
        """Run our command line."""
        return subprocess.run(
            [PROGRAM, *arguments],
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def started(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Start our command line beside others."""
        return subprocess.Popen(
            [PROGRAM, *arguments],
            env={**self.variables, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def reads(self, *arguments: str) -> str:
        """Run our command line, which does what it is asked for; gives what it prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, *arguments: str, code: int = 1, **variables: str) -> str:
        """Run our command line, which refuses and prints nothing; gives its complaint as a line."""
        done = self.run(*arguments, **variables)
        assert done.returncode == code, (done.stdout, done.stderr)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        return " ".join(done.stderr.split())

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl, which does what it is asked for; gives what it prints."""
        return kubectl(self.environment, *arguments, kubeconfig=self.kubeconfig)

    def explained(self, path: str) -> str:
        """Give what `kubectl explain` says, as soon as the API server knows.

        It fetches what a server behind it says of its resources some time after it has called that
        server available.
        """

        def explanation() -> str:
            try:
                return self.kubectl("explain", path)
            except subprocess.CalledProcessError as error:
                if "couldn't find resource for" in error.stderr:
                    return ""
                raise

        return eventually(explanation)

    def refused(self, *arguments: str) -> str:
        """Run kubectl, which refuses; gives its complaint."""
        with pytest.raises(subprocess.CalledProcessError) as caught:
            self.kubectl(*arguments)
        return str(caught.value.stderr)
