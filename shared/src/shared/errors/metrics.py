"""Failures that metrics raises."""

from .families import (
    NotFoundError,
)

__all__ = [
    "AlertNotFoundError",
    "CallNotFoundError",
    "DeliveryNotFoundError",
    "PriceNotFoundError",
    "RepricingNotFoundError",
    "ToolCallNotFoundError",
    "WebhookNotFoundError",
]


class CallNotFoundError(NotFoundError):
    code = "CALL_NOT_FOUND"


class ToolCallNotFoundError(NotFoundError):
    code = "TOOL_CALL_NOT_FOUND"


class AlertNotFoundError(NotFoundError):
    code = "ALERT_NOT_FOUND"


class PriceNotFoundError(NotFoundError):
    code = "PRICE_NOT_FOUND"


class RepricingNotFoundError(NotFoundError):
    code = "REPRICING_NOT_FOUND"


class WebhookNotFoundError(NotFoundError):
    code = "WEBHOOK_NOT_FOUND"


class DeliveryNotFoundError(NotFoundError):
    code = "DELIVERY_NOT_FOUND"
