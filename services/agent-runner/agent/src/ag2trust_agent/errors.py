"""The ways an agent can fail.

AgentError
 ├ EnvironmentIncompleteError  ends the agent: it was started without what it needs
 ├ RunnerLostError             ends the agent: the runner is silent
 ├ TokenRefusedError           ends the agent: it is no longer wanted
 ├ AnswerNotUnderstoodError    ends the agent: the runner speaks another protocol
 ├ MessageGoneError            leaves the message: another agent has it now
 ├ ReplyInterruptedError       tells the reply again, whole
 ├ ReplyRefusedError           fails the message
 └ ModelCallError              fails the message

Every text is one of ours, because these errors are logged and told: what another
program said may hold a key, an address with a token, or the content of a message.
"""

__all__ = [
    "AgentError",
    "AnswerNotUnderstoodError",
    "EnvironmentIncompleteError",
    "MessageGoneError",
    "ModelCallError",
    "ReplyInterruptedError",
    "ReplyRefusedError",
    "RunnerLostError",
    "TokenRefusedError",
]


class AgentError(Exception):
    pass


class EnvironmentIncompleteError(AgentError):
    def __init__(self, name: str) -> None:
        super().__init__(f"the environment lacks {name}")


class RunnerLostError(AgentError):
    def __init__(self) -> None:
        super().__init__("the runner cannot be reached")


class TokenRefusedError(AgentError):
    def __init__(self) -> None:
        super().__init__("the runner does not accept the token")


class AnswerNotUnderstoodError(AgentError):
    def __init__(self) -> None:
        super().__init__("the runner's answer is none that this agent understands")


class MessageGoneError(AgentError):
    def __init__(self) -> None:
        super().__init__("the message is no longer in hand")


class ReplyInterruptedError(AgentError):
    def __init__(self) -> None:
        super().__init__("the reply did not reach the runner whole")


class ReplyRefusedError(AgentError):
    def __init__(self, status: int) -> None:
        super().__init__(f"The reply was not accepted (HTTP {status}).")


class ModelCallError(AgentError):
    """A model call that gave no usable answer.

    *code* is upper-case and stable; the text is one sentence for the person who wrote
    the message.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
