"""Where a process of the cluster runs: an address, and how one gets there."""

from dataclasses import dataclass, replace

from ag2trust.child import Command

__all__ = ["LOOPBACK", "Host"]

_SETPRIV = "/usr/bin/setpriv"


@dataclass(frozen=True, slots=True)
class Host:
    """*enter* comes before every program that is run there."""

    address: str
    enter: tuple[str, ...] = ()

    def moved(self, command: Command) -> Command:
        """Run *command* here; entering takes root, so its account is changed after."""
        account = command.account
        if not (self.enter and account):
            return replace(command, arguments=(*self.enter, *command.arguments))
        become = (
            *(_SETPRIV, f"--reuid={account.uid}", f"--regid={account.gid}"),
            *("--clear-groups", "--pdeathsig", command.stop_signal.name),
        )
        return replace(
            command,
            arguments=(*self.enter, *become, *command.arguments),
            account=None,
        )


LOOPBACK = Host("127.0.0.1")
